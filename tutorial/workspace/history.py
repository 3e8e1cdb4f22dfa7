"""`tutorial history`: the steps as the commits of a git repository."""

import shlex
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project.steps import every, is_name, locate
from tutorial.workspace import fresh, repository
from tutorial.workspace.new import GITIGNORE, command, is_before_step_1, listed

# The finished app also creates a folder of collected static files.
IGNORED = f"{GITIGNORE}static_root/\n"


def write_history(name: str, *, branches: bool = False) -> None:
    """Create a repository in the folder `name`, with a commit and a tag for each step.

    `branches` adds a branch for each step. Raises Problem, and leaves nothing behind,
    if the folder is not empty or cannot be created, or if git fails.
    """
    with fresh.readable_errors(name):
        folder = _place(name)
        repository.check_git()
        commits = [repository.commit_of(step) for step in every()]
        with fresh.all_or_nothing(folder):
            repository.write(folder, commits, ignored=IGNORED, branches=branches)
    tags = [commit.tag for commit in commits]
    what = "a tag and a branch" if branches else "a tag"
    print(
        f"Made {name}: a git repository with {len(tags)} commits.\n"
        f"Each has {what}: {tags[0]} to {tags[-2]}, and {tags[-1]}."
    )
    print(
        listed(
            (_git(name, "log", "--oneline"), "what each step adds"),
            (_git(name, "show", "--stat", tags[3]), "the files of step 4"),
            (_git(name, "diff", tags[2], tags[3]), "what step 4 changes in step 3"),
        )
    )


def _git(name: str, *words: str) -> str:
    """Return the git command to type for the repository in the folder `name`."""
    return shlex.join(["git", "-C", name, *words])


def _place(name: str) -> Path:
    """Return the path of the folder `name`. Raises Problem if it cannot be used."""
    if is_name(name) or is_before_step_1(name):
        raise Problem(
            "`history` writes all steps into a folder. Name that folder:"
            f" {command('history', 'DIR')}\n"
            f"For a folder that is called {name}, type ./{name}"
        )
    folder = locate(name)
    if folder is None:
        raise Problem(f'"{name}" cannot be the name of a folder.')
    fresh.check_outside_the_tutorial(name, folder, "../history")
    fresh.check_place(name, folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise Problem(
            f"{name} is not empty, so no files were written.\n"
            "Choose another name, or empty the folder first."
        )
    return folder
