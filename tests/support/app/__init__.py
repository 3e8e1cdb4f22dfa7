"""Helpers for tests that inject faults into the running `final/`.

Each row of the table of faults is a test with the marker
`fault(number, "what happens")`. All these tests expect the same of the app. Every
accepted search ends in an answer, or in a clear failure that its owner sees. No answer
is paid for twice if that can be avoided. No visitor sees another visitor's searches.
"""
