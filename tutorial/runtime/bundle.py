"""The packages that a pack contains in `wheels/`, and the machines they are for."""

import json
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tutorial.paths import WHEELS

DESCRIPTION = "pack.json"  # the name of a file in the folder WHEELS


@dataclass(frozen=True, order=True)
class Target:
    """A platform and a version of Python: for example, linux-x86_64 and 3.12."""

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform} with Python {self.python}"


def this_machine() -> str:
    """Return the platform of this machine, such as "linux-x86_64" or "macos-arm64"."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        return f"macos-{machine}"
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(machine, machine)
    # The Linux packages are built for the GNU C library (glibc).
    is_usual = platform.libc_ver()[0] == "glibc"
    return f"{sys.platform}-{'' if is_usual else 'musl-'}{machine}"


def this_target() -> Target:
    """Return the target that this process runs on."""
    return Target(this_machine(), f"{sys.version_info[0]}.{sys.version_info[1]}")


def targets() -> list[Target]:
    """Return the targets that `wheels/` is for.

    There are none if this is a clone and not a pack.
    """
    try:
        read = json.loads((WHEELS / DESCRIPTION).read_text())
        return [Target(**one) for one in read["targets"]]
    except FileNotFoundError:
        return []


def description(all_targets: Iterable[Target]) -> str:
    """Return the content of the file DESCRIPTION for these targets."""
    return json.dumps({"targets": [asdict(one) for one in all_targets]}, indent=1)


def wheels_for(target: Target) -> Path | None:
    """Return the folder of the pack's packages if they fit the target, or else None."""
    return WHEELS if target in targets() else None


def misfit(target: Target) -> str:
    """Return a message if this is a pack for other targets, or else ""."""
    known = targets()
    if not known or target in known:
        return ""
    return f"The pack has packages for {in_words(known)}, but not for {target}."


def in_words(some: Iterable[Target]) -> str:
    """Return targets in words, such as "linux-x86_64 with Python 3.11 and 3.12"."""
    pythons: dict[str, list[str]] = {}
    for target in some:
        pythons.setdefault(target.platform, []).append(target.python)
    return "; ".join(
        f"{name} with Python {' and '.join(filter(None, (', '.join(v[:-1]), v[-1])))}"
        for name, v in pythons.items()
    )
