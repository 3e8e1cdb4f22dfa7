"""Helpers for tests that inject faults into the running `final/`.

Each row of the table of faults is a test with the marker
`fault(number, "what happens")`. In all these tests, the app must follow the same rules.
Every accepted search ends in an answer, or in a clear failure that its owner sees. The
app does not pay for an answer twice if it can avoid that. No visitor sees another
visitor's searches.
"""
