"""(b) Streaming: from the API's first token to the first chunk at the socket."""

import asyncio
import itertools

from tutorial.bench import candidates
from tutorial.bench.candidates import Candidate, Stage
from tutorial.bench.figures import milliseconds
from tutorial.bench.sizes import Sizes
from tutorial.bench.table import Section, at_most

LATENCY = 0.1  # seconds before the API's answer begins
PAUSE = 0.02  # seconds between the words of the answer


def measure(sizes: Sizes) -> Section:
    """Send questions to each candidate in turn, and measure the first chunks.

    All processes read CLOCK_MONOTONIC, so their times can be compared.
    """
    section = Section(
        letter="b",
        title="The first chunk at the socket after the API's first token",
        caption=(
            f"The API waits {LATENCY * 1000:.0f} ms, then writes a word every"
            f" {PAUSE * 1000:.0f} ms. The times begin when the API sends its first"
            " word. The steps of the tutorial do not stream answers."
        ),
        columns={
            "count": "searches",
            "median_ms": "median ms",
            "p95_ms": "p95 ms",
            "p99_ms": "p99 ms",
            "times_floor": "x floor",
        },
    )
    with Stage() as stage:
        running = stage.start(candidates.STREAMING_FLOOR, candidates.FINAL)
        for name, seconds in asyncio.run(_rounds(sizes, stage, running)).items():
            section.rows[name] = milliseconds(seconds)
    floor = section.rows["floor"]["median_ms"]
    for figures in section.rows.values():
        figures["times_floor"] = figures["median_ms"] / floor
    median = section.rows["final"]["median_ms"]
    section.goals["final"] = [
        at_most(10, "the first chunk at the socket after ≤ {} ms", median)
    ]
    return section


async def _rounds(
    sizes: Sizes, stage: Stage, running: list[Candidate]
) -> dict[str, list[float]]:
    await stage.pace(latency=LATENCY, pause=PAUSE)
    visitors = [await candidate.visitor() for candidate in running]
    arrived: dict[str, dict[str, float]] = {candidate.name: {} for candidate in running}
    numbers = itertools.count(1)
    for _ in range(sizes.rounds):
        for candidate, visitor in zip(running, visitors, strict=True):
            # The first question of a turn warms up caches, and is not counted.
            questions = [f"Question {next(numbers)}?" for _ in range(sizes.streams + 1)]
            with candidate.blamed():
                for question in questions:
                    await visitor.submit(question)
                    moment = await visitor.first_chunks.of(question)
                    await visitor.answers.of(question)
                    if question != questions[0]:
                        arrived[candidate.name][question] = moment
    written = (await stage.figures())["first_tokens"]
    return {
        name: [moment - written[question] for question, moment in moments.items()]
        for name, moments in arrived.items()
    }
