"""A row of the table: where one folder of the class stands.

Which step a folder has *reached* is told from its files: the last step, up to the one
that is asked for, of which they hold something (`parts`). Which step is *done* is told
from the report: the last one up to which all stages have passed. If a folder has
reached more than it has done, a step of it is broken. If not, the hop at which the flow
breaks is the one that its owner has not begun.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tutorial.check.mistakes import mistakes
from tutorial.check.report import (
    BROKEN,
    CANNOT_JUDGE,
    FLOW_BREAKS,
    HAS_FINDINGS,
    NOT_JUDGED,
    NOTHING_TO_REPORT,
    PASSED,
    stage_name,
)
from tutorial.classroom.folders import Folder

# The exit status of `check` for a folder that cannot be checked.
NOT_CHECKED = 2
# From the best to the worst.
STATUSES = (NOTHING_TO_REPORT, HAS_FINDINGS, NOT_JUDGED, FLOW_BREAKS, NOT_CHECKED)


@dataclass
class Row:
    """One folder, and what its check has found.

    `result` is what `one` prints; without a report, its key `problem` says why.
    """

    folder: Folder
    step: int
    result: dict
    is_kept: bool = False  # from an earlier run
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The folder's name in the class."""
        return self.folder.name

    @property
    def report(self) -> dict | None:
        """The report of `check`, or None."""
        return self.result.get("report")

    @property
    def text(self) -> str:
        """The report for a person, or why there is none."""
        return self.result.get("text") or self.problem

    @property
    def problem(self) -> str:
        """Why the folder could not be checked, or ""."""
        return self.result.get("problem", "")

    @property
    def done(self) -> int:
        """The last step up to which all stages have passed, or 0."""
        done = -1
        for stage in self.report["stages"] if self.report else ():
            if stage["state"] != PASSED:
                break
            done = stage["number"]
        return max(done, 0)

    @property
    def reached(self) -> int:
        """The last step of which something is in the files, or 0."""
        typed = min(self.result.get("parts", 0), self.step)
        return max(typed, self.done)

    @property
    def _broken_stage(self) -> dict | None:
        for stage in self.report["stages"] if self.report else ():
            if stage["state"] in (BROKEN, CANNOT_JUDGE):
                return stage
        return None

    @property
    def broken(self) -> dict | None:
        """The diagnosis of the first hop that breaks or cannot be judged, or None."""
        return self._broken_stage["diagnosis"] if self._broken_stage else None

    @property
    def is_next(self) -> bool:
        """Whether the broken hop is the one that comes next: nothing of it is there."""
        starts = bool(self._broken_stage) and self._broken_stage["number"] > 0
        return starts and self.reached <= self.done

    @property
    def findings(self) -> list[dict]:
        """The diagnoses of what is wrong although the flow goes through."""
        return self.report["findings"] if self.report else []

    @property
    def breaks_at(self) -> int | None:
        """The number of the stage at which the flow breaks, or None."""
        return self.report["flow"]["breaks_at"] if self.report else None

    @property
    def state(self) -> str:
        """The folder in a word, for programs."""
        if not self.report:
            return "not checked"
        if not self.broken:
            return "findings" if self.findings else "works"
        if self.report["flow"]["works"] is None:
            return "cannot judge"
        return "not begun" if self.is_next else "broken"

    def status(self, *, strict: bool) -> int:
        """The exit status that `check` has for the folder alone."""
        if not self.report:
            return NOT_CHECKED
        if self.broken:
            unknown = self.report["flow"]["works"] is None
            return NOT_JUDGED if unknown else FLOW_BREAKS
        if self.findings:
            return FLOW_BREAKS if strict else HAS_FINDINGS
        return NOTHING_TO_REPORT

    def standing(self) -> str:
        """The step that the folder has reached, in words."""
        if not self.report:
            return "not checked"
        reached = f"step {self.reached}" if self.reached else "before step 1"
        if not self.broken or self.is_next:
            return reached
        if self.report["flow"]["works"] is None:
            return f"{reached}, cannot be judged"
        if self.breaks_at == 0:
            return f"{reached}, does not start"
        return f"{reached}, broken at stage {self.breaks_at}"

    def hop(self) -> str:
        """The first broken hop in words, with its place; or why there is no report."""
        if not self.report:
            return self.problem
        if not self.broken:
            return ""
        start = "next: " if self.is_next else ""
        return f"{start}{_words(self.broken)}"

    def more(self) -> list[str]:
        """The findings and the notes, in words."""
        notes = [self.folder.note] if self.folder.note else []
        return [*map(_words, self.findings), *notes, *self.notes]

    def data(self) -> dict:
        """The row for a program."""
        found = self.broken or {}
        return {
            "name": self.name,
            "folder": str(self.folder.path),
            "project": str(self.folder.project) if self.folder.project else None,
            "state": self.state,
            "reached": self.reached,
            "done": self.done,
            "breaks_at": self.breaks_at,
            "standing": self.standing(),
            "hop": self.hop(),
            "mistake": found.get("id"),
            "at": found.get("at"),
            "findings": [finding["id"] for finding in self.findings],
            "notes": self.more()[len(self.findings) :],
            "kept": self.is_kept,
        }


def worst(rows: Iterable[Row], *, strict: bool) -> int:
    """The exit status of the class: that of the folder that is worst off."""
    statuses = [row.status(strict=strict) for row in rows]
    return max(statuses, key=STATUSES.index, default=NOTHING_TO_REPORT)


@dataclass(frozen=True)
class Stumble:
    """A mistake, and the names of the folders that have it."""

    id: str
    stage: int
    title: str
    fix: str
    names: tuple[str, ...]


def stumbles(rows: Iterable[Row]) -> list[Stumble]:
    """What the class stumbles over, the most frequent first.

    A hop that comes next is not among them: nobody has tried it yet.
    """
    names: dict[str, dict[str, None]] = {}
    for row in rows:
        broken = [row.broken] if row.broken and not row.is_next else []
        for found in (*broken, *row.findings):
            names.setdefault(found["id"], {})[row.name] = None
    found = [
        Stumble(
            one.id,
            one.stage,
            one.title,
            one.fix,
            tuple(names[one.id]),
        )
        for one in mistakes().values()
        if one.id in names
    ]
    return sorted(found, key=lambda one: -len(one.names))


def _words(found: dict) -> str:
    """A diagnosis in a line: its stage, its title and its place."""
    where = f" ({found['at']})" if found["at"] else ""
    stage = found["stage"]
    number = f"{stage} " if stage else ""
    return f"{number}{stage_name(stage)}: {found['title']}{where}"
