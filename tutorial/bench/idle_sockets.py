"""(d) Idle sockets: memory, connections per second, and how many stay open."""

import asyncio
import time

import psutil

from tutorial.bench import candidates, open_files
from tutorial.bench.candidates import Candidate, Stage
from tutorial.bench.sizes import Sizes
from tutorial.bench.table import Section, at_least, at_most
from tutorial.bench.visitors import Visitor

WARM_UP = 20  # sockets that are opened before memory is measured, and stay open
AT_A_TIME = 20  # sockets that are opened concurrently
KIB = 1024


def measure(sizes: Sizes) -> Section:
    """Open the sockets of each candidate in turn. Then leave all sockets idle."""
    kinds = (candidates.FLOOR, candidates.STEP_7, candidates.FINAL)
    count = open_files.sockets_for_each(sizes.idle_sockets, len(kinds))
    section = Section(
        letter="d",
        title=f"Idle sockets of one web process, for {sizes.idle_seconds:g} s",
        caption=(
            "Each socket belongs to a different visitor. Memory: the growth of the web"
            " process's resident memory. A socket counts as open if it answers a ping"
            " at the end."
        ),
        columns={
            "sockets": "sockets",
            "kib_each": "KiB each",
            "connects_per_second": "connects/s",
            "open_at_the_end": "open at the end",
        },
    )
    with Stage() as stage:
        running = stage.start(*kinds)
        asyncio.run(_hold(section, running, count, sizes.idle_seconds))
    final = section.rows["final"]
    section.goals["final"] = [
        at_most(26, "≤ {} KiB each", final["kib_each"]),
        at_least(final["sockets"], "none closed", final["open_at_the_end"]),
    ]
    return section


async def _hold(
    section: Section, running: list[Candidate], count: int, idle_seconds: float
) -> None:
    held: dict[str, list[Visitor]] = {}
    for candidate in running:
        held[candidate.name] = first = await candidate.visitors(WARM_UP)
        visitors = await candidate.visitors(count, with_socket=False)
        for visitor in (*first, *visitors):
            visitor.http.close()
        await asyncio.sleep(1)
        before = _resident(candidate)
        seconds = await _connect(candidate, visitors)
        await asyncio.sleep(1)
        section.rows[candidate.name] = {
            "sockets": count,
            "kib_each": (_resident(candidate) - before) / count / KIB,
            "connects_per_second": count / seconds,
        }
        held[candidate.name] += visitors
    await asyncio.sleep(idle_seconds)
    for name, visitors in held.items():
        answers = await asyncio.gather(
            *(visitor.socket.answers() for visitor in visitors)
        )
        section.rows[name]["open_at_the_end"] = sum(answers[WARM_UP:])
        for visitor in visitors:
            visitor.leave()


async def _connect(candidate: Candidate, visitors: list[Visitor]) -> float:
    """Open a socket for each visitor, AT_A_TIME concurrently.

    Returns how long it took, in seconds.
    """
    connecting = asyncio.Semaphore(AT_A_TIME)

    async def connect(visitor: Visitor) -> None:
        async with connecting:
            await visitor.connect()

    started = time.monotonic()
    with candidate.blamed():
        await asyncio.gather(*map(connect, visitors))
    return time.monotonic() - started


def _resident(candidate: Candidate) -> int:
    web = psutil.Process(candidate.processes["web"].group)
    tree = (web, *web.children(recursive=True))
    return sum(process.memory_info().rss for process in tree)
