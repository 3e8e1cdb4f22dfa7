"""Puts a project with a mistake into a folder, and moves earlier files aside."""

import os
import shutil
import time
from pathlib import Path

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project.files import OF_THE_REPAIR_SHOP, entries, files
from tutorial.project.steps import Step
from tutorial.repair_shop.patch import Patch, broken
from tutorial.runtime.project import alone, state_folder
from tutorial.runtime.services import forget_redis
from tutorial.workspace import fresh
from tutorial.workspace.catch_up import (
    DATABASE,
    make_aside,
    move_aside,
    remove_empty_folders,
)
from tutorial.workspace.new import GITIGNORE, GITIGNORE_INSIDE

# The folder to which the files of previous mistakes are moved.
ASIDE = ".before-next"

IGNORED = f"{OF_THE_REPAIR_SHOP}\n{ASIDE}/\n"


def make(folder: Path, title: str, patch: Patch, step: Step) -> None:
    """Create the folder with a copy of the project in `step` that has the mistake.

    Raises Problem if the folder is not empty, or cannot be used.
    """
    fresh.check_place(title, folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise Problem(
            f"{title} is not empty, and it is not a folder of the repair shop."
            " No files were written.\n"
            "Choose a different name, for example ../repair"
        )
    with (
        fresh.readable_errors(title),
        alone(folder, title),
        fresh.all_or_nothing(folder),
    ):
        # An earlier folder of the same name may have left messages in Redis.
        forget_redis(state_folder(folder))
        with broken(patch, step) as made:
            _copy(made, folder)
        inside = folder.is_relative_to(ROOT)
        ignored = GITIGNORE_INSIDE if inside else GITIGNORE + IGNORED
        (folder / ".gitignore").write_text(ignored)


def replace(folder: Path, title: str, patch: Patch, step: Step) -> str:
    """Replace the project in the folder with a copy of `step` that has the mistake.

    All files of the previous mistake are moved to a new folder inside `folder`, and
    this function returns the path of that folder. The data of the project's own Redis
    is deleted, because it belongs to the database that is moved. Raises Problem if the
    project is running, or if a file cannot be moved.
    """
    with (
        fresh.readable_errors(title),
        alone(folder, title),
        broken(patch, step) as made,
    ):
        going = [path.relative_to(folder).as_posix() for path in entries(folder)]
        if (folder / DATABASE).exists():
            going.append(DATABASE)
        aside = make_aside(folder, ASIDE)
        for name in going:
            move_aside(folder, name, aside)
        remove_empty_folders(folder, files(step.folder))
        # Messages from the previous mistake would not match the new database.
        forget_redis(state_folder(folder))
        _copy(made, folder)
    return aside.relative_to(folder).as_posix()


def _copy(made: Path, folder: Path) -> None:
    """Copy the project, and give all files the same modification time.

    Otherwise, the newest file would reveal the mistake.
    """
    now = time.time()

    def copy(source: str, target: str) -> None:
        shutil.copyfile(source, target)
        os.utime(target, (now, now))

    shutil.copytree(made, folder, dirs_exist_ok=True, copy_function=copy)
