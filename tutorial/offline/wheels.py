"""Downloads the pinned packages with pip, as wheels for other kinds of machines."""

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

from tutorial.paths import PYTHON, requirements
from tutorial.problem import Problem
from tutorial.runtime import bundle, environment, installer
from tutorial.runtime.bundle import Target
from tutorial.runtime.shown import run_shown

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# A pin may be needed only for some patch versions of Python. Take every pin that the
# first or the last patch version needs.
PATCHES = (0, 99)

# The newest versions of glibc and macOS for which packages are downloaded. For macOS,
# pip adds the older versions itself; for glibc, it does not.
GLIBC = 28  # 2.28: runs on Debian 10, Ubuntu 20.04 and later
MACOS = "15_0"

OLD_NAMES = {"x86_64": ("1", "2010", "2014"), "aarch64": ("2014",)}


def _linux(machine: str) -> list[str]:
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    return [*tags, *(f"manylinux{name}_{machine}" for name in OLD_NAMES[machine])]


# The platforms for which a pack can be made, with their tags for pip (see
# packaging.python.org).
PLATFORMS = {
    "linux-x86_64": _linux("x86_64"),
    "linux-aarch64": _linux("aarch64"),
    "macos-arm64": [f"macosx_{MACOS}_arm64"],
    "macos-x86_64": [f"macosx_{MACOS}_x86_64"],
}


def chosen(text: str, option: str) -> list[str]:
    """Return the names in the comma-separated list `text`.

    `option` is the option of the command line that has this value. Raises Problem if a
    name is unknown. The message lists the known names.
    """
    known = tuple(PLATFORMS) if option == "--for" else PYTHONS
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            raise Problem(
                f"A pack cannot be made for {name or 'an empty name'}.\n"
                f"After {option}, write one or more of these, separated by commas:"
                f" {', '.join(known)}."
            )
    return names


@dataclass
class Fetched:
    """The file names of a target's wheels, and the pins that have no wheel for it."""

    target: Target
    wheels: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)


def fetch(target: Target, folder: Path) -> Fetched:
    """Download to `folder` the packages that the tutorial needs on the target.

    The pins that have no wheel are listed in `missing`. Raises Problem if pip fails for
    any other reason.
    """
    fetched = Fetched(target)
    pins = pins_for(target)
    while True:
        code, output = _download(pins, target, folder)
        if not code:
            break
        lacking = re.search(r"No matching distribution found for (\S+)", output)
        if lacking is None or lacking[1] not in pins or _is_unreachable(output):
            reason = installer.explanation(output)
            raise Problem(f"The packages could not be fetched: {reason}")
        fetched.missing.append(lacking[1].replace("==", " "))
        del pins[lacking[1]]
    names = re.findall(r"(?:Saved|already downloaded) (\S+\.whl)", output)
    fetched.wheels = {Path(name).name for name in names}
    if len(fetched.wheels) != len(pins):
        raise Problem(
            f"pip has fetched {len(fetched.wheels)} of {len(pins)} packages.\n{output}"
        )
    return fetched


def _is_unreachable(output: str) -> bool:
    signs = (*installer.CERTIFICATE, *installer.NETWORK)
    return any(sign in output for sign in signs)


def _download(pins: dict[str, str], target: Target, folder: Path) -> tuple[int, str]:
    """Download the pins with pip. Returns pip's exit status and its output."""
    version = f"{target.python}.{PATCHES[-1]}"
    options = ["--only-binary", ":all:", "--no-deps", "--require-hashes"]
    options += ["--implementation", "cp", "--python-version", version]
    for tag in PLATFORMS[target.platform]:
        options += ["--platform", tag]
    if wheels := bundle.wheels_for(target):  # this tutorial comes from a pack
        options += ["--no-index", "--find-links", str(wheels)]
    code, output = 0, ""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        # A requirements file cannot contain two versions of the same package.
        for part in _without_repetition(pins):
            file.seek(0)
            file.truncate()
            file.writelines(f"{line}\n" for line in part)
            file.flush()
            command = [*installer.pip(PYTHON), "download", *installer.QUIET, *options]
            command += ["--requirement", file.name, "--dest", str(folder)]
            packages = f"{len(part)} package{'s' * (len(part) != 1)}"
            code, said = run_shown(command, f"Fetching {packages} for {target}")
            output += said
            if code:
                break
    return code, output


def _without_repetition(pins: dict[str, str]) -> list[list[str]]:
    """Split the lines into parts, each of which names a package at most once."""
    parts: list[dict[str, str]] = [{}]
    for pin, line in pins.items():
        name = pin.partition("==")[0]
        part = next((part for part in parts if name not in part), None)
        if part is None:
            parts.append(part := {})
        part[name] = line
    return [list(part.values()) for part in parts]


def pins_for(target: Target) -> dict[str, str]:
    """Return the pins for the target, such as "redis==8.1.0", with their hashes.

    This function evaluates the conditions of the pins, because pip would evaluate them
    for this machine and not for the target.
    """
    pins = {}
    for name in environment.SETS:
        for line in _logical_lines(requirements(name)):
            words, *hashes = line.split("--hash=")
            requirement = Requirement(words.strip())
            if is_needed(requirement, target):
                pin = f"{requirement.name}{requirement.specifier}"
                pins[pin] = " ".join(
                    [pin, *(f"--hash={one.strip()}" for one in hashes)]
                )
    return pins


def _logical_lines(file: Path) -> list[str]:
    lines = file.read_text().replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and line[0] not in "# "]


def is_needed(requirement: Requirement, target: Target) -> bool:
    """Whether the requirement's condition is true for at least one patch version."""
    system, _, machine = target.platform.partition("-")
    for patch in PATCHES:
        full = f"{target.python}.{patch}"
        values = {
            **{"implementation_name": "cpython", "implementation_version": full},
            **{"os_name": "posix", "platform_python_implementation": "CPython"},
            **{"platform_machine": machine, "platform_release": ""},
            **{"platform_system": "Darwin" if system == "macos" else "Linux"},
            **{"platform_version": "", "python_full_version": full},
            "python_version": target.python,
            "sys_platform": "darwin" if system == "macos" else "linux",
        }
        if requirement.marker is None or requirement.marker.evaluate(values):
            return True
    return False
