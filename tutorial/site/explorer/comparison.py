"""Two steps, and everything that differs between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations

from tutorial.project import difference
from tutorial.project.difference import FileDiff
from tutorial.project.steps import Step, every

# The page collapses the diffs of these files, because few people read them.
FOLDED_SUFFIX = ".css"
FOLDED_FOLDER = "/migrations/"


@dataclass(frozen=True)
class Change:
    """The change to one file."""

    path: str
    kind: str  # "new file", "changed" or "removed"
    old: tuple[str, ...]  # the lines of the old file
    new: tuple[str, ...]
    body: tuple[str, ...]  # its unified diff, without the two header lines

    @classmethod
    def of(cls, file: FileDiff) -> "Change":
        """Create a Change from the diff of a file."""
        old, new = tuple(file.old or ()), tuple(file.new or ())
        return cls(file.path, file.kind, old, new, tuple(file.unified()[2:]))

    @property
    def added(self) -> int:
        """The number of added lines."""
        return sum(line.startswith("+") for line in self.body)

    @property
    def removed(self) -> int:
        """The number of removed lines."""
        return sum(line.startswith("-") for line in self.body)

    @property
    def has_two_sides(self) -> bool:
        """Whether the file exists in both steps."""
        return self.kind == "changed"

    @property
    def is_folded(self) -> bool:
        """Whether the page folds the diff of this file."""
        return self.path.endswith(FOLDED_SUFFIX) or FOLDED_FOLDER in self.path


@dataclass(frozen=True)
class Comparison:
    """Two steps, the earlier one first."""

    old: Step
    new: Step

    @property
    def name(self) -> str:
        """The last part of the page's address, such as `3-4` or `7-final`."""
        return f"{self.old.name}-{self.new.name}"

    @property
    def title(self) -> str:
        """The page's heading."""
        return f"From {name_in_text(self.old)} to {name_in_text(self.new)}"

    @property
    def on_the_way(self) -> Sequence[Step]:
        """The steps that a learner has to do: those after `old`, up to `new`."""
        return [s for s in every() if self.old.number < s.number <= self.new.number]

    @property
    def minutes(self) -> int:
        """How many minutes the steps on the way take a learner."""
        return sum(step.minutes for step in self.on_the_way)

    @cached_property
    def changes(self) -> Sequence[Change]:
        """The changed files, in the order of their paths."""
        return [*map(Change.of, difference.compare(self.old.folder, self.new.folder))]

    @property
    def added(self) -> int:
        """The number of added lines."""
        return sum(change.added for change in self.changes)

    @property
    def removed(self) -> int:
        """The number of removed lines."""
        return sum(change.removed for change in self.changes)

    @property
    def advice(self) -> Sequence[str]:
        """What a learner has to do besides editing files, as a list of sentences."""
        return difference.advice(self.old.folder, self.new.folder)

    def moved(self, places: int) -> "Comparison | None":
        """Return the pair whose steps come `places` steps after the steps of this pair.

        A negative number means earlier steps. Returns None if a step does not exist.
        """
        known = {step.number: step for step in every()}
        old = known.get(self.old.number + places)
        new = known.get(self.new.number + places)
        return Comparison(old, new) if old and new else None


@cache
def comparisons() -> Sequence[Comparison]:
    """Return all pairs of steps.

    The pairs and their changes are cached until the next build.
    """
    return [Comparison(old, new) for old, new in combinations(every(), 2)]


def neighbours() -> Sequence[Comparison]:
    """Return all pairs of consecutive steps."""
    return [pair for pair in comparisons() if pair.new.number == pair.old.number + 1]


def name_in_text(step: Step) -> str:
    """Return the name of a step for a sentence: "step 3" or "the finished app"."""
    return f"step {step.name}" if step.stage else "the finished app"
