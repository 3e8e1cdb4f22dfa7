"""What could go wrong: a table of faults, each injected into the running `final/`.

A row is a test with the marker `fault(number, "what happens")`. Each starts real
processes, or shares them where its fault harms nobody else, and asks the same of the
app: every accepted search ends in an answer or a clear failure that its owner sees, no
answer is paid for twice where that can be avoided, and nobody sees another's.
"""
