"""Calculates the figures in the tables."""

import math
from collections.abc import Collection, Mapping, Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile of `values`, by the nearest-rank method.

    This is the smallest value such that at least `percent` % of all values are less
    than or equal to it.
    """
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Return the count of times, and their median, 95th and 99th percentile in ms."""
    return {
        "count": len(seconds),
        "median_ms": percentile(seconds, 50) * 1000,
        "p95_ms": percentile(seconds, 95) * 1000,
        "p99_ms": percentile(seconds, 99) * 1000,
    }


def together(
    repeats: Sequence[Mapping[str, float]], summed: Collection[str]
) -> dict[str, float]:
    """Combine the figures of several repeats.

    The figures named in `summed` are added up. The other figures are medians.
    """
    return {
        name: sum(values) if name in summed else percentile(values, 50)
        for name in repeats[0]
        for values in ([repeat[name] for repeat in repeats],)
    }
