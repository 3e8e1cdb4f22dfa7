"""The sizes of a benchmark: WHOLE for reliable figures, QUICK for a quick look."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The sizes of the measurements: counts, and times in seconds."""

    # In sections (a), (b) and (g), the candidates take turns for several rounds.
    # Sections (c) and (e) are repeated, except for the slow candidates.
    rounds: int = 5
    repeats: int = 3
    # Section (a): searches per round.
    fast_searches: int = 80  # for final/ and for the floor: see floor.py
    slow_searches: int = 30  # for step 7
    polled_searches: int = 4  # a polled search takes at least half a second
    # Section (b): searches per round.
    streams: int = 8
    # Section (c).
    visitors: int = 20
    searches_each: int = 5
    # Section (d).
    idle_sockets: int = 1000
    idle_seconds: float = 60.0
    # Section (e).
    pushed_sockets: int = 500
    pushes: int = 6_000
    slow_pushes: int = 500  # for step 7
    # Section (f).
    crowd: int = 1_000
    crowd_workers: int = 1
    # Section (g): searches per round.
    watched_searches: int = 10


WHOLE = Sizes()
QUICK = Sizes(
    rounds=1,
    repeats=1,
    fast_searches=20,
    slow_searches=5,
    polled_searches=2,
    streams=3,
    visitors=4,
    searches_each=2,
    idle_sockets=50,
    idle_seconds=3.0,
    pushed_sockets=50,
    pushes=500,
    slow_pushes=100,
    crowd=100,
    watched_searches=4,
)
