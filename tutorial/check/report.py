"""The result of a check, as text and as data."""

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

from tutorial.check.mistakes import mistakes
from tutorial.check.unmet import Unmet
from tutorial.project.steps import steps

# The version of the data that `Report.data` returns, which docs/class.md describes.
VERSION = 3

PASSED, BROKEN, NOT_REACHED = "passed", "broken", "not reached"
# `CANNOT_JUDGE` is the state of a stage if `check` cannot observe what the project does
# there. `UNKNOWN` is the kind of that stage's diagnosis.
CANNOT_JUDGE, UNKNOWN = "cannot judge", "unknown"

# Findings do not break the flow. These are their kinds, and the headings of the kinds
# in a report.
UNSAFE, DIFFERS = "unsafe", "differs"
HEADINGS = {
    UNSAFE: "Unsafe or unsound",
    DIFFERS: "Different from what the page of step {step} asks for",
}

# The exit statuses of `check`. If no check is possible, the status is 2.
NOTHING_TO_REPORT, FLOW_BREAKS, HAS_FINDINGS, NOT_JUDGED = 0, 1, 3, 4

WIDTH = 88

# The page of the site that lists all mistakes. The anchors on it are the mistakes' ids.
# `ADDRESS` is the page's address if `tutorial docs` serves it on the default port.
PAGE = "docs/troubleshooting.md"
ADDRESS = "http://127.0.0.1:8001/troubleshooting/"

Paint = Callable[[str, str], str]


@dataclass(frozen=True)
class Diagnosis:
    """A mistake of the catalogue, and how it was seen in this project."""

    id: str
    kind: str  # "broken", "unsafe", "differs" or "unknown"
    stage: int  # the stage that it belongs to: 1 to 7, or 0 for the start
    title: str
    expected: str
    seen: str
    cause: str
    at: str | None  # "search/tasks.py:33"
    fix: str
    page: str  # "docs/troubleshooting.md#no-worker"

    @classmethod
    def of(cls, unmet: Unmet, kind: str = BROKEN) -> "Diagnosis":
        """Return the diagnosis of a mistake that a stage raised or yielded."""
        mistake = mistakes()[unmet.mistake]
        stage = mistake.stage if unmet.stage is None else unmet.stage
        return cls(
            id=mistake.id,
            kind=kind,
            stage=stage,
            title=mistake.title,
            expected=unmet.expected,
            seen=unmet.seen,
            cause=mistake.cause,
            at=unmet.at,
            fix=mistake.fix,
            page=f"{PAGE}#{mistake.id}",
        )


@dataclass(frozen=True)
class Result:
    """The result of one stage, with its evidence if it passed, or else a diagnosis."""

    number: int  # 0 for the start of the project
    stage: str
    state: str
    evidence: str = ""
    diagnosis: Diagnosis | None = None


