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

# How many seconds the API takes to answer: about as long as a fast model.
LATENCY = 0.3

MAPPED = " with the map"
AT_ONCE = ", API without delay"


def with_map(kind: Kind) -> Kind:
    """Return the same candidate, but with a live map that observes its processes."""
    return replace(kind, name=kind.name + MAPPED, is_mapped=True)


def measure(sizes: Sizes) -> Section:
    """Let the candidates take turns, so that other programs slow them all equally."""
    section = Section(
        letter="g",
        title="The live map: the same searches without it and with it",
        caption=(
            "One visitor's searches, one after the other. The API takes"
            f" {LATENCY * 1000:g} ms, or answers without delay. A page of the map is"
            " open."
        ),
        columns={
            "count": "searches",
            "median_ms": "median ms",
            "mapped_ms": "median ms with the map",
            "times": "time with the map / without it",
            "more_ms": "additional ms",
        },
    )
    kinds = [candidates.STEP_7, candidates.FINAL]
    with Stage() as stage:
        started = stage.start(*kinds, *map(with_map, kinds))
        seconds = asyncio.run(_rounds(sizes, stage, started))
    for kind in kinds:
        for pace in ("", AT_ONCE):
            without = milliseconds(seconds[kind.name + pace])
            mapped = milliseconds(seconds[kind.name + MAPPED + pace])
            times = mapped["median_ms"] / without["median_ms"]
            section.rows[kind.name + pace] = {
                "count": without["count"],
                "median_ms": without["median_ms"],
                "mapped_ms": mapped["median_ms"],
                "times": times,
                "more_ms": mapped["median_ms"] - without["median_ms"],
            }
            name = kind.name + pace
            goal = at_most(1.15, f"{name}: ≤ {{}} x the time without the map", times)
            section.goals[name] = [goal]
    return section


async def _rounds(
    sizes: Sizes, stage: Stage, started: list[Candidate]
) -> Mapping[str, list[float]]:
    seconds: dict[str, list[float]] = {}
    for latency, pace in ((LATENCY, ""), (0.0, AT_ONCE)):
        await stage.pace(latency=latency)
        for number in range(sizes.rounds):
            for candidate in started:
                visitor = await candidate.visitor()
                found = seconds.setdefault(candidate.name + pace, [])
                with candidate.blamed():
                    for _ in range(3 if number == 0 else 1):
                        await search(visitor)  # warms up caches, and is not counted
                    for _ in range(sizes.watched_searches):
                        found.append(await search(visitor))
                visitor.leave()
    return seconds
