"""Waits for conditions, with deadlines. Use this instead of writing a loop."""

import time
from collections.abc import Callable
from typing import Any

# Seconds between two checks: the first pause, and the longest one. A check is often a
# request or a search of the process table. Too many of them slow down the work that the
# caller is waiting for.
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.15
GROWTH = 1.25  # the factor by which each pause is longer than the one before


def wait_until(
    condition: Callable[[], object],
    *,
    seconds: float,
    otherwise: Callable[[], str] | str,
    pause: Callable[[float], object] = time.sleep,
):
    """Wait until `condition` returns a true value, and return that value.

    Raises TimeoutError after `seconds`, with the text `otherwise`. Between two
    checks, `pause` is called with the number of seconds to wait.
    """
    if result := wait_for(condition, seconds, pause):
        return result
    text = otherwise if isinstance(otherwise, str) else otherwise()
    raise TimeoutError(f"{text} (waited {seconds:g} s)")


def wait_for(
    condition: Callable[[], object],
    seconds: float,
    pause: Callable[[float], object] = time.sleep,
):
    """Return the first true result of `condition`, or its last result after `seconds`.

    Between two checks, `pause` is called with the number of seconds to wait. For a page
    that Playwright controls, use `pause_in(page)`.
    """
    deadline = time.monotonic() + seconds
    length = FIRST_PAUSE
    while not (result := condition()) and (left := deadline - time.monotonic()) > 0:
        pause(min(length, left))
        length = min(length * GROWTH, LONGEST_PAUSE)
    return result


def pause_in(page: Any) -> Callable[[float], object]:
    """Return a function that pauses for a page that Playwright controls.

    The browser's events arrive only while Playwright waits.
    """
    return lambda seconds: page.wait_for_timeout(seconds * 1000)
