"""(g) What the live map costs: the same searches with and without it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from tutorial.bench import candidates
from tutorial.bench.candidates import Candidate, Kind, Stage
from tutorial.bench.figures import milliseconds
from tutorial.bench.overhead import search
from tutorial.bench.sizes import Sizes
from tutorial.bench.table import Section, at_most

# Seconds that the API takes: a quick model.
LATENCY = 0.3

MAPPED = " with the map"


def with_map(kind: Kind) -> Kind:
    """The same candidate, with the observer in its processes and a map beside it."""
    return replace(kind, name=kind.name + MAPPED, is_mapped=True)


def measure(sizes: Sizes) -> Section:
    """Let the candidates take turns, so that other load affects all of them equally."""
    section = Section(
        letter="g",
        title="The live map: the same searches with and without it",
        caption=(
            "One visitor's searches, one after the other. The API takes"
            f" {LATENCY * 1000:g} ms in the first rows, and answers at once in the"
            " others."
        ),
        columns={
            "count": "searches",
            "median_ms": "median ms",
            "p95_ms": "p95 ms",
            "times_without": "x without the map",
            "ms_more": "ms more",
        },
    )
    kinds = [candidates.STEP_7, candidates.FINAL]
    with Stage() as stage:
        started = stage.start(*kinds, *map(with_map, kinds))
        for name, seconds in asyncio.run(_rounds(sizes, stage, started)).items():
            section.rows[name] = milliseconds(seconds)
    for name, figures in section.rows.items():
        if MAPPED not in name:
            continue
        without = section.rows[name.replace(MAPPED, "")]["median_ms"]
        figures["times_without"] = figures["median_ms"] / without
        figures["ms_more"] = figures["median_ms"] - without
        if not name.endswith(AT_ONCE):
            goal = at_most(1.15, "≤ {} x without", figures["times_without"])
            section.goals[name] = [goal]
    return section


AT_ONCE = ", at once"


async def _rounds(
    sizes: Sizes, stage: Stage, started: list[Candidate]
) -> Mapping[str, list[float]]:
    seconds: dict[str, list[float]] = {}
    for latency, suffix in ((LATENCY, ""), (0.0, AT_ONCE)):
        await stage.pace(latency=latency)
        for number in range(sizes.rounds):
            for candidate in started:
                visitor = await candidate.visitor()
                found = seconds.setdefault(candidate.name + suffix, [])
                with candidate.blamed():
                    for _ in range(3 if number == 0 else 1):
                        await search(visitor)  # warms up caches, and is not counted
                    for _ in range(sizes.watched_searches):
                        found.append(await search(visitor))
                visitor.leave()
    return seconds
