"""The one loop that waits for a condition: with a deadline, and with what was seen."""

import time
from collections.abc import Callable

PAUSE = 0.02  # seconds between two looks


def wait_until(
    condition: Callable[[], object],
    *,
    seconds: float,
    otherwise: Callable[[], str] | str,
    pause: Callable[[], object] = lambda: time.sleep(PAUSE),
):
    """Wait until `condition` returns something true, and return that.

    Raises TimeoutError after `seconds`, with the text `otherwise`. `pause` is called
    between two looks.
    """
    if result := wait_for(condition, seconds, pause):
        return result
    text = otherwise if isinstance(otherwise, str) else otherwise()
    raise TimeoutError(f"{text} (waited {seconds:g} s)")


def wait_for(
    condition: Callable[[], object],
    seconds: float,
    pause: Callable[[], object] = lambda: time.sleep(PAUSE),
):
    """The first true result of `condition`, or its last one after `seconds`.

    `pause` is called between two looks. In a page that Playwright controls, it is
    `page.wait_for_timeout`: the browser's events arrive only while Playwright waits.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        pause()
    return result
