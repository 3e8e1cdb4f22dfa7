"""`tutorial pack`: makes one file with the tutorial, its packages, and its site."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tutorial.offline import archive, sources, wheels
from tutorial.offline.wheels import Fetched
from tutorial.paths import RUN
from tutorial.problem import Problem
from tutorial.runtime import bundle
from tutorial.runtime.bundle import DESCRIPTION, Target, in_words
from tutorial.site import build

FOLDER = "tutorial"  # the only folder at the top of the zip file

# The first line of the README in a pack.
NOTE = "> **This is a pack.** It needs no internet on {}. "
NOTE_GOES_ON = (
    "The machine needs only Python (on Debian and Ubuntu with `python3-venv`) and a"
    " browser.\n\n"
)

NOT_IN_IT = (
    "It does not contain Python or a browser. Before the class, ask your learners to"
    " install\none of these versions of Python (on Debian and Ubuntu with"
    " python3-venv). For `check 7`,\nthey also need Chromium or Chrome (on Debian and"
    " Ubuntu: apt install chromium)."
)


def pack(
    name: str,
    platforms: Sequence[str],
    pythons: Sequence[str] | None,
    *,
    replace: bool = False,
) -> None:
    """Write the pack for these platforms and versions of Python to the file `name`.

    `pythons=None` means every version for which all packages are available. Raises
    Problem if a package has no wheel, or if the file cannot be written.
    """
    file = archive.check_place(name, replace=replace)
    RUN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RUN, prefix="pack-") as made:
        folder = Path(made)
        fetched = _fetch(platforms, pythons, folder / "wheels")
        print("Building the site ...", flush=True)
        build.build_in(str(folder / "site"))
        found = sources.find()
        entries = _entries(found.files, fetched, folder)
        archive.write(file, entries)
    _report(name, file, found.origin, fetched)


def _fetch(
    platforms: Sequence[str], pythons: Sequence[str] | None, folder: Path
) -> list[Fetched]:
    """Download the wheels for each target into the new folder `folder`."""
    folder.mkdir()
    fetched = []
    for platform in platforms:
        complete = []
        lacking = []
        for python in pythons or wheels.PYTHONS:
            one = wheels.fetch(Target(platform, python), folder)
            (lacking if one.missing else complete).append(one)
        for one in lacking:
            print(f"Left out: {one.target}. {_lack(one)}", flush=True)
        if lacking and (pythons or not complete):
            raise Problem(
                f"No pack was made: packages are missing for {platform}.\n"
                "Choose other platforms with --for, or other versions with --python."
            )
        fetched += complete
    return fetched


def _lack(one: Fetched) -> str:
    """Return a sentence that names the packages that have no wheel for the target."""
    return (
        "These packages have no wheel for this platform and version:"
        f" {', '.join(one.missing)}."
    )


def _entries(
    files: dict[str, Path], fetched: list[Fetched], folder: Path
) -> dict[str, bytes | Path]:
    """Return the contents of the zip file, by path."""
    targets = [one.target for one in fetched]
    entries: dict[str, bytes | Path] = dict(files)
    entries["README.md"] = _readme(files["README.md"], targets).encode()
    entries[f"wheels/{DESCRIPTION}"] = bundle.description(targets).encode()
    for one in fetched:
        entries |= {f"wheels/{name}": folder / "wheels" / name for name in one.wheels}
    for path in sorted((folder / "site").rglob("*")):
        if path.is_file():
            entries[path.relative_to(folder).as_posix()] = path
    return {f"{FOLDER}/{name}": content for name, content in entries.items()}


def _readme(file: Path, targets: list[Target]) -> str:
    """Return a note about the pack, followed by the text of the README."""
    text = file.read_text()
    if text.startswith(NOTE.partition("{")[0]):  # this tutorial comes from a pack
        text = text.partition("\n\n")[2]
    return NOTE.format(in_words(targets)) + NOTE_GOES_ON + text


def _report(name: str, file: Path, origin: str, fetched: list[Fetched]) -> None:
    every = set().union(*(one.wheels for one in fetched))
    size = round(file.stat().st_size / 1e6)
    print(f"Made {name}: {size} MB, for {in_words(one.target for one in fetched)}.")
    print(f"It contains {origin}, {len(every)} packages (including a Redis server),")
    print("and the pages of the tutorial.")
    print(NOT_IN_IT)
    print(
        f"On each machine: unzip {file.name}, change to the folder {FOLDER}, and run"
        " python3 -m tutorial run"
    )
