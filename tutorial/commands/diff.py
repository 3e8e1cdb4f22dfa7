"""`tutorial diff`: prints what one project adds to another."""

import argparse
import sys

from tutorial.commands.arguments import Commands, add_project
from tutorial.project.difference import advice, compare, is_the_same
from tutorial.project.steps import Step, find_project
from tutorial.runtime.terminal import painter

# What to call each kind of change when a learner's own folder is compared with a step.
ON_THE_WAY = {
    "new file": "missing",
    "changed": "differs",
    "removed": "only in your folder",
}


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "diff", "Show what a step adds (diff 3 4), or what your folder lacks", diff
    )
    add_project(parser, "old")
    add_project(parser, "new")
    parser.add_argument(
        "--stat", action="store_true", help="list the files and count their lines"
    )


def diff(options: argparse.Namespace) -> None:
    """Compare two projects. Raises Problem if one of them cannot be read."""
    show(find_project(options.old), find_project(options.new), stat=options.stat)


def show(old: Step, new: Step, *, stat: bool) -> None:
    """Print what `new` adds to `old`, in colour on a terminal.

    If `old` is a learner's own folder and `new` is a step, this is what the learner
    still has to type.
    """
    paint = painter(sys.stdout)
    changes = list(compare(old.folder, new.folder))
    on_the_way = old.is_own and not new.is_own
    if on_the_way:
        changes = [change for change in changes if not is_the_same(change)]
    print(paint("bold", f"{old.title} -> {new.title}: {_headline(old, new)}"))
    if changes and not new.is_own:
        for sentence in advice(old.folder, new.folder):
            print(paint("cyan", sentence))
    print()
    if not changes:
        start = "Nothing is missing" if on_the_way else "No difference"
        print(f"{start}: the files of {old.title} and {new.title} are the same.")
        return
    if on_the_way and not any(c.old is None or c.added for c in changes):
        print(f"No line of {new.title} is missing.", end=" ")
        print("The lines below exist only in your folder.\n")
    kinds = ON_THE_WAY if on_the_way else {}
    if stat:
        width = max(len(change.path) for change in changes)
        for change in changes:
            counts = (
                paint("green", f"+{change.added:<4}"),
                paint("red", f"-{change.removed:<4}"),
            )
            kind = kinds.get(change.kind, change.kind)
            print(f"{change.path:<{width}}  {' '.join(counts)} {kind}")
    else:
        styles = {"+": "green", "-": "red", "@": "cyan"}
        for change in changes:
            kind = kinds.get(change.kind, change.kind)
            print(paint("bold", f"{change.path} ({kind})"))
            for line in change.unified():
                style = (
                    styles.get(line[0]) if not line.startswith(("---", "+++")) else None
                )
                print(paint(style, line) if style else line)
            print()
    added = sum(change.added for change in changes)
    removed = sum(change.removed for change in changes)
    verbs = ("to add", "to remove") if on_the_way else ("added", "removed")
    names = "file" if len(changes) == 1 else "files"
    lines = "line" if added == 1 else "lines"
    print(f"{len(changes)} {names}, {added} {lines} {verbs[0]}, {removed} {verbs[1]}")


def _headline(old: Step, new: Step) -> str:
    if not (old.is_own or new.is_own):
        return new.component
    if old.is_own and new.is_own:
        return "what is different"
    return "what is missing" if old.is_own else "what you have changed"
