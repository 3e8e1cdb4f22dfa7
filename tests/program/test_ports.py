"""Processes that look for a free port at the same time get different ports."""

import subprocess
import sys

from tutorial.paths import ROOT
from tutorial.runtime.exclusive import free_port

# A program that reserves 20 of 60 ports until it reads a line.
ASK = """
from tutorial.runtime import exclusive
exclusive.PORTS = exclusive.PORTS[:60]
print(*(exclusive.free_port() for _ in range(20)), flush=True)
input()
"""


def test_two_processes_get_different_ports():
    children = [
        subprocess.Popen(
            [sys.executable, "-c", ASK],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [child.stdout.readline().split() for child in children]
    for child in children:
        child.communicate("\n", timeout=20)
    assert [len(answer) for answer in answers] == [20, 20]
    assert len({*answers[0], *answers[1]}) == 40


def test_a_preferred_port_is_used_if_it_is_free():
    port = free_port()
    assert free_port(port) == port
    assert free_port() != port
