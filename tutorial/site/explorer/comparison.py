"""Two of the steps, and all that lies between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations

from tutorial.project import difference
from tutorial.project.difference import FileDiff
from tutorial.project.steps import Step, every

# What few read in a diff: it is there, but folded.
FOLDED_SUFFIX = ".css"
FOLDED_FOLDER = "/migrations/"


@dataclass(frozen=True)
class Change:
    """What happens to one file."""

    path: str
    kind: str  # "new file", "changed" or "removed"
    old: tuple[str, ...]  # its lines
    new: tuple[str, ...]
    body: tuple[str, ...]  # its unified diff, without the two lines with its name

    @classmethod
    def of(cls, file: FileDiff) -> "Change":
        """The change that `file` is."""
        old, new = tuple(file.old or ()), tuple(file.new or ())
        return cls(file.path, file.kind, old, new, tuple(file.unified()[2:]))

    @property
    def added(self) -> int:
        """How many lines come in."""
        return sum(line.startswith("+") for line in self.body)

    @property
    def removed(self) -> int:
        """How many lines go."""
        return sum(line.startswith("-") for line in self.body)

    @property
    def has_two_sides(self) -> bool:
        """Whether there is something to see on both sides."""
        return self.kind == "changed"

    @property
    def is_folded(self) -> bool:
        """Whether the page shows it folded."""
        return self.path.endswith(FOLDED_SUFFIX) or FOLDED_FOLDER in self.path


@dataclass(frozen=True)
class Comparison:
    """Two steps, the earlier one first."""

    old: Step
    new: Step

    @property
    def name(self) -> str:
        """The last part of the page's address: `3-4`, `7-final`."""
        return f"{self.old.name}-{self.new.name}"

    @property
    def title(self) -> str:
        """The page's heading."""
        return f"From {name_in_text(self.old)} to {name_in_text(self.new)}"

    @property
    def on_the_way(self) -> Sequence[Step]:
        """The steps that are taken: `new`, and what is between."""
        return [s for s in every() if self.old.number < s.number <= self.new.number]

    @property
    def minutes(self) -> int:
        """How long the steps on the way take a learner."""
        return sum(step.minutes for step in self.on_the_way)

    @cached_property
    def changes(self) -> Sequence[Change]:
        """The files that differ, by path."""
        return [*map(Change.of, difference.compare(self.old.folder, self.new.folder))]

    @property
    def added(self) -> int:
        """How many lines come in."""
        return sum(change.added for change in self.changes)

    @property
    def removed(self) -> int:
        """How many lines go."""
        return sum(change.removed for change in self.changes)

    @property
    def advice(self) -> Sequence[str]:
        """What else changes for whoever goes this way: a sentence each."""
        return difference.advice(self.old.folder, self.new.folder)

    def moved(self, places: int) -> "Comparison | None":
        """The pair as far apart that many steps on; None where there is none."""
        known = {step.number: step for step in every()}
        old = known.get(self.old.number + places)
        new = known.get(self.new.number + places)
        return Comparison(old, new) if old and new else None


@cache
def comparisons() -> Sequence[Comparison]:
    """Each two steps. They remember what they have read, until the next build."""
    return [Comparison(old, new) for old, new in combinations(every(), 2)]


def neighbours() -> Sequence[Comparison]:
    """Each step with the one after it."""
    return [pair for pair in comparisons() if pair.new.number == pair.old.number + 1]


def name_in_text(step: Step) -> str:
    """What the pages call a step: "step 3", "the finished app"."""
    return f"step {step.name}" if step.stage else "the finished app"
