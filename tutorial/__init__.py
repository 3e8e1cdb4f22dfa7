"""The program that runs, compares and tests the steps. No step imports it."""
