"""`tutorial new`: a learner's own folder, with the project at the end of a step."""

import shlex
from pathlib import Path

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project.files import KEPT_ASIDE, copy_project, files
from tutorial.project.steps import Step, find, is_name, locate, steps
from tutorial.workspace import fresh, repository

# The repository's own folders. A learner's folder may be anywhere else.
TAKEN = frozenset("steps final tutorial tests docs requirements site".split())

GITIGNORE = f"""\
# Made by Python, Django and the tutorial
__pycache__/
db.sqlite3*
.venv/
.env
{KEPT_ASIDE}/
"""

# A folder inside the repository gets this text as its .gitignore, because the
# repository's tests read every file that git does not ignore.
GITIGNORE_INSIDE = """\
# Keeps this folder out of the tutorial's own git.
*
"""


def make(name: str, step: Step, *, git: bool = False) -> None:
    """Create the folder `name` with a copy of the project in `step`.

    With `git`, the folder becomes a git repository, with the project as its first
    commit. Raises Problem if the folder is not empty, or cannot be created.
    """
    folder = _make(name, step, git)
    count = len(files(folder))
    print(f"Made {name}: {count} files, the project at the end of {called(step)}.")
    lines = _next_commands(name, step)
    _print_next(name, lines, repository.tag_of(step) if git else "")


def make_empty(name: str, *, git: bool = False) -> None:
    """Create the empty folder `name`, for a learner who starts with step 1.

    With `git`, the folder becomes a git repository whose first commit is empty. Raises
    Problem if the folder is not empty, or cannot be created.
    """
    _make(name, None, git)
    first = steps()[0]
    print(f"Made {name}: an empty folder, for the code of {called(first)}.")
    lines = [
        (command("docs"), f"the page of step {first.name}, with the code to type"),
        (command("run", name), "after you have typed the code: http://127.0.0.1:8000"),
        (command("check", first.name, name), f"is step {first.name} right?"),
    ]
    _print_next(name, lines, repository.before_step_1().tag if git else "")


def is_before_step_1(name: str) -> bool:
    """Whether `name` on a command line means the state before step 1."""
    return name in ("0", "00")


def _make(name: str, step: Step | None, git: bool) -> Path:
    folder = place(name)
    with fresh.readable_errors(name):
        if git:
            fresh.check_outside_the_tutorial(name, folder, "../my-search")
        _check_free(name, folder, step)
        if git:
            repository.check_git()
        with fresh.all_or_nothing(folder):
            if git:
                _write_repository(folder, step)
            else:
                _write_files(folder, step)
    return folder


def _write_files(folder: Path, step: Step | None) -> None:
    if step:
        copy_project(step.folder, folder)
    inside = folder.is_relative_to(ROOT)
    ignored = GITIGNORE_INSIDE if inside else GITIGNORE
    (folder / ".gitignore").write_text(ignored)


def _write_repository(folder: Path, step: Step | None) -> None:
    commit = repository.commit_of(step) if step else repository.before_step_1()
    repository.write(folder, [commit], ignored=GITIGNORE)
    # An earlier `new` without git may have left its .gitignore in the empty folder.
    (folder / ".gitignore").unlink(missing_ok=True)


def place(name: str) -> Path:
    """Return the absolute path of the learner's folder `name`.

    Raises Problem if it is a folder of the tutorial, or not a valid path.
    """
    if is_name(name) or is_before_step_1(name):
        raise Problem(
            f"The folder comes first: {command('new', 'DIR', name)}\n"
            f"For a folder that is called {name}, type ./{name}"
        )
    folder = locate(name)
    if folder is None:
        raise Problem(f'"{name}" cannot be the name of a folder.')
    if folder.is_relative_to(ROOT) and folder != ROOT:
        first = folder.relative_to(ROOT).parts[0]
        if first.casefold() in TAKEN or first.startswith("."):
            raise Problem(
                f"{name} is in {first}/, which belongs to the tutorial.\n"
                "Choose a folder of your own, for example ../my-search"
            )
    return folder


def called(step: Step) -> str:
    """Return how messages name a step, such as "step 3 (steps/03_queue)"."""
    name = "the tutorial" if step.name == "final" else f"step {step.name}"
    return f"{name} ({step.title})"


def command(*words: str) -> str:
    """Return the command line that runs the tutorial with these arguments."""
    return f"python3 -m tutorial {shlex.join(words)}"


def _check_free(name: str, folder: Path, step: Step | None) -> None:
    """Raise Problem if the folder is not empty, or is inside another project."""
    fresh.check_place(name, folder)
    if not folder.is_dir() or all(map(_is_our_gitignore, folder.iterdir())):
        return
    text = f"{name} is not empty, so no files were written."
    if step and (folder / "manage.py").is_file():
        again = command("new", name, step.name, "--catch-up")
        raise Problem(
            f"{text} Choose another name.\n"
            f"To bring this project to the end of {called(step)}: {again}"
        )
    raise Problem(f"{text}\nChoose another name, or empty it first.")


def _is_our_gitignore(path: Path) -> bool:
    """Whether `path` is a .gitignore that `new` wrote, and that nobody has changed."""
    ours = (GITIGNORE.encode(), GITIGNORE_INSIDE.encode())
    return path.name == ".gitignore" and path.is_file() and path.read_bytes() in ours


def _next_commands(name: str, step: Step) -> list[tuple[str, str]]:
    """Return the three commands that the learner needs next, with their purposes."""
    last = steps()[-1]
    to_check = find(str(min(step.number + 1, last.number)))
    to_reach = to_check if step.number < last.number else find("final")
    return [
        (command("run", name), "see the page, at http://127.0.0.1:8000"),
        (command("check", to_check.name, name), f"is step {to_check.name} right?"),
        (command("diff", name, to_reach.name), f"what is missing: {to_reach.title}"),
    ]


def _print_next(name: str, lines: list[tuple[str, str]], tag: str) -> None:
    """Print the next commands. `tag` is the first commit's tag, or "" without git."""
    if tag:
        print(f"It is a git repository; its first commit has the tag {tag}.")
        status = shlex.join(["git", "-C", name, "status"])
        lines = [*lines, (status, f"the files that you have changed since {tag}")]
    print(listed(*lines))


def listed(*lines: tuple[str, str]) -> str:
    """Return commands with their purposes, under a heading."""
    width = max(len(line) for line, _ in lines)
    shown = [f"    {line:<{width}}  # {why}" for line, why in lines]
    return "\n".join(["Next:", *shown])
