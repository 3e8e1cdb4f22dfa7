"""`tutorial propagate`: carries a change in a step through the later ones.

Each step is the one before and a component more, so the change goes from neighbour to
neighbour: what it makes of step 3 is what goes into step 4. Neighbours differ least,
which leaves the fewest conflicts; and where a component changes the same lines, the
conflict is mended in the step that brings it, and the steps after it get the mended
lines. (Each step merged with step N by itself would ask again in every one of them.)

The merge starts from git's versions of both neighbours. So it is known which lines of a
later step come from the change alone, and what else is being edited there stays there.
"""

import contextlib
import hashlib
import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tutorial.paths import RUN
from tutorial.problem import Problem
from tutorial.project.files import files
from tutorial.project.steps import Step, every

STATE = RUN / "propagate.json"

MARKED = "mend the lines between <<<<<<< and >>>>>>>"


@dataclass(frozen=True)
class File:
    """What a file is; where there is none, the functions here have None for it."""

    data: bytes
    executable: bool


@dataclass(frozen=True)
class Merge:
    """What became of three versions, and why that is a conflict, if it is one."""

    file: File | None
    conflict: str = ""


# By path in a step's folder: the file at the revision, and with the change.
Change = dict[str, tuple[File | None, File | None]]


def propagate(step: Step, since: str) -> None:
    """Carry what changed in `step` since the revision `since` through the later ones.

    Prints a line for each of them. Raises Problem at the first one with conflicts,
    once the files there are written, and goes on when it is called again after that.
    """
    steps = every()[step.number - 1 :]
    if len(steps) == 1:
        raise Problem(f"There is no step to carry to: nothing comes after {step.name}.")
    _check_git(step, since)
    git_has = {each: Revision(each, since) for each in steps}
    change = _change(step, git_has[step])
    if not change:
        print(
            f"{step.title} is as it was at {since}: nothing to carry."
            " (What is committed already: --since REVISION)"
        )
        return
    memory = Memory()
    for earlier, later in pairwise(steps):
        carrier = Carrier(earlier, later, git_has[later], memory)
        change = carrier.carry(change)
        memory.save()
        print(carrier.report(), flush=True)
        if carrier.conflicts:
            raise Problem(carrier.advice())


def _check_git(step: Step, revision: str) -> None:
    try:
        inside = _git(step.folder, "rev-parse", "--is-inside-work-tree")
    except OSError:
        raise Problem("propagate needs git, and this machine has none.") from None
    if inside.returncode:
        said = inside.stderr.decode(errors="replace").strip()
        raise Problem(
            f"propagate compares with what git has, and this is no git clone: {said}"
        )
    name = revision + "^{commit}"
    if _git(step.folder, "rev-parse", "--verify", "--quiet", name).returncode:
        raise Problem(f'There is no revision "{revision}" in this git clone.')


def _change(step: Step, git_has: "Revision") -> Change:
    """What changed in the step since the revision."""
    # Untracked files count; those that git ignores do not.
    options = ("--cached", "--others", "--exclude-standard", "-z")
    known = _git(step.folder, "ls-files", *options).stdout.decode().split("\0")
    change = {}
    for path in sorted(git_has.paths | (files(step.folder).keys() & set(known))):
        old, new = git_has[path], _read(step.folder / path)
        if old != new:
            change[path] = old, new
    return change


class Revision:
    """The files of a step at a revision, by path; None where there is none."""

    def __init__(self, step: Step, revision: str) -> None:
        self._folder = step.folder
        self._objects: dict[str, tuple[str, str]] = {}
        # In a folder, ls-tree lists this folder, with the paths inside it.
        listed = _git(step.folder, "ls-tree", "-r", "-z", revision).stdout.decode()
        for line in filter(None, listed.split("\0")):
            about, path = line.split("\t", 1)
            mode, kind, name = about.split()
            if kind == "blob":
                self._objects[path] = mode, name
        if not self._objects:
            raise Problem(f"{revision} has no {step.title} to compare with.")

    @property
    def paths(self) -> set[str]:
        """The paths of its files."""
        return set(self._objects)

    def __getitem__(self, path: str) -> File | None:
        if path not in self._objects:
            return None
        mode, name = self._objects[path]
        data = _git(self._folder, "cat-file", "blob", name).stdout
        return File(data, mode == "100755")


class Memory:
    """What earlier runs did, so that one after them goes on from there.

    It holds digests alone: where it is lost, a conflict is told once more.
    """

    def __init__(self) -> None:
        known = json.loads(STATE.read_text()) if STATE.exists() else {}
        self.conflicts: dict[str, str] = known.get("conflicts", {})
        self.results: dict[str, str] = known.get("results", {})

    def save(self) -> None:
        """Keep it for the next run."""
        STATE.parent.mkdir(parents=True, exist_ok=True)
        known = {"conflicts": self.conflicts, "results": self.results}
        STATE.write_text(json.dumps(known, indent=1))


