"""(c) Searches per second with a slow API."""

import asyncio

from tutorial.bench import candidates
from tutorial.bench.at_once import ask_at_once, get_ready, loss
from tutorial.bench.candidates import Candidate, Stage
from tutorial.bench.figures import together
from tutorial.bench.machine import cores
from tutorial.bench.sizes import Sizes
from tutorial.bench.table import Figure, Section, at_least, at_most

LATENCY = 1.0  # seconds that the API takes for an answer
MIB = 1024 * 1024
COUNTS = ("sent", "received", "asked")


def measure(sizes: Sizes) -> Section:
    """Let all visitors ask at once, several times, and combine the figures."""
    searches = sizes.visitors * sizes.searches_each
    times = "once" if sizes.repeats == 1 else f"{sizes.repeats} times"
    section = Section(
        letter="c",
        title=f"Searches per second with an API that takes {LATENCY:g} s",
        caption=(
            f"The API takes {LATENCY:g} s for an answer. {sizes.visitors} visitors send"
            f" {searches} searches in total, all at once."
            f" This is measured {times} (default pool: once). The counts are sums, and"
            " the other figures are medians. The default pool is Celery's: prefork,"
            " with one child process per core. Memory: the proportional set size (PSS)"
            " after the searches, including child processes."
        ),
        columns={
            "sent": "sent",
            "received": "received",
            "asked": "API calls",
            "searches_per_second": "searches/s",
            "times_default_pool": "x default pool",
            "times_floor": "x floor",
            "web_mib": "web MiB",
            "worker_mib": "worker MiB",
        },
    )
    with Stage() as stage:
        kinds = (candidates.FLOOR, candidates.DEFAULT_POOL, candidates.FINAL)
        floor, default_pool, final = stage.start(*kinds)
        section.rows = asyncio.run(_repeats(sizes, stage, floor, default_pool, final))
    rates = {
        name: figures["searches_per_second"] for name, figures in section.rows.items()
    }
    for name, figures in section.rows.items():
        figures["times_default_pool"] = rates[name] / rates[default_pool.name]
        figures["times_floor"] = rates[name] / rates["floor"]
        section.faults += loss(name, figures)
    figures = section.rows["final"]
    section.goals["final"] = [
        at_least(25, "≥ {} x default pool", figures["times_default_pool"]),
        at_least(0.8, "≥ {} x floor", figures["times_floor"]),
        at_most(
            cores(),
            "the worker's memory ≤ {} x the web process's memory"
            " (the factor is the number of cores)",
            figures["worker_mib"] / figures["web_mib"],
        ),
    ]
    return section


async def _repeats(
    sizes: Sizes,
    stage: Stage,
    floor: Candidate,
    default_pool: Candidate,
    final: Candidate,
) -> dict[str, dict[str, Figure]]:
    found: dict[str, list[dict[str, Figure]]] = {}
    for number in range(sizes.repeats):
        for candidate in (floor, default_pool, final):
            # Measure the default pool only once: it takes (searches / cores) seconds.
            if candidate is default_pool and number > 0:
                continue
            figures = await _ask_all_at_once(sizes, stage, candidate)
            found.setdefault(candidate.name, []).append(figures)
    return {name: together(repeats, COUNTS) for name, repeats in found.items()}


async def _ask_all_at_once(
    sizes: Sizes, stage: Stage, candidate: Candidate
) -> dict[str, Figure]:
    visitors = await candidate.visitors(sizes.visitors)
    await get_ready(stage, candidate, visitors[0], LATENCY)
    rush = await ask_at_once(stage, candidate, visitors, sizes.searches_each)
    figures: dict[str, Figure] = dict(rush.counts())
    # If no answer arrived, `seconds` is 0. The counts show that answers are missing.
    figures["searches_per_second"] = rush.received / (rush.seconds or 1)
    for role in ("web", "worker"):
        figures[f"{role}_mib"] = candidate.memory(role) / MIB
    for visitor in visitors:
        visitor.leave()
    return figures
