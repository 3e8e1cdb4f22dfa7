"""Runs a command that takes a long time, and shows its progress on the terminal."""

import contextlib
import queue
import re
import subprocess
import threading
from collections.abc import Mapping

from tutorial.runtime.terminal import Progress


def run_shown(
    command: list[str], title: str, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run `command`, and show progress on one line. Returns (exit status, output)."""
    progress = Progress()
    progress.begin(title)
    child = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in child.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    output, detail, is_open = [], "", True
    try:
        while is_open:
            with contextlib.suppress(queue.Empty):
                line = lines.get(timeout=0.25)
                is_open = line is not None
                if is_open:
                    output.append(line)
                    if step := re.match(r"\s*(Collecting \S+|Installing)", line):
                        detail = step[1].removeprefix("Collecting ")
            progress(f"{title}  {detail}".rstrip())
        code = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    progress.end(f"{title}  {'failed' if code else 'done'}")
    return code, "".join(output)
