"""What a check has found, for a person and for a program."""

import textwrap
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from tutorial.check.mistakes import mistakes
from tutorial.check.unmet import Unmet
from tutorial.project.steps import steps

PASSED, FAILED, NOT_REACHED = "passed", "failed", "not reached"
WIDTH = 88

# The page of the site that has each mistake, under an anchor of its id; and where
# `tutorial docs` shows it, if nobody asks for another port.
PAGE = "docs/troubleshooting.md"
ADDRESS = "http://127.0.0.1:8001/troubleshooting/"


@dataclass(frozen=True)
class Diagnosis:
    """A mistake of the catalogue, and what was seen of it in this project."""

    id: str
    stage: int  # that it belongs to: 1 to 7, or 0 for the start
    title: str
    expected: str
    seen: str
    cause: str
    at: str | None  # "search/tasks.py:33"
    mend: str
    page: str  # "docs/troubleshooting.md#no-worker"

    @classmethod
    def of(cls, unmet: Unmet) -> "Diagnosis":
        """The diagnosis that a stage has raised."""
        mistake = mistakes()[unmet.mistake]
        stage = mistake.stage if unmet.stage is None else unmet.stage
        return cls(
            id=mistake.id,
            stage=stage,
            title=mistake.title,
            expected=unmet.expected,
            seen=unmet.seen,
            cause=mistake.cause,
            at=unmet.at,
            mend=mistake.mend,
            page=f"{PAGE}#{mistake.id}",
        )


@dataclass(frozen=True)
class Result:
    """One stage: passed with its evidence, failed with a diagnosis, or not reached."""

    number: int  # 0 for the start of the project
    stage: str
    state: str
    evidence: str = ""
    diagnosis: Diagnosis | None = None


@dataclass
class Report:
    """The stages of one check, in order, and what else there is to say."""

    folder: str
    step: int
    results: list[Result] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    log: dict[str, list[str]] = field(default_factory=dict)  # by process
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every stage holds."""
        return all(result.state == PASSED for result in self.results)

    def data(self) -> dict:
        """The report as JSON has it."""
        return {"passed": self.passed, **asdict(self)}


def stage_name(number: int) -> str:
    """ "start", or the stage's name."""
    return steps()[number - 1].stage if number else "start"


def line_of(result: Result, paint: Callable[[str, str], str]) -> str:
    """A stage in a line, and its diagnosis below it."""
    name = f"{result.number or '':1} {result.stage:<9}"
    if result.state == PASSED:
        text = f"{paint('green', 'passed')}  {name} {result.evidence}"
        return _fold(text, " " * 20)
    if result.state == NOT_REACHED:
        hint = f": at first sight, {result.evidence}" if result.evidence else ""
        return _fold(f"{paint('dim', 'not reached')}  {name.strip()}{hint}", " " * 13)
    found = result.diagnosis
    hop = ""
    if found.stage != result.number:
        hop = f"stage {found.stage} · {stage_name(found.stage)}: "
    lines = [f"{paint('red', 'FAILED')}  {name} {paint('bold', hop + found.title)}", ""]
    for label, text in (
        ("expected", found.expected),
        ("seen", found.seen),
        ("cause", found.cause),
        ("where", found.at),
        ("mend", found.mend),
        ("read", f"{ADDRESS}#{found.id} (shown by: python3 -m tutorial docs)"),
    ):
        if text:
            lines.append(_fold(f"    {label:<9} {text}", " " * 14))
    return "\n".join([*lines, ""])


def _fold(text: str, indent: str) -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
