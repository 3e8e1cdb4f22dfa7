"""Measures the sections of the benchmark one by one, and prints their tables."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace

from tutorial.bench import (
    crowd,
    first_token,
    idle_sockets,
    machine,
    overhead,
    pushes,
    throughput,
    watched,
)
from tutorial.bench.sizes import QUICK, WHOLE
from tutorial.bench.table import Section
from tutorial.problem import Problem
from tutorial.runtime.terminal import Progress, painter

SECTIONS = {
    "a": overhead.measure,
    "b": first_token.measure,
    "c": throughput.measure,
    "d": idle_sockets.measure,
    "e": pushes.measure,
    "f": crowd.measure,
    "g": watched.measure,
}


def parse_sections(text: str) -> list[str]:
    """Return the letters in a text such as "a,c", in the order of SECTIONS.

    An empty text stands for all sections. Raises Problem if a section does not exist.
    """
    letters = {letter.strip().lower() for letter in text.split(",")} - {""}
    if unknown := ", ".join(sorted(letters - SECTIONS.keys())):
        raise Problem(
            f"There is no section {unknown}. The sections are {', '.join(SECTIONS)}."
        )
    return [letter for letter in SECTIONS if not letters or letter in letters]


def bench(only: str, *, quick: bool, own: Mapping[str, int], as_json: bool) -> int:
    """Measure, and print the results. Returns 0, even if goals are missed.

    `own` maps names of fields in `Sizes` to values that replace the usual values.
    Raises Problem if something cannot be measured, or if a message was lost.
    """
    letters = parse_sections(only)
    sizes = replace(QUICK if quick else WHOLE, **own)
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    progress, paint = Progress(quiet=as_json), painter(sys.stdout)
    found = {"machine": machine.describe(), "load_before": machine.load()}
    found |= {"sizes": asdict(sizes), "sections": {}}
    if not as_json:
        for name, value in found["machine"].items():
            print(f"{name:<15}{value}")
        if found["load_before"] > 1:
            words = "other programs use the machine and affect the results"
            print(f"{'load':<15}{found['load_before']:.1f}: {words}")
    started = time.monotonic()
    sections: list[Section] = []
    for letter in letters:
        progress(f"measuring ({letter}), {len(sections) + 1} of {len(letters)}")
        sections.append(section := SECTIONS[letter](sizes))
        found["sections"][letter] = section.data()
        progress("")
        if not as_json:
            first, *lines = section.lines()
            print("", paint("bold", first), *lines, sep="\n", flush=True)
    found["seconds"] = round(time.monotonic() - started, 1)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print(f"\nMeasured in {found['seconds']:.0f} s")
    if faults := [fault for section in sections for fault in section.faults]:
        raise Problem("\n".join(faults))
    return 0
