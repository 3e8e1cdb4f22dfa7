"""Makes the tutorial's own `.venv`. This code needs only the standard library."""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tutorial.paths import PYTHON, ROOT, VENV, requirements
from tutorial.problem import Problem
from tutorial.runtime import bundle
from tutorial.runtime.exclusive import locked, not_writable
from tutorial.runtime.installer import FREE_SPACE, NO_SPACE, install, last_line
from tutorial.runtime.shown import run_shown

# A file that records where `.venv` was made. The programs in `.venv` contain that path,
# and do not work if `.venv` is moved.
PLACE = VENV / ".tutorial-place"

# All sets of requirements, in the order in which they are installed.
SETS = ("run", "redis", "test", "docs")

WAITING = (
    "Another process of the tutorial is installing packages, in another terminal."
    " Waiting until it has finished ..."
)


def enter(*names: str) -> None:
    """Continue in `.venv`, with the requirements `names` installed.

    If the program runs there already, this function returns. Otherwise, it replaces
    this process with one that runs the same command line there. Raises Problem if
    `.venv` cannot be made.
    """
    ensure(*names)
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(PYTHON, [str(PYTHON), "-m", "tutorial", *sys.argv[1:]])


def ensure(*names: str) -> None:
    """Make `.venv` and install the requirements `names`, unless that is already done.

    Raises Problem with the installer's message.
    """
    if not missing_sets(*names):
        return
    _check_folder()
    # One process at a time may change the environment.
    with locked(requirements("run"), waiting=WAITING):
        missing = missing_sets(*names)
        if not _is_made():
            _make_venv()
            missing = list(names)
            PLACE.write_text(str(VENV.resolve()))
        target = bundle.this_target()
        if words := bundle.misfit(target):
            print(f"{words} Trying a package index.", file=sys.stderr, flush=True)
        for name in missing:
            install(name, PYTHON, bundle.wheels_for(target))
            _stamp(name).write_text(_digest(name))


def missing_sets(*names: str) -> list[str]:
    """Return those of `names` whose sets of requirements are not installed."""
    return [name for name in names if not _is_installed(name)]


def _check_folder() -> None:
    """Raise Problem if the tutorial's folder is not writable."""
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
    except OSError as error:
        raise not_writable(error, VENV) from error


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
        code, _ = run_shown(
            [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)], title
        )
        if code == 0:
            return
    code, output = run_shown(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], title
    )
    if code:
        shutil.rmtree(VENV, ignore_errors=True)
        is_full = NO_SPACE in output
        advice = "On Debian and Ubuntu, install it first: apt install python3-venv"
        raise Problem(
            f"Python could not make a virtual environment: {last_line(output)}\n"
            f"{FREE_SPACE if is_full else advice}"
        )
