"""Describes the machine, and the versions of the programs that are measured."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from tutorial.runtime.services import find_redis

PACKAGES = ("django", "celery", "channels", "channels-redis", "redis", "uvicorn")
PACKAGES += ("uvloop", "daphne", "openai")


def describe() -> dict[str, str | int]:
    """Return the processor, the cores, the system and the versions, by name."""
    found: dict[str, str | int] = {
        "processor": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "redis server": _redis_server(),
    }
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cores() -> int:
    """Return the number of cores that this process is allowed to use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> float:
    """Return the load average of the last minute, in processes."""
    return os.getloadavg()[0]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.M)
        if match:
            return match[1]
    elif platform.system() == "Darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def _redis_server() -> str:
    program = find_redis()
    match = re.search(r"\bv=([\d.]+)", _output(str(program), "--version"))
    return f"{program.name} {match[1]}" if match else program.name


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
