"""Types the shown lines of the listings of a step's page into a folder."""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project.files import files
from tutorial.site import listing
from tutorial.site.pair import Edit, File, Pair
from tutorial.site.place import shown_edits


@dataclass
class Typed:
    """A file between two steps: the lines that are added and removed so far."""

    file: File
    added: set[int] = field(default_factory=set)  # indexes of the step's lines
    removed: set[int] = field(default_factory=set)  # of those of the step before

    def type(self, edits: list[Edit]) -> None:
        """Make these changes. A repeated change has no effect."""
        for edit in edits:
            self.added |= set(edit.new)
            self.removed |= set(edit.old)

    def text(self) -> str:
        """The text of the file now."""
        return "".join(line + "\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        old = self.file.old or ()
        at = 0
        for edit in self.file.edits():
            yield from old[at : edit.old.start]
            yield from (old[n] for n in edit.old if n not in self.removed)
            yield from (self.file.new[n] for n in edit.new if self._is_there(n, edit))
            at = edit.old.stop
        yield from old[at:]

    def _is_there(self, number: int, edit: Edit) -> bool:
        """Whether a line is added. A blank line depends on the lines around it."""
        new = self.file.new
        if new[number].strip():
            return number in self.added
        blocks = self._blocks(edit)
        if not blocks:
            return number in self.added  # only blank lines are added here
        above = [any(n in self.added for n in b) for b in blocks if b.stop <= number]
        below = [any(n in self.added for n in b) for b in blocks if b.start > number]
        if not new[edit.new.start].strip():
            return below[0] if below else any(above)
        if not new[edit.new.stop - 1].strip():
            return above[-1]
        return any(above) and below[0]

    def _blocks(self, edit: Edit) -> list[range]:
        """The added lines, without the blank ones between them."""
        found: list[range] = []
        for n in edit.new:
            if not self.file.new[n].strip():
                continue
            if found and found[-1].stop == n:
                found[-1] = range(found[-1].start, n + 1)
            else:
                found.append(range(n, n + 1))
        return found


class Keyboard:
    """Types into the project in `folder`, which is at the end of the step before."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.pair = pair
        self.folder = folder
        self._files: dict[str, Typed] = {}
        self._made: set[str] = set()  # files that a command has written

    def type(self, body: str) -> bool:
        """Type the lines of a `step` fence's body; return whether they are new.

        Raises Problem if the file is not as the page has left it.
        """
        shown = listing.read(self.pair, body)
        file, path = shown.file, self.folder / shown.file.path
        typed = self._files.get(file.path, Typed(file))
        if file.is_new and path.exists() and file.path not in self._files:
            self._compare_made(file, path)
            typed.type(file.edits())
            self._files[file.path] = typed
            self._made.add(file.path)
            return False
        before = typed.text() if file.path in self._files or not file.is_new else None
        now = path.read_text() if path.exists() else None
        if now != before and file.path not in self._made:
            raise Problem(
                f"{file.path} is not as the page has left it:\n"
                + _difference(before or "", now or "")
            )
        typed.type(shown_edits(file, shown.parts))
        self._files[file.path] = typed
        after = typed.text()
        if after == before:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(after)
        return True

    def _compare_made(self, file: File, path: Path) -> None:
        """Raise Problem if a command wrote another file than the page shows.

        Django's quotation marks, line breaks and dates may differ.
        """
        wanted = "".join(line + "\n" for line in file.new)
        made = path.read_text()
        if made != wanted and not (
            path.suffix == ".py"
            and ast.dump(ast.parse(made)) == ast.dump(ast.parse(wanted))
        ):
            raise Problem(
                f"{file.path} is there already, and not as the page shows it:\n"
                + _difference(wanted, made)
            )

    def compare(self) -> None:
        """Raise Problem if the folder is not equal to the step, byte for byte.

        Files that a command wrote were compared when they were shown.
        """
        wanted, typed = files(self.pair.new), files(self.folder)
        wrong = []
        for path in sorted(wanted.keys() | typed.keys()):
            if path not in typed:
                wrong.append(f"{path} is missing: no listing shows it")
            elif path not in wanted:
                wrong.append(f"{path} is there, and {self.pair.name} has no such file")
            elif path in self._made:
                continue
            elif typed[path].read_bytes() != wanted[path].read_bytes():
                texts = typed[path].read_text(), wanted[path].read_text()
                wrong.append(f"{path} lacks (+), or has too much (-):")
                wrong.append(_difference(*texts))
        if wrong:
            raise Problem(
                f"what the page has had typed is not {self.pair.name}:\n"
                + "\n".join(wrong)
            )


def _difference(old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    return "\n".join(list(lines)[2:40])
