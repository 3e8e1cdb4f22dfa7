"""(a) The overhead of the whole flow: from the POST to the frame with the answer."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

from tutorial.bench import candidates
from tutorial.bench.candidates import Candidate, Stage
from tutorial.bench.figures import milliseconds
from tutorial.bench.sizes import Sizes
from tutorial.bench.table import Section, at_least, at_most
from tutorial.bench.visitors import FloorVisitor, Visitor

POLLING = "polling"
POLL_EVERY = 0.5  # seconds between two polls

_numbers = itertools.count(1)


async def search(visitor: Visitor) -> float:
    """Ask a question. Return the seconds from the POST to the answer's frame."""
    question = f"What is question {next(_numbers)}?"
    await visitor.http.connect()
    started = time.monotonic()
    await visitor.submit(question)
    return await visitor.answers.of(question) - started


async def poll(visitor: FloorVisitor) -> float:
    """Ask a question, and poll for the answer. Return the seconds until it arrives."""
    started = time.monotonic()
    await visitor.submit(f"What is question {next(_numbers)}?")
    while True:
        await asyncio.sleep(POLL_EVERY)
        if await visitor.poll():
            return time.monotonic() - started


async def post(visitor: Visitor) -> float:
    """Send a question. Return the seconds until the response to the POST."""
    started = time.monotonic()
    await visitor.submit(f"What is question {next(_numbers)}?")
    return time.monotonic() - started


def measure(sizes: Sizes) -> Section:
    """Let the candidates take turns, so that other programs slow them all equally."""
    section = Section(
        letter="a",
        title="The whole flow with an API that answers at once: submit to answer",
        caption=(
            "One visitor's searches, one after the other. The floor is a minimal"
            " program with the same hops. With polling, the visitor asks the floor's"
            " web process for the answer every 500 ms. Step 2 does not deliver an"
            " answer yet: its POST waits for a task that takes 3 s."
        ),
        columns={
            "count": "searches",
            "median_ms": "median ms",
            "p95_ms": "p95 ms",
            "p99_ms": "p99 ms",
            "times_floor": "x floor",
            "times_faster_than_polling": "x the speed of polling",
        },
    )
    with Stage() as stage:
        kinds = (
            candidates.FLOOR,
            candidates.STEP_2,
            candidates.STEP_7,
            candidates.FINAL,
        )
        for name, seconds in asyncio.run(_rounds(sizes, *stage.start(*kinds))).items():
            section.rows[name] = milliseconds(seconds)
    floor = section.rows["floor"]["median_ms"]
    polling = section.rows[POLLING]["median_ms"]
    for figures in section.rows.values():
        figures["times_floor"] = figures["median_ms"] / floor
        figures["times_faster_than_polling"] = polling / figures["median_ms"]
    final = section.rows["final"]
    section.goals["final"] = [
        at_most(3, "≤ {} x floor", final["times_floor"]),
        at_least(60, "≥ {} x the speed of polling", final["times_faster_than_polling"]),
    ]
    return section


async def _rounds(
    sizes: Sizes,
    floor: Candidate,
    step_2: Candidate,
    step_7: Candidate,
    final: Candidate,
) -> dict[str, list[float]]:
    turns: list[tuple[str, Candidate, Callable[[Visitor], Awaitable[float]], int]] = [
        (floor.name, floor, search, sizes.fast_searches),
        (POLLING, floor, poll, sizes.polled_searches),
        (step_2.name, step_2, post, 1),
        (step_7.name, step_7, search, sizes.slow_searches),
        (final.name, final, search, sizes.fast_searches),
    ]
    seconds: dict[str, list[float]] = {name: [] for name, *_ in turns}
    for number in range(sizes.rounds):
        for name, candidate, act, count in turns:
            # Use a new visitor for each turn: few people ask hundreds of questions.
            visitor = await candidate.visitor(with_socket=act is search)
            with candidate.blamed():
                if act is search:
                    # The first searches warm up caches, and are not counted.
                    for _ in range(5 if number == 0 else 1):
                        await act(visitor)
                for _ in range(count):
                    seconds[name].append(await act(visitor))
            visitor.leave()
    return seconds
