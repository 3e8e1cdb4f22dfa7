"""A row of the table: how far one folder of the class has got.

Two numbers describe a folder. The step that it has *reached* is the last step whose
code appears in its files (`parts`). If the class is checked up to step 4, for example,
code of later steps does not count. The step that is *done* is the last step whose stage
has passed in the report, together with all earlier stages. If a folder has reached a
later step than the one that is done, one of its steps is broken. Otherwise, if the flow
breaks, it breaks at a step that the learner has not begun.
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
# The exit statuses, from the best to the worst.
STATUSES = (NOTHING_TO_REPORT, HAS_FINDINGS, NOT_JUDGED, FLOW_BREAKS, NOT_CHECKED)


@dataclass
class Row:
    """One folder and the result of its check.

    `result` is what `one` prints. If it has no report, its key `problem` says why.
    """

    folder: Folder
    step: int
    result: dict
    is_kept: bool = False  # whether the result is from an earlier run
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
        """The report as text, or why there is none."""
        return self.result.get("text") or self.problem

    @property
    def problem(self) -> str:
        """Why the folder could not be checked, or an empty text."""
        return self.result.get("problem", "")

    @property
    def done(self) -> int:
        """The last step whose stage and all earlier stages have passed, or 0."""
        done = -1
        for stage in self.report["stages"] if self.report else ():
            if stage["state"] != PASSED:
                break
            done = stage["number"]
        return max(done, 0)

    @property
    def reached(self) -> int:
        """The last step whose code appears in the files, or 0.

        It is at most the step up to which the class is checked, and at least `done`.
        """
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
        """The diagnosis of the first hop that breaks or cannot be judged, if any."""
        return self._broken_stage["diagnosis"] if self._broken_stage else None

    @property
    def is_next(self) -> bool:
        """Whether the flow breaks at a step that the learner has not begun."""
        starts = bool(self._broken_stage) and self._broken_stage["number"] > 0
        return starts and self.reached <= self.done

    @property
    def findings(self) -> list[dict]:
        """The diagnoses of mistakes that do not break the flow."""
        return self.report["findings"] if self.report else []

    @property
    def breaks_at(self) -> int | None:
        """The number of the stage at which the flow breaks, or None."""
        return self.report["flow"]["breaks_at"] if self.report else None

    @property
    def state(self) -> str:
        """The state of the folder as a fixed word, for programs that read the table."""
        if not self.report:
            return "not checked"
        if not self.broken:
            return "findings" if self.findings else "works"
        if self.report["flow"]["works"] is None:
            return "cannot judge"
        return "not begun" if self.is_next else "broken"

    def status(self, *, strict: bool) -> int:
        """Return the exit status of `check` for this folder."""
        if not self.report:
            return NOT_CHECKED
        if self.broken:
            unknown = self.report["flow"]["works"] is None
            return NOT_JUDGED if unknown else FLOW_BREAKS
        if self.findings:
            return FLOW_BREAKS if strict else HAS_FINDINGS
        return NOTHING_TO_REPORT

    def standing(self) -> str:
        """Say in words which step the folder has reached, and where it breaks."""
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
        """Say in words which hop breaks first and where, or why there is no report."""
        if not self.report:
            return self.problem
        if not self.broken:
            return ""
        start = "next: " if self.is_next else ""
        return f"{start}{_words(self.broken)}"

    def more(self) -> list[str]:
        """Return the findings and the notes, as texts."""
        notes = [self.folder.note] if self.folder.note else []
        return [*map(_words, self.findings), *notes, *self.notes]

    def data(self) -> dict:
        """Return the row as data for JSON and CSV."""
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
    """Return the exit status of the class: the worst status of its folders."""
    statuses = [row.status(strict=strict) for row in rows]
    return max(statuses, key=STATUSES.index, default=NOTHING_TO_REPORT)


@dataclass(frozen=True)
class Stumble:
    """A mistake and the names of the folders that have it."""

    id: str
    stage: int
    title: str
    fix: str
    names: tuple[str, ...]


def stumbles(rows: Iterable[Row]) -> list[Stumble]:
    """Return the mistakes of the class, the most frequent first.

    A step that a learner has not begun does not count as a mistake.
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
    """Return a diagnosis as one line: its stage, its title, and the file and line."""
    where = f" ({found['at']})" if found["at"] else ""
    stage = found["stage"]
    number = f"{stage} " if stage else ""
    return f"{number}{stage_name(stage)}: {found['title']}{where}"
