"""(e) Pushes per second, from one worker process to many sockets."""

import asyncio
import contextlib
import subprocess
import time
from pathlib import Path

from tutorial.bench import candidates, open_files
from tutorial.bench.candidates import Candidate, Stage
from tutorial.bench.figures import percentile, together
from tutorial.bench.sizes import Sizes
from tutorial.bench.table import Figure, Section, at_least
from tutorial.bench.visitors import Visitor
from tutorial.paths import PYTHON
from tutorial.problem import Problem

# The first argument of `pusher.py`, for each candidate.
HOW = {
    candidates.FLOOR: "floor",
    candidates.STEP_7: "step",
    candidates.FINAL: "final",
}
COUNTS = ("sent", "received")
PUSHER = Path(__file__).parent / "pusher.py"
LONGEST = 60.0  # how many seconds one run of the pusher may take
SILENCE = 2.0  # seconds without a frame, after which missing frames count as lost


def measure(sizes: Sizes) -> Section:
    """Push to the same sockets several times, and combine the figures."""
    count = open_files.sockets_for_each(sizes.pushed_sockets, 3)
    section = Section(
        letter="e",
        title=f"Pushes per second from one worker process to {count:,} sockets",
        caption=(
            f"The pushes go in turn to {count:,} visitors, who have one socket each."
            " Each push is a separate publish and a separate frame. The rate is"
            " measured from the first push to the last frame. The latencies, from push"
            " to frame, are measured at this rate."
        ),
        columns={
            "sent": "pushed",
            "received": "received",
            "pushes_per_second": "pushes/s",
            "median_ms": "median ms",
            "p99_ms": "p99 ms",
            "times_floor": "x floor",
        },
    )
    with Stage() as stage:
        kinds = (candidates.FLOOR, candidates.STEP_7, candidates.FINAL)
        section.rows = asyncio.run(_repeats(sizes, stage, stage.start(*kinds), count))
    floor = section.rows["floor"]["pushes_per_second"]
    for name, figures in section.rows.items():
        figures["times_floor"] = figures["pushes_per_second"] / floor
        if figures["sent"] != figures["received"]:
            section.faults.append(
                f"{name}: {figures['sent']} pushes, {figures['received']} frames."
            )
    final = section.rows["final"]
    section.goals["final"] = [
        at_least(3000, "≥ {} pushes/s", final["pushes_per_second"]),
        at_least(final["sent"], "none lost", final["received"]),
    ]
    return section


async def _repeats(
    sizes: Sizes, stage: Stage, running: list[Candidate], sockets: int
) -> dict[str, dict[str, Figure]]:
    visitors = {
        candidate.name: await candidate.visitors(sockets) for candidate in running
    }
    found: dict[str, list[dict[str, Figure]]] = {}
    for number in range(sizes.repeats):
        for candidate in running:
            is_slow = candidate.kind is candidates.STEP_7
            if is_slow and number > 0:
                continue
            count = sizes.slow_pushes if is_slow else sizes.pushes
            figures = await _flood(stage, candidate, visitors[candidate.name], count)
            found.setdefault(candidate.name, []).append(figures)
    return {name: together(repeats, COUNTS) for name, repeats in found.items()}


async def _flood(
    stage: Stage, candidate: Candidate, visitors: list[Visitor], count: int
) -> dict[str, Figure]:
    pushed: list[float] = []
    arrived: list[float] = []

    def note(frame: dict, moment: float) -> None:
        if "pushed" in frame:
            pushed.append(frame["pushed"])
            arrived.append(moment)

    for visitor in visitors:
        visitor.on_frame = note
    await _push(stage, candidate, visitors, count)
    while len(arrived) < count and time.monotonic() - max(arrived, default=0) < SILENCE:
        await asyncio.sleep(0.1)
    if not arrived:
        raise Problem(f"{candidate.name}: none of {count} pushes has arrived.")
    latencies = [end - start for start, end in zip(pushed, arrived, strict=True)]
    return {
        "sent": count,
        "received": len(arrived),
        "pushes_per_second": len(arrived) / (max(arrived) - min(pushed)),
        "median_ms": percentile(latencies, 50) * 1000,
        "p99_ms": percentile(latencies, 99) * 1000,
    }


async def _push(
    stage: Stage, candidate: Candidate, visitors: list[Visitor], count: int
) -> None:
    """Run the pusher in the candidate's environment, and wait until it ends."""
    users = " ".join(str(visitor.number) for visitor in visitors)
    environment = candidate.environment | {"FLOOR_USERS": users}
    how = HOW[candidate.kind]
    process = stage.processes.start(
        "pusher",
        [str(PYTHON), "-P", str(PUSHER), how, str(count)],
        folder=candidate.folder,
        environment=environment,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        if await asyncio.to_thread(process.child.wait, LONGEST) == 0:
            return
    words = "\n".join(f"  {line}" for line in process.lines[-5:])
    raise Problem(f"{candidate.name} could not push:\n{words}")
