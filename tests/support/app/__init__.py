"""Helpers for the table of faults, each of which is injected into the running `final/`.

A row of the table is a test with the marker `fault(number, "what happens")`. Each test
expects the same of the app: every accepted search ends in an answer or in a clear
failure that its owner sees, no answer is paid for twice if that can be avoided, and no
visitor sees the searches of another one.
"""
