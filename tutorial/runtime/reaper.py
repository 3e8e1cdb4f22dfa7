"""Ends process groups. `Processes` uses it as a module, and as a separate program.

As a program it reads "+ID" (watch this group) and "-ID" (that group has ended) from its
standard input. When the program that started the groups ends for any reason, the input
ends, and the reaper ends the groups that are still running.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

# Seconds between SIGTERM and SIGKILL.
GRACE = 2.0


def is_alive(group: int) -> bool:
    """Whether the group contains a process. Zombies count, too."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_groups(groups: Iterable[int], grace: float) -> None:
    """Send SIGTERM to the groups.

    Send SIGKILL to the groups that are still alive `grace` seconds later.
    """
    left = list(groups)
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 1.0)):
        for group in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = [group for group in left if is_alive(group)]
        if not left:
            return


if __name__ == "__main__":
    watched: set[int] = set()
    for line in sys.stdin:
        if line[0] == "+":
            watched.add(int(line))
        else:
            watched.discard(-int(line))
    end_groups(watched, GRACE)
