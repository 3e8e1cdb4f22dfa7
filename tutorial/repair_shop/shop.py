"""`tutorial repair`: what the repair shop does with a folder, and what it prints."""

import secrets
import textwrap
from collections.abc import Iterator
from pathlib import Path

from tutorial.check.report import ADDRESS, stage_name
from tutorial.problem import Problem
from tutorial.project.steps import Step, find
from tutorial.repair_shop import folder as files
from tutorial.repair_shop import kept as state
from tutorial.repair_shop.catalogue import TOOLS, Entry, entries, in_order
from tutorial.repair_shop.kept import HINTS, Kept, Turn
from tutorial.workspace.new import command, listed, place

# A random seed is below this number, so that it is short enough to say aloud.
SEEDS = 10_000

WIDTH = 88

COUNTED = ("no hint", "1 hint", "2 hints", "3 hints")


def begin(name: str, step: Step, level: str, seed: int | None) -> None:
    """Create the folder `name` with the first mistake for this step, level and seed.

    With `seed=None`, a random seed is chosen. Raises Problem if the folder exists
    and is not empty.
    """
    folder, title = place(name), name.rstrip("/")
    kept = Kept(step.number, secrets.randbelow(SEEDS) if seed is None else seed, level)
    order = in_order(kept.step, kept.seed, level)
    entry = entries()[order[0]]
    files.make(folder, title, entry.patch, step)
    kept.begin(entry.name)
    state.write(folder, kept)
    print(f"Made {title}: the project at the end of step {step.name}, with a mistake.")
    _print_situation(title, kept, entry)


def show(folder: Path, title: str) -> None:
    """Print what a visitor of the folder's project sees, and what to do next."""
    kept = state.read(folder, title)
    if kept.turn.is_solved:
        print("\n".join(solved_lines(title, kept)))
    else:
        _print_situation(title, kept, entry_of(kept.turn, title))


def hint(folder: Path, title: str) -> None:
    """Print the hints so far, and the next one."""
    kept = state.read(folder, title)
    entry = entry_of(kept.turn, title)
    if not kept.turn.is_solved and kept.turn.hints < HINTS:
        kept.turn.hints += 1
        state.write(folder, kept)
    shown = HINTS if kept.turn.is_solved else kept.turn.hints
    for line in hint_lines(entry, title)[:shown]:
        print(line)
    if kept.turn.is_solved:
        print(f"\nIt is fixed. The next one: {command('repair', title, '--next')}")
    elif shown < HINTS:
        again = command("repair", title, "--hint")
        print(f"\nHint {shown} of {HINTS}. The next one: {again}")
    else:
        full = command("check", title, "--explain")
        print(f"\nThat was the last hint. The full report: {full}")


def go_on(folder: Path, title: str) -> None:
    """Put the next mistake into the folder. If none is left, print the score.

    Raises Problem if the project is running, or if a file cannot be moved.
    """
    kept = state.read(folder, title)
    played = {turn.name for turn in kept.turns}
    left = [
        name
        for name in in_order(kept.step, kept.seed, kept.level)
        if name not in played
    ]
    if not kept.turn.is_solved and kept.turn.name in entries():
        before = entries()[kept.turn.name]
        print(_folded(f"Left unfixed: {_titled(before)} ({_where(before)})."))
        print(_folded(before.mistake.cause))
        print(f"Read: {_address(before)}\n")
    if not left:
        print("That was the last mistake of this step and level.\n")
        _print_score(title, kept)
        return
    entry = entries()[left[0]]
    aside = files.replace(folder, title, entry.patch, find(str(kept.step)))
    kept.begin(entry.name)
    state.write(folder, kept)
    print(f"{title} has the next mistake. Your previous files are in {title}/{aside}.")
    _print_situation(title, kept, entry)


def score(folder: Path, title: str) -> None:
    """Print which mistakes in the folder were fixed, and how many hints they took."""
    _print_score(title, state.read(folder, title))


def entry_of(turn: Turn, title: str) -> Entry:
    """Return the mistake in `turn`. Raises Problem if the shop no longer has it."""
    if turn.name not in entries():
        raise Problem(
            f"{title} has a mistake that this version of the tutorial does not know.\n"
            f"Continue with the next mistake: {command('repair', title, '--next')}"
        )
    return entries()[turn.name]


