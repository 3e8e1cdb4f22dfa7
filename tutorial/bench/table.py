"""The results of a section, as text for people and as data for programs."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

Figure = float | int | None


@dataclass(frozen=True)
class Goal:
    """A goal for `value`.

    It has to be at most `bound` if `is_most` is true, and at least `bound` otherwise.
    """

    words: str
    value: float
    bound: float
    is_most: bool

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        if self.is_most:
            return self.value <= self.bound
        return self.value >= self.bound

    def __str__(self) -> str:
        return f"{'met' if self.is_met else 'MISSED'}: {self.words}"


def at_most(bound: float, words: str, value: float) -> Goal:
    """Return the goal that `value` is `bound` or less.

    {} in `words` stands for `bound`.
    """
    return Goal(words.format(f"{bound:,g}"), value, bound, is_most=True)


def at_least(bound: float, words: str, value: float) -> Goal:
    """Return the goal that `value` is `bound` or more.

    {} in `words` stands for `bound`.
    """
    return Goal(words.format(f"{bound:,g}"), value, bound, is_most=False)


@dataclass
class Section:
    """A table with a row of figures for each candidate, and the goals to reach.

    `columns` maps the name of each figure to the title of its column. If a figure
    is a time or a size, both its name and that title contain the unit.
    """

    letter: str
    title: str
    caption: str
    columns: dict[str, str]
    rows: dict[str, dict[str, Figure]] = field(default_factory=dict)
    goals: dict[str, list[Goal]] = field(default_factory=dict)
    # Sentences about errors, such as lost messages, that are not due to a slow machine.
    faults: list[str] = field(default_factory=list)

    def data(self) -> dict:
        """Return the section as data for JSON."""
        goals = [
            {"candidate": candidate, "is_met": goal.is_met, **asdict(goal)}
            for candidate, found in self.goals.items()
            for goal in found
        ]
        return {
            "title": self.title,
            "caption": self.caption,
            "columns": self.columns,
            "rows": self.rows,
            "goals": goals,
            "faults": self.faults,
        }

    def lines(self) -> Iterator[str]:
        """Yield the section as lines of text."""
        yield f"({self.letter}) {self.title}"
        cells = [["", *self.columns.values(), "goals"]]
        for candidate, figures in self.rows.items():
            shown = [show(figures.get(name)) for name in self.columns]
            goals = "; ".join(map(str, self.goals.get(candidate, ())))
            cells.append([candidate, *shown, goals])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for first, *middle, last in cells:
            padded = (f"{cell:>{width}}" for cell, width in zip(middle, widths[1:]))  # noqa: B905
            yield "  ".join((f"{first:<{widths[0]}}", *padded, last)).rstrip()
        yield self.caption


def show(figure: Figure) -> str:
    """Return a figure with about three significant digits; "" for None."""
    if figure is None:
        return ""
    if isinstance(figure, int):
        return f"{figure:,}"
    size = abs(figure)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{figure:,.{digits}f}"
