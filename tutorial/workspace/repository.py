"""A git repository whose commits are steps: the same steps always give the same hashes.

Everything that a hash depends on is fixed: the author, the dates, the messages, the
modes of the files, and the hash algorithm. Git therefore runs without `GIT_*`
variables, and without the configuration of the user and of the system. Such settings
could sign commits, run hooks, convert line endings, or set another author. The commits
are written by `git fast-import`, which stores the content of the files unchanged.
"""

import os
import subprocess
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project.files import files
from tutorial.project.steps import Step

BRANCH = "main"
AUTHOR = "The tutorial <tutorial@example.invalid>"
# The date of the commit before step 1, in seconds since 1970: 2026-01-01, 00:00 UTC.
# The commit of each step is an hour later than the previous commit.
START = 1767225600
HOUR = 3600  # seconds

# The width of a commit message's body, in characters.
WIDTH = 72

NOWHERE = os.devnull  # not a folder, so git finds no configuration in it


@dataclass(frozen=True)
class Commit:
    """A commit: the files of a project, and the commit's tag, message and date."""

    tag: str
    message: str
    date: int  # seconds since 1970
    # The content of each file, by its path.
    contents: dict[str, bytes] = field(default_factory=dict)
    executable: tuple[str, ...] = ()  # the paths of executable files


def commit_of(step: Step) -> Commit:
    """Return the commit of a step. Its message says what the step adds.

    Raises Problem if a folder cannot be read.
    """
    label = "Final" if step.name == "final" else f"Step {step.name}"
    return Commit(
        tag=tag_of(step),
        message=_message(f"{label}: {step.component}", step.sees),
        date=START + step.number * HOUR,
        contents={name: path.read_bytes() for name, path in files(step.folder).items()},
        executable=step.executable,
    )


def before_step_1() -> Commit:
    """Return the commit of an empty folder, for the state before step 1."""
    text = "The folder is empty. The page of step 1 says what to type first."
    message = _message("Before step 1: nothing has been typed", text)
    return Commit(tag="step-0", message=message, date=START)


def tag_of(step: Step) -> str:
    """Return the tag of a step's commit."""
    return step.name if step.name == "final" else f"step-{step.name}"


def check_git() -> None:
    """Raise Problem if git is not installed or does not run."""
    _call("--version")


def write(
    folder: Path, commits: Sequence[Commit], *, ignored: str, branches: bool = False
) -> None:
    """Create a repository with these commits in `folder`, and check out the last one.

    `ignored` contains the patterns of files that git ignores. They are not written to a
    .gitignore, because then a commit would have a file that its step does not have.
    `branches` adds a branch for each tag. Raises Problem if git fails.
    """
    _git(folder, "init", "--quiet", "--template=")
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "exclude").write_text(ignored)
    # In later checkouts, the user's own git must not convert line endings.
    _git(folder, "config", "core.autocrlf", "false")
    if branches:
        # Branches and tags have the same names. Turn off git's warning about this.
        _git(folder, "config", "core.warnAmbiguousRefs", "false")
    _git(folder, "symbolic-ref", "HEAD", f"refs/heads/{BRANCH}")
    _git(folder, "fast-import", "--quiet", given=b"".join(_stream(commits, branches)))
    _git(folder, "read-tree", "--reset", "-u", "HEAD")


def _message(subject: str, body: str) -> str:
    lines = textwrap.fill(body, WIDTH, break_on_hyphens=False)
    return f"{subject}\n\n{lines}\n"


def _stream(commits: Sequence[Commit], branches: bool) -> Iterator[bytes]:
    """Yield the commits in the input format of `git fast-import`."""
    for mark, commit in enumerate(commits, start=1):
        yield f"commit refs/heads/{BRANCH}\nmark :{mark}\n".encode()
        yield f"committer {AUTHOR} {commit.date} +0000\n".encode()
        yield _data(commit.message.encode())
        yield b"deleteall\n"
        for path, content in commit.contents.items():
            mode = "100755" if path in commit.executable else "100644"
            yield f"M {mode} inline {path}\n".encode()
            yield _data(content)
        for kind in ("tags", *["heads"] * branches):
            yield f"reset refs/{kind}/{commit.tag}\nfrom :{mark}\n\n".encode()


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _git(folder: Path, *arguments: str, given: bytes = b"") -> None:
    # With these paths, git neither searches for a repository nor checks its owner.
    place = [f"--git-dir={folder / '.git'}", f"--work-tree={folder}"]
    _call(*arguments, place=place, given=given)


def _call(*arguments: str, place: Sequence[str] = (), given: bytes = b"") -> None:
    """Run git. Raises Problem if it is not installed, or if it fails."""
    try:
        result = subprocess.run(
            ["git", *place, *arguments],
            cwd=ROOT,
            env=_environment(),
            input=given,
            capture_output=True,
        )
    except FileNotFoundError:
        raise Problem(
            "This command needs git, which is not installed.\n"
            "Install it, for example: sudo apt install git, or: brew install git"
        ) from None
    if result.returncode:
        said = result.stderr.decode(errors="replace").strip().splitlines()
        # Besides the reason, git may print hints and the path of a crash report.
        reasons = [line for line in said if line.startswith(("fatal:", "error:"))]
        reason = (reasons or said or [f"exit status {result.returncode}"])[0]
        raise Problem(f"git {arguments[0]} failed: {reason}\nNothing was written.")


def _environment() -> dict[str, str]:
    """Return an environment in which git finds no configuration."""
    kept = {name: x for name, x in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "LC_ALL": "C",
        "HOME": NOWHERE,
        "XDG_CONFIG_HOME": NOWHERE,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_DEFAULT_HASH": "sha1",
    }
