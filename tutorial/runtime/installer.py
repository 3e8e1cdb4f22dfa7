"""Installs the pinned packages with uv or pip. Explains the reason if that fails."""

import errno
import os
import shutil
import sys
from pathlib import Path

from tutorial.paths import requirements
from tutorial.problem import Problem
from tutorial.runtime.shown import run_shown

NETWORK = ("NewConnectionError", "NameResolution", "Temporary failure", "dns error")
CERTIFICATE = ("CERTIFICATE_VERIFY_FAILED", "invalid peer certificate")
NO_SPACE = os.strerror(errno.ENOSPC)

AGAIN = "then run the same command again."
REACH_AN_INDEX = f"Check that this machine can reach a Python package index, {AGAIN}"
NAME_THE_CERTIFICATE = (
    "Many companies and schools decrypt network traffic, and use a certificate of their"
    " own. Ask your network's administrator for this certificate as a file (.pem), set"
    " these variables to the path of the file, "
    f"{AGAIN}\n"
    "    export PIP_CERT=/path/to/it.pem SSL_CERT_FILE=/path/to/it.pem"
)
FREE_SPACE = f"The packages need about 1 GB. Free some space, {AGAIN}"
QUIET = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
QUIET += ("--retries", "2")

# How many MB each set of pinned packages adds to the download, rounded.
DOWNLOADS = {"run": 40, "redis": 2, "test": 75, "docs": 26}


def amount(*names: str) -> tuple[int, int]:
    """Return the number of packages in these sets, and their rough size in MB."""
    packages = set().union(*(names_in(requirements(name)) for name in names))
    return len(packages), sum(DOWNLOADS[name] for name in names)


def names_in(file: Path) -> set[str]:
    """Return the names of the packages in a compiled requirements file."""
    lines = file.read_text().splitlines()
    return {line.partition("==")[0].strip() for line in lines if "==" in line}


def install(name: str, python: Path, wheels: Path | None = None) -> None:
    """Install the set of packages called `name` into the environment of `python`.

    `wheels` is the folder with the packages of a pack. It is tried before the package
    index. If the installation fails, raises Problem with the reason and what to do.
    """
    file = requirements(name)
    count = sum("==" in line for line in file.read_text().splitlines())
    title = f"Installing {count} package{'s' * (count != 1)} ({name})"
    options = ["--requirement", str(file)]
    if wheels:
        local = ["--no-index", "--find-links", str(wheels), "--require-hashes"]
        code, output = _install([*local, *options], python, f"{title} from the pack")
        if code == 0:
            return
        reason = explanation(output).splitlines()[0]
        print(f"The pack is damaged: {reason}", file=sys.stderr)
        print("Trying a package index.", file=sys.stderr, flush=True)
    code, output = _install(options, python, title)
    if code:
        raise Problem(f"The packages could not be installed: {explanation(output)}")


def _install(options: list[str], python: Path, title: str) -> tuple[int, str]:
    """Try uv, and then pip. Returns (exit status, output)."""
    options = ["--no-deps", *options]
    code, output = 1, ""
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--compile-bytecode", *options]
        code, output = run_shown([*command, "--python", str(python)], title)
    if code:
        command = [*pip(python), "install", *QUIET, *options]
        code, output = run_shown(command, title)
    return code, output


def pip(python: Path) -> list[str]:
    """Return the command that runs pip in an environment.

    An environment that uv has made has no pip, so pip is added first.
    """
    if not (python.parent / "pip").exists():
        run_shown([str(python), "-m", "ensurepip"], "Adding pip to .venv")
    return [str(python), "-m", "pip"]


def explanation(output: str) -> str:
    """Say what went wrong, according to `output`, and what to do about it."""
    # Look for certificate errors first: pip reports them as network errors, too.
    if any(sign in output for sign in CERTIFICATE):
        return (
            "the certificate of the package index, or of a proxy on the way to it, is"
            f" unknown.\n{NAME_THE_CERTIFICATE}"
        )
    if NO_SPACE in output:
        return f"no space is left on the disk.\n{FREE_SPACE}"
    if any(sign in output for sign in NETWORK):
        return f"no connection to the package index\n{REACH_AN_INDEX}"
    errors = [line for line in output.splitlines() if "error" in line.lower()]
    reason = last_line("\n".join(errors) or output).removeprefix("ERROR: ")
    return f"{reason}\n{REACH_AN_INDEX}"


def last_line(output: str) -> str:
    """Return the last line of a program's output that is not blank."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
