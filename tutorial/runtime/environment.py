"""Makes the tutorial's own `.venv`, with nothing but the standard library."""

import contextlib
import hashlib
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from tutorial.paths import PYTHON, VENV, requirements
from tutorial.problem import Problem
from tutorial.runtime.exclusive import locked
from tutorial.runtime.terminal import Progress

# Records where `.venv` was made: its programs contain that path, and break elsewhere.
PLACE = VENV / ".tutorial-place"


def enter(*names: str) -> None:
    """Continue in `.venv`, with the requirements `names` installed.

    Returns if the program already runs there. Otherwise replaces the process by one
    that runs the same command line there. Raises Problem if `.venv` cannot be made.
    """
    ensure(*names)
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(PYTHON, [str(PYTHON), "-m", "tutorial", *sys.argv[1:]])


def ensure(*names: str) -> None:
    """Make `.venv` and install the requirements `names`, unless that is done.

    Raises Problem with the installer's message.
    """
    if all(_is_installed(name) for name in names):
        return
    # One process at a time may change the environment.
    with locked(requirements("run")):
        missing = [name for name in names if not _is_installed(name)]
        if not _is_made():
            _make_venv()
            missing = list(names)
            PLACE.write_text(str(VENV.resolve()))
        for name in missing:
            _install(name)


def _stamp(name: str) -> Path:
    return VENV / f".tutorial-{name}"


def _digest(name: str) -> str:
    return hashlib.sha256(requirements(name).read_bytes()).hexdigest()


def _is_made() -> bool:
    place = str(VENV.resolve())
    return PYTHON.exists() and PLACE.exists() and PLACE.read_text() == place


def _is_installed(name: str) -> bool:
    stamp = _stamp(name)
    return _is_made() and stamp.exists() and stamp.read_text() == _digest(name)


def _make_venv() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    shutil.rmtree(VENV, ignore_errors=True)
    title = f"Making .venv with Python {version}"
    if uv := shutil.which("uv"):
        code, _ = _show(
            [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)], title
        )
        if code == 0:
            return
    code, output = _show([sys.executable, "-m", "venv", "--clear", str(VENV)], title)
    if code:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Problem(
            f"Python could not make a virtual environment: {_last_line(output)}\n"
            "On Debian and Ubuntu, install it first: apt install python3-venv"
        )


def _install(name: str) -> None:
    file = requirements(name)
    count = sum("==" in line for line in file.read_text().splitlines())
    title = f"Installing {count} package{'s' * (count != 1)} ({name})"
    options = ["--no-deps", "--requirement", str(file)]
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    pip += ["--no-input", "--retries", "2", "--progress-bar", "off", *options]
    code, output = 1, ""
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--compile-bytecode", *options]
        command += ["--python", str(PYTHON)]
        code, output = _show(command, title)
    if code:
        if not (VENV / "bin" / "pip").exists():
            _show([str(PYTHON), "-m", "ensurepip"], "Adding pip to .venv")
        code, output = _show(pip, title)
    if code:
        raise Problem(
            f"The packages could not be installed: {_reason(output)}\n"
            "Check that this machine reaches a Python package index, then start the"
            " same command again."
        )
    _stamp(name).write_text(_digest(name))


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _reason(output: str) -> str:
    """What went wrong, in a line, from the installer's output."""
    network = ("NewConnectionError", "NameResolution", "Temporary failure", "dns error")
    if any(sign in output for sign in network):
        return "no connection to the package index"
    errors = [line for line in output.splitlines() if "error" in line.lower()]
    return _last_line("\n".join(errors) or output).removeprefix("ERROR: ")


def _show(command: list[str], title: str) -> tuple[int, str]:
    """Run `command` and show its progress on one line: (exit status, its output)."""
    progress = Progress()
    progress.begin(title)
    child = subprocess.Popen(
        command,
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
