"""The fences about a whole step: `lead`, `steps`, `tree`, `processes` and `log`."""

import re
from pathlib import Path, PurePosixPath

from tutorial.capture.records import RECORDED, recorded_name
from tutorial.problem import Problem
from tutorial.project import difference, procfile
from tutorial.project.files import files
from tutorial.project.steps import find, steps
from tutorial.site import fences
from tutorial.site.listing import fenced
from tutorial.site.pair import Pair

MARKS = {"new file": "new", "changed": "changes"}
LINE = re.compile(r"(?P<process>\S+) *\| (?P<text>.*stage (?P<stage>\d) · .*)")


def lead(pair: Pair, body: str) -> list[str]:
    """Say what a step adds and how long it takes, and link to its diff."""
    fences.fields("lead", body, ("step",))
    step = find(pair.name.removeprefix("step "))
    parts = [f"**{step.minutes} minutes**", f"**Adds:** {step.component}"]
    if step.number > 1:
        # The address is relative to the folder that contains the pages of the steps.
        address = f"../diff/{step.number - 1}-{step.number}.md"
        parts.append(f"[All changes]({address})")
    return [" · ".join(parts), "{: .lead }"]


def table(body: str) -> list[str]:
    """Return a table of all steps: what each one adds, and how long it takes."""
    fences.fields("steps", body, ())
    rows = [
        f"| [{s.number} {s.stage}](steps/{s.number}-{s.stage}.md)"
        f" | {s.component} | {s.minutes} |"
        for s in steps()
    ]
    total = sum(step.minutes for step in steps())
    return [
        "| step | adds | minutes |",
        "|---|---|--:|",
        *rows,
        f"| | total | {total} |",
    ]


def tree(pair: Pair, body: str) -> list[str]:
    """Return the files of a step as a tree, with marks at new and changed files."""
    asked = fences.fields("tree", body, ("step", "under"))
    under = str(asked.get("under") or ".")
    kinds = pair.kinds() if pair.old else {}
    top = PurePosixPath(under)
    paths = [
        PurePosixPath(path).relative_to(top)
        for path in files(pair.new)
        if top in PurePosixPath(path).parents
    ]
    if not paths:
        raise Problem(f'{pair.name} has no folder "{under}"')
    marks = {
        PurePosixPath(path).relative_to(top): MARKS[kind]
        for path, kind in kinds.items()
        if kind in MARKS and top in PurePosixPath(path).parents
    }
    rows = _branches(paths, marks, "")
    width = max(len(row) for row, _ in rows) + 3
    lines = [f"{row:<{width}}{mark}".rstrip() for row, mark in rows]
    lit = [number for number, (_, mark) in enumerate(rows, start=1) if mark == "new"]
    options = f' hl_lines="{" ".join(map(str, lit))}"' if lit else ""
    return fenced(lines, "text" + options)


def _branches(
    paths: list[PurePosixPath], marks: dict[PurePosixPath, str], prefix: str
) -> list[tuple[str, str]]:
    """Return the rows of the tree, with their marks, for `paths` below one folder."""
    inside: dict[str, list[PurePosixPath]] = {}
    for path in paths:
        rest = PurePosixPath(*path.parts[1:])
        inside.setdefault(path.parts[0], []).append(rest)
    # List folders first, as most editors do.
    names = sorted(inside, key=lambda name: (not inside[name][0].parts, name))
    rows = []
    for name in names:
        below = {
            PurePosixPath(*path.parts[1:]): mark
            for path, mark in marks.items()
            if path.parts[0] == name
        }
        is_folder = bool(inside[name][0].parts)
        branch = "└── " if name == names[-1] else "├── "
        title = name + "/" * is_folder
        rows.append((prefix + branch + title, "" if is_folder else _mark(below)))
        if is_folder:
            deeper = prefix + ("    " if name == names[-1] else "│   ")
            rows += _branches(inside[name], below, deeper)
    return rows


def _mark(marks: dict[PurePosixPath, str]) -> str:
    return next(iter(marks.values()), "")


def processes(pair: Pair, body: str) -> list[str]:
    """List the processes of a step, and what to install, migrate and restart for it."""
    fences.fields("processes", body, ("step",))
    before = procfile.processes(pair.old) if pair.old else None
    lines = [
        "| process | its command in the `Procfile` | at this step |",
        "|---|---|---|",
    ]
    for name, command in procfile.processes(pair.new).items():
        news = "as before" if pair.old else "new"
        if before is not None and before.get(name) != command:
            news = "**changed**" if name in before else "**new**"
        cell = command.replace("|", r"\|")
        lines.append(f"| {name} | `{cell}` | {news} |")
    lines.append("")
    if pair.old and (items := _without_run(pair)):
        lines += [
            "With `python3 -m tutorial run`, you do not have to do anything else."
            " Without `run`, do this yourself:",
            "",
            *items,
        ]
    return lines


def _without_run(pair: Pair) -> list[str]:
    """Return the items of a list: what to do for this step if `run` is not used."""
    lines = []
    for sentence in difference.advice(pair.old, pair.new):
        title, _, rest = sentence.partition(": ")
        if title == "Changed process":
            continue  # the table already shows it
        if title == "New process":
            title, rest = "Start", f"{rest.partition(' ')[0]}, in a separate terminal"
        if title in ("Install", "Migrate", "New package"):
            rest = f"`{rest}`"
        lines.append(f"- {title}: {rest}")
    return lines


def log(pair: Pair, body: str) -> list[str]:
    """Return the log lines of one search at a step."""
    asked = fences.fields("log", body, ("step", "only", "stages"))
    lines = recorded(pair).read_text().splitlines()
    only = fences.names(asked.get("only"))
    stages = fences.names(asked.get("stages"))
    found = [match for match in map(LINE.fullmatch, lines) if match]
    shown = [
        match.group()
        for match in found
        if (not only or match["process"] in only)
        and (not stages or match["stage"] in stages)
    ]
    for name in only:
        if name not in {match["process"] for match in found}:
            raise Problem(f'the log of {pair.name} has no line of the process "{name}"')
    if not shown:
        raise Problem(f"the log of {pair.name} has no line that matches the fields")
    return fenced(shown, "{ .text .story .no-copy }")


def recorded(pair: Pair) -> Path:
    """Return the file with the log of a step. Raises Problem if it is missing."""
    path = RECORDED / recorded_name(pair.name.removeprefix("step "))
    if not path.exists():
        raise Problem(
            f"no log of {pair.name} has been recorded: run python3 -m tutorial pictures"
        )
    return path