class Carrier:
    """Carries a change from a step to the next one."""

    def __init__(
        self, earlier: Step, later: Step, git_has: Revision, memory: Memory
    ) -> None:
        self._earlier = earlier
        self._later = later
        self._git_has = git_has  # of the later step
        self._memory = memory
        self._done: dict[str, list[str]] = {}  # what, in words: the paths
        self.conflicts: dict[str, str] = {}  # the path: what is wrong there

    def report(self) -> str:
        """What was done, in a line."""
        done = dict(self._done)
        if self.conflicts:
            done["conflict in"] = list(self.conflicts)
        parts = [f"{what} {', '.join(paths)}" for what, paths in done.items()]
        return f"{self._later.title}: {'; '.join(parts) or 'nothing to carry'}"

    def advice(self) -> str:
        """What to do about the conflicts."""
        return "\n".join(
            [
                f"{self._later.title} cannot take all of it:",
                *(
                    f"  {self._later.title}/{path}: {conflict}"
                    for path, conflict in self.conflicts.items()
                ),
                "Then start the same command again: it goes on from there.",
            ]
        )

    def carry(self, change: Change) -> Change:
        """Write the change into the later step; returns what to carry on from there."""
        onward = {}
        for path, (old, new) in change.items():
            if found := self._carry_file(path, old, new):
                onward[path] = found
        return onward

    def _carry_file(
        self, path: str, old: File | None, new: File | None
    ) -> tuple[File | None, File | None] | None:
        before = self._git_has[path]
        present = _read(self._later.folder / path)
        if _is_marked(present) and not _is_marked(before):
            self.conflicts[path] = MARKED
            return None

        # First without what is being edited in the later step, and then with it.
        alone = self._merge(old, before, new)
        place = _digest(self._later.title, path, before)
        if alone.conflict:
            merged = self._merge(old, present, new)
        elif self._memory.results.get(place) == _digest(present):
            merged = alone  # nothing is being edited: this is what the last run left
        else:
            merged = self._merge(before, present, alone.file)

        if merged.conflict:
            key = _digest(self._later.title, path, old, before, new)
            if not self._is_mended(key, before, present):
                self._memory.conflicts[key] = ""
                self._write(path, present, merged.file)
                self.conflicts[path] = merged.conflict
                return None
            self._memory.conflicts[key] = _digest(present)
            self._note("as you mended it", path)
            return before, present if alone.conflict else alone.file

        self._write(path, present, merged.file)
        if merged.file != present:
            verb = "added" if present is None else "merged"
            self._note("removed" if merged.file is None else verb, path)
        if merged.file == alone.file and not alone.conflict:
            self._memory.results[place] = _digest(merged.file)
        after = merged.file if alone.conflict else alone.file
        # What git has here already goes on as it came: a later step may not have it.
        return (before, after) if after != before else (old, new)

    def _merge(self, old: File | None, ours: File | None, new: File | None) -> Merge:
        return _merge(old, ours, new, self._earlier.title, self._later.title)

    def _is_mended(self, key: str, before: File | None, present: File | None) -> bool:
        """Whether this conflict was told, and the file is not put back since."""
        accepted = self._memory.conflicts.get(key)
        if accepted is None:
            return False
        return present != before or accepted in ("", _digest(present))

    def _write(self, path: str, present: File | None, file: File | None) -> None:
        if file != present:
            _write(self._later.folder, path, file)

    def _note(self, what: str, path: str) -> None:
        self._done.setdefault(what, []).append(path)


def _merge(
    old: File | None, ours: File | None, new: File | None, earlier: str, later: str
) -> Merge:
    """Change `ours` (of the step `later`) as `old` became `new` (in `earlier`)."""
    if old == new or ours == new:
        return Merge(ours)
    if ours == old:
        return Merge(new)
    if ours is None:
        return Merge(None)  # it went in the later step, and the change with it
    if new is None:
        return Merge(
            ours, f"removed in {earlier}, and not what it had: remove it, or leave it"
        )
    executable = ours.executable
    if old is not None and old.executable != new.executable:
        executable = new.executable
    data, conflict = _merge_data(
        old.data if old else b"", ours.data, new.data, earlier, later
    )
    return Merge(File(data, executable), conflict)


def _merge_data(
    old: bytes, ours: bytes, new: bytes, earlier: str, later: str
) -> tuple[bytes, str]:
    if new in (old, ours):
        return ours, ""
    if ours == old:
        return new, ""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("ours", ours), ("old", old), ("new", new)):
            (Path(folder) / name).write_bytes(data)
        labels = ("-L", later, "-L", f"{earlier} before", "-L", earlier)
        names = ("ours", "old", "new")
        result = _git(Path(folder), "merge-file", "--stdout", *labels, *names)
    if result.returncode > 127:  # fewer are the number of conflicts
        return ours, f"no text, and not what {earlier} had: change it, or leave it"
    return result.stdout, MARKED if result.returncode else ""


def _read(path: Path) -> File | None:
    if not path.is_file():
        return None
    return File(path.read_bytes(), bool(path.stat().st_mode & 0o100))


def _write(folder: Path, name: str, file: File | None) -> None:
    path = folder / name
    if file is None:
        path.unlink()
        with contextlib.suppress(OSError):  # a folder that is not empty stays
            for parent in path.relative_to(folder).parents:
                (folder / parent).rmdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.data)
    mode = path.stat().st_mode & 0o666
    # Whoever may read it may run it, as git has it.
    path.chmod(mode | (mode & 0o444) >> 2 if file.executable else mode)


def _is_marked(file: File | None) -> bool:
    """Whether a conflict's markers are in it."""
    return file is not None and all(
        re.search(rb"^%s " % marker, file.data, re.M) for marker in (b"<" * 7, b">" * 7)
    )


def _digest(*parts: str | File | None) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True
    )