def hint_lines(entry: Entry, title: str) -> list[str]:
    """Return the three hints: the stage, the place (the files), and the reason."""
    mistake = entry.mistake
    shown = [f"  - {TOOLS[tool].format(folder=title)}" for tool in entry.tools]
    stage = hop(entry.stage).removeprefix("stage ")
    return [
        "\n".join([f"The stage   {stage}. You can see the effect in:", *shown]),
        f"The place   {_where(entry)}",
        _folded(f"The reason  {mistake.title}. {mistake.cause}", " " * 12)
        + f"\n            {_address(entry)}",
    ]


def hop(stage: int) -> str:
    """Return how the hints name a stage. `stage` is 1 to 7, or 0 for the start."""
    if stage:
        return f"stage {stage}, {stage_name(stage)}"
    return "the start, before stage 1"


def solved_lines(title: str, kept: Kept) -> Iterator[str]:
    """Yield what the mistake was, how long its fix took, and the next commands."""
    turn = kept.turn
    entry = entry_of(turn, title)
    yield _folded(f"The mistake was: {_titled(entry)} ({_where(entry)}).")
    yield _folded(entry.mistake.cause)
    yield f"Read: {_address(entry)}"
    yield f"Fixed after {_minutes(turn)}, with {COUNTED[turn.hints]}."
    yield ""
    yield listed(
        (command("repair", title, "--next"), "the next mistake"),
        (command("repair", title, "--score"), "what you have fixed so far"),
    )


def _print_situation(title: str, kept: Kept, entry: Entry) -> None:
    order = in_order(kept.step, kept.seed, kept.level)
    number = f"Mistake {len(kept.turns)} of {max(len(order), len(kept.turns))}"
    print(f"\n{number} (level: {entry.level}). What a visitor sees:\n")
    text = _folded(entry.sees(kept.step), width=WIDTH - 4)
    print(textwrap.indent(text, "    ") + "\n")
    same = ["--seed", str(kept.seed)]
    same += ["--level", kept.level] if kept.level else []
    same += ["--step", str(kept.step)] if kept.step != 7 else []
    print(f"To get the same mistakes in another folder, add {' '.join(same)}\n")
    print(
        listed(
            (command("run", title, "--map"), "the log, and the live map"),
            (
                command("manage", title, "show_queue"),
                "terminal 2: the waiting messages",
            ),
            (
                command("manage", title, "show_groups"),
                "terminal 2: the groups of sockets",
            ),
            (command("check", title), "is it fixed?"),
            (command("repair", title, "--hint"), "a hint: stage, place, reason"),
        )
    )


def _print_score(title: str, kept: Kept) -> None:
    solved = [turn for turn in kept.turns if turn.is_solved]
    hints = sum(turn.hints for turn in kept.turns)
    for number, turn in enumerate(kept.turns, start=1):
        entry = entries().get(turn.name)
        is_now = turn is kept.turn and not turn.is_solved
        name = _titled(entry) if entry and not is_now else "a mistake to find"
        if not entry:
            name = "a mistake of an earlier version of the tutorial"
        how = f"{_minutes(turn) if turn.is_solved else 'not fixed'}, "
        how += COUNTED[turn.hints]
        print(_folded(f"{number:3}  {name}: {how}", " " * 5))
    order = in_order(kept.step, kept.seed, kept.level)
    used = f"{hints} hint{'s' * (hints != 1)} used"
    print(f"\n{title}: {len(solved)} of {len(order)} mistakes fixed, {used}.")


def _titled(entry: Entry) -> str:
    return entry.mistake.title


def _where(entry: Entry) -> str:
    return ", ".join(entry.patch.places)


def _address(entry: Entry) -> str:
    return f"{ADDRESS}#{entry.mistake.id} (shown by: {command('docs')})"


def _minutes(turn: Turn) -> str:
    minutes = max(1, round(turn.minutes or 0))
    return f"{minutes} minute{'s' * (minutes != 1)}"


def _folded(text: str, indent: str = "", width: int = WIDTH) -> str:
    return textwrap.fill(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
