"""The program that runs, compares and tests the steps. The steps do not import it."""
