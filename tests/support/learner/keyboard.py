"""Types the shown lines of a page's listings into the learner's files."""

import ast
import difflib
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project.files import files
from tutorial.site import listing
from tutorial.site.pair import File, Pair
from tutorial.site.place import shown_edits
from tutorial.site.typed import Typed


class Keyboard:
    """Types into the project in `folder`.

    The project must be at the end of the previous step.
    """

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.pair = pair
        self.folder = folder
        self._files: dict[str, Typed] = {}
        self._made: set[str] = set()  # files that a command has written

    def type(self, body: str) -> bool:
        """Type the lines of a `step` fence's body. Return whether a file changed.

        Raises Problem if the file was changed, but not by a listing of the page.
        """
        shown = listing.read(self.pair, body)
        file, path = shown.file, self.folder / shown.file.path
        typed = self._files.get(file.path, Typed(file))
        if file.is_new and path.exists() and file.path not in self._files:
            self._compare_made(file, path)
            self._files[file.path] = typed.after(file.edits())
            self._made.add(file.path)
            return False
        before = typed.text() if file.path in self._files or not file.is_new else None
        now = path.read_text() if path.exists() else None
        if now != before and file.path not in self._made:
            raise Problem(
                f"{file.path} was changed, but not by a listing of the page:\n"
                + _difference(before or "", now or "")
            )
        typed = typed.after(shown_edits(file, shown.parts))
        self._files[file.path] = typed
        after = typed.text()
        if after == before:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(after)
        return True

    def _compare_made(self, file: File, path: Path) -> None:
        """Raise Problem if a file that a command wrote differs from the page.

        In Python files, three things may differ: quotation marks, line breaks, and
        comments, such as those with dates that Django writes.
        """
        wanted = "".join(line + "\n" for line in file.new)
        made = path.read_text()
        if made != wanted and not (
            path.suffix == ".py"
            and ast.dump(ast.parse(made)) == ast.dump(ast.parse(wanted))
        ):
            raise Problem(
                f"{file.path} already exists, but differs from what the page shows:\n"
                + _difference(wanted, made)
            )

    def compare(self) -> None:
        """Raise Problem if the folder is not equal to the step, byte for byte.

        Files that a command wrote are left out. They were compared when a listing
        showed them.
        """
        wanted, typed = files(self.pair.new), files(self.folder)
        wrong = []
        for path in sorted(wanted.keys() | typed.keys()):
            if path not in typed:
                wrong.append(f"{path} is missing: no listing shows it")
            elif path not in wanted:
                wrong.append(f"{path} exists, but {self.pair.name} has no such file")
            elif path in self._made:
                continue
            elif typed[path].read_bytes() != wanted[path].read_bytes():
                texts = typed[path].read_text(), wanted[path].read_text()
                wrong.append(f"{path} lacks lines (+) or has extra lines (-):")
                wrong.append(_difference(*texts))
        if wrong:
            raise Problem(
                f"after the page's listings, the files differ from {self.pair.name}:\n"
                + "\n".join(wrong)
            )


def _difference(old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    return "\n".join(list(lines)[2:40])
