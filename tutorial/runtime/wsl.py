"""Finds out whether WSL, the Linux inside Windows, shares its ports with Windows.

With mirrored networking, a port that a program on Windows has taken cannot be bound in
Linux either (learn.microsoft.com/windows/wsl/networking). No Linux tool shows that
program.
"""

import shutil
import subprocess

SHARED_PORTS = (
    "\nThis WSL shares its ports with Windows (mirrored networking), so the program may"
    " run there. To find it, type in PowerShell: netstat -ano | findstr :{}"
)


def note(port: int) -> str:
    """Return a note that a program on Windows may use `port`, or "".

    The note is added to the message that the port is taken. It is "" if this machine
    does not share its ports with Windows.
    """
    return SHARED_PORTS.format(port) if _shares_ports() else ""


def _shares_ports() -> bool:
    """Whether this is WSL with mirrored networking."""
    program = shutil.which("wslinfo")
    if program is None:
        return False
    command = [program, "--networking-mode"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.stdout.strip() == "mirrored"
