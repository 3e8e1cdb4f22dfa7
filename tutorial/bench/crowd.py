"""(f) A thousand searches at the same time, in one worker process."""

import asyncio
import math
from dataclasses import replace

from tutorial.bench import candidates
from tutorial.bench.at_once import ask_at_once, get_ready, loss
from tutorial.bench.candidates import Candidate, Stage
from tutorial.bench.client import PATIENCE
from tutorial.bench.open_files import raise_open_files
from tutorial.bench.sizes import Sizes
from tutorial.bench.table import Figure, Section, at_most

LATENCY = 10.0  # seconds that the API takes for an answer
PLACES = 1000  # searches at once in a worker: the default of SEARCHES_PER_WORKER
# The time limit, in seconds, if the workers can run all searches at once. Otherwise,
# the limit is a multiple of this time.
SECONDS = 22
KIB = 1024
EACH = 5  # searches that each visitor sends


def measure(sizes: Sizes) -> Section:
    """Let some visitors ask at once, and then ten times as many visitors."""
    few = sizes.crowd // (10 * EACH) * EACH
    most, workers = 10 * few, sizes.crowd_workers
    # Searches beyond the workers' limit wait until earlier searches are answered.
    turns = math.ceil(most / (PLACES * workers))
    raise_open_files()
    section = Section(
        letter="f",
        title=f"{most:,} searches at once with an API that takes {LATENCY:g} s",
        caption=(
            f"The API takes {LATENCY:g} s for an answer. {EACH} searches at once from"
            " each visitor, one web process,"
            f" {'one worker' if workers == 1 else f'{workers} workers'}. Memory: the"
            " growth of the worker's PSS. CPU: the worker's CPU time. With SQLite,"
            " a write waits for its turn for up to 20 s."
        ),
        columns={
            "sent": "sent",
            "received": "received",
            "asked": "API calls",
            "seconds": "s until all are answered",
            "search_kib": "KiB per search",
            "search_cpu_ms": "CPU ms per search",
        },
    )
    with Stage() as stage:
        kind = replace(candidates.FINAL_IN_A_CROWD, workers=workers)
        (final,) = stage.start(kind)
        for count in (few, most):
            name = f"final, {count:,} searches"
            section.rows[name] = asyncio.run(
                _ask_all_at_once(stage, final, count, turns)
            )
    (first, few_figures), (second, figures) = section.rows.items()
    for name, found in section.rows.items():
        section.faults += loss(name, found)
    section.goals[second] = [
        at_most(SECONDS * turns, "all answered within {} s", figures["seconds"]),
        at_most(150, "≤ {} KiB per search", figures["search_kib"]),
        at_most(
            1.0,
            f"CPU per search ≤ {{}} x the CPU per search of {first.partition(', ')[2]}",
            figures["search_cpu_ms"] / few_figures["search_cpu_ms"],
        ),
    ]
    return section


async def _ask_all_at_once(
    stage: Stage, candidate: Candidate, count: int, turns: int
) -> dict[str, Figure]:
    visitors = await candidate.visitors(count // EACH)
    await get_ready(stage, candidate, visitors[0], LATENCY)
    before = memory = candidate.memory("worker")
    cpu = candidate.cpu("worker")

    async def watch() -> None:
        nonlocal memory
        while True:
            memory = max(memory, candidate.memory("worker"))
            await asyncio.sleep(0.5)

    watching = asyncio.create_task(watch())
    rush = await ask_at_once(stage, candidate, visitors, EACH, PATIENCE * turns)
    watching.cancel()
    in_flight = min(count, PLACES * candidate.kind.workers)
    for visitor in visitors:
        visitor.leave()
    return {
        **rush.counts(),
        "seconds": rush.seconds,
        "search_kib": (memory - before) / in_flight / KIB,
        "search_cpu_ms": (candidate.cpu("worker") - cpu) / count * 1000,
    }