@dataclass
class Report:
    """The report of one check: the results of the stages, findings, advice and logs."""

    folder: str
    step: int
    results: list[Result] = field(default_factory=list)
    findings: list[Diagnosis] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    log: dict[str, list[str]] = field(default_factory=dict)  # printed lines, by process
    # The time from sending the form until the page shows the answer, at step 7.
    search_seconds: float | None = None
    seconds: float = 0.0  # the duration of the check
    # The command that compares the project with the step; "" if that does not help.
    comparison: str = ""

    @property
    def broken(self) -> Diagnosis | None:
        """The diagnosis of the first stage at which the flow breaks, or None."""
        found = (one.diagnosis for one in self.results if one.state == BROKEN)
        return next(found, None) if self.unjudged is None else None

    @property
    def unjudged(self) -> Diagnosis | None:
        """The diagnosis of the stage that `check` cannot judge, or None."""
        for result in self.results:
            if result.state == BROKEN:
                return None
            if result.state == CANNOT_JUDGE:
                return result.diagnosis
        return None

    @property
    def works(self) -> bool | None:
        """Whether the flow works; None if that cannot be judged."""
        return None if self.unjudged else self.broken is None

    @property
    def breaks_at(self) -> int | None:
        """The number of the stage at which the flow breaks, or None. 0 is the start."""
        if self.broken is None:
            return None
        return self.broken.stage if self.results[0].state == PASSED else 0

    def status(self, *, strict: bool) -> int:
        """Return the exit status. If `strict`, findings count as a broken flow."""
        if self.broken or (strict and self.findings):
            return FLOW_BREAKS
        if self.unjudged:
            return NOT_JUDGED
        return HAS_FINDINGS if self.findings else NOTHING_TO_REPORT

    def data(self) -> dict:
        """Return the report as data for JSON."""
        return {
            "version": VERSION,
            "folder": self.folder,
            "step": self.step,
            "flow": {
                "works": self.works,
                "breaks_at": self.breaks_at,
                "seconds": self.search_seconds,
            },
            "stages": [asdict(result) for result in self.results],
            "findings": [asdict(finding) for finding in self.findings],
            "advice": self.advice,
            "log": self.log,
            "seconds": self.seconds,
        }

    def lines(self, paint: Paint) -> Iterator[str]:
        """Yield the lines of the report. The verdict on the flow comes first."""
        yield self._verdict(paint)
        yield ""
        for result in self.results:
            yield line_of(result, paint)
        for kind, heading in HEADINGS.items():
            found = [finding for finding in self.findings if finding.kind == kind]
            if found:
                yield "\n" + paint("bold", heading.format(step=self.step))
            for finding in found:
                yield ""
                yield finding_of(finding, paint)
        if self.advice:
            yield ""
        for advice in self.advice:
            yield _fold(f"advice  {advice}", " " * 8)
        is_alike = any(finding.id == "line-missing" for finding in self.findings)
        if self.comparison and (self.broken or is_alike):
            yield f"\nTo compare it with the step: {self.comparison}"

    def _verdict(self, paint: Paint) -> str:
        if self.unjudged:
            found = self.unjudged
            words = f"check cannot judge this flow from stage {found.stage} on"
            return paint("yellow", f"{words}: {_lower(found.title)}")
        if self.broken is None:
            words = f"The flow works up to stage {self.step}, {stage_name(self.step)}"
            if self.search_seconds is not None:
                words = (
                    "The flow works: a search went from the form to the page in"
                    f" {self.search_seconds:.1f} s"
                )
            return paint("green", words)
        stage = self.breaks_at
        where = f"at stage {stage}, {stage_name(stage)}"
        if not stage:
            where = "before it begins: the project does not start"
        return paint("red", f"The flow breaks {where}")


def _lower(title: str) -> str:
    """Return the title with a lower-case first letter, to continue a sentence."""
    return title[0].lower() + title[1:]


def stage_name(number: int) -> str:
    """Return the name of a stage, or "start" for 0."""
    return steps()[number - 1].stage if number else "start"


def line_of(result: Result, paint: Paint) -> str:
    """Return one line about a stage, and the details of its diagnosis below it."""
    name = f"{result.number or '':1} {result.stage:<9}"
    if result.state == PASSED:
        text = f"{paint('green', 'passed')}  {name} {result.evidence}"
        return _fold(text, " " * 20)
    if result.state == NOT_REACHED:
        hint = f": {result.evidence}" if result.evidence else ""
        return _fold(f"{paint('dim', 'not reached')}  {name.strip()}{hint}", " " * 13)
    found = result.diagnosis
    if result.state == CANNOT_JUDGE:
        title = f"{paint('yellow', 'UNKNOWN')} {name} {paint('bold', found.title)}"
        return "\n".join([title, "", *_details(found), ""])
    hop = ""
    if found.stage != result.number:
        hop = f" (made at stage {found.stage}, {stage_name(found.stage)})"
    title = f"{paint('red', 'BROKEN')}  {name} {paint('bold', found.title + hop)}"
    return "\n".join([title, "", *_details(found), ""])


def finding_of(finding: Diagnosis, paint: Paint) -> str:
    """Return one line about a finding, and its details below it."""
    name = f"{finding.stage or '':1} {stage_name(finding.stage):<9}"
    title = f"{paint('yellow', f'{finding.kind:<7}')} {name} {finding.title}"
    return "\n".join([_fold(title, " " * 20), *_details(finding)])


def _details(found: Diagnosis) -> Iterator[str]:
    for label, text in (
        ("expected", found.expected),
        ("seen", found.seen),
        ("cause", found.cause),
        ("where", found.at),
        ("fix", found.fix),
        ("read", f"{ADDRESS}#{found.id} (shown by: python3 -m tutorial docs)"),
    ):
        if text:
            yield _fold(f"    {label:<9} {text}", " " * 14)


def _fold(text: str, indent: str) -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
