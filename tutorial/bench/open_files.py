"""The system's limit on open files, which also limits the number of sockets."""

import resource

SPARE = 200  # open files that are not sockets of the measurement


def raise_open_files() -> int:
    """Raise this process's limit on open files to the maximum. Return the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, 65_536, 10_240):
        # macOS reports "unlimited", but refuses more than its own limit.
        if wanted == resource.RLIM_INFINITY or wanted <= soft:
            continue
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            continue
        break
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft


def sockets_for_each(wanted: int, candidates: int) -> int:
    """Return how many sockets this process is allowed to open to each candidate.

    This is at most `wanted`.
    """
    return min(wanted, (raise_open_files() - SPARE) // candidates)
