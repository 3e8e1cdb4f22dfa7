"""How many files this process and its children may open, and so how many sockets."""

import resource

SPARE = 200  # for all that is no socket of the measurement


def raise_open_files() -> int:
    """Allow as many open files as the system lets us, and return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, 65_536, 10_240):
        # macOS says "unlimited" and takes no more than its own limit.
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
    """`wanted`, or as many sockets as this process may open to so many candidates."""
    return min(wanted, (raise_open_files() - SPARE) // candidates)
