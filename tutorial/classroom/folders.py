"""Finds the project in each learner's folder."""

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project.files import data_files, files, is_part
from tutorial.project.steps import find, is_name, locate
from tutorial.runtime.project import own_python

# How many levels of subfolders are searched for a project. In the folder `ada`,
# `homework/my-search` is on the second level.
DEPTH = 3
# The largest number of folders that are searched for a project.
MOST_FOLDERS = 2_000
# The largest project that is checked, in bytes. A larger folder probably contains
# unrelated files.
MOST_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Folder:
    """A learner's folder, and the project in it."""

    name: str  # unique among the learners' folders
    path: Path
    project: Path | None = None  # the project to check: the folder of its manage.py
    problem: str = ""  # why there is nothing to check, as text
    note: str = ""  # a remark for the table


def below(folder: str) -> list[Path]:
    """Return the subfolders of a folder, sorted. Raises Problem if it has none."""
    place = locate(folder)
    try:
        found = sorted(
            path
            for path in (place.iterdir() if place else ())
            if path.is_dir() and not path.name.startswith(".")
        )
    except OSError as error:
        raise Problem(f'"{folder}" cannot be read: {error.strerror}.') from None
    if not found:
        raise Problem(f'There is no folder in "{folder}".')
    return found


def named(names: Iterable[str]) -> tuple[list[Path], list[str]]:
    """Return the folders with these names, and the names that are not folders.

    A shell that expands `../class/*` also passes files. Raises Problem if one of the
    names does not exist, or if none of them is a folder.
    """
    found: dict[Path, None] = {}
    others = []
    for name in names:
        place = find(name).folder if is_name(name) else locate(name)
        if place is None or not os.path.lexists(place):
            raise Problem(f'There is no folder "{name}".')
        if place.is_dir():
            found[place] = None
        else:
            others.append(name)
    if not found:
        raise Problem("None of these is a folder.")
    return list(found), others


def look_into(paths: list[Path]) -> list[Folder]:
    """Find the project in each folder, or the reason why there is nothing to check."""
    top = Path(os.path.commonpath([path.parent for path in paths]))
    return [_look_into(path.relative_to(top).as_posix(), path) for path in paths]


def _look_into(name: str, path: Path) -> Folder:
    try:
        projects, is_empty = _projects(path)
    except OSError as error:
        problem = f"{error.filename or path} cannot be read: {error.strerror}"
        return Folder(name, path, problem=problem)
    if not projects:
        problem = "the folder is empty" if is_empty else "no project: no manage.py"
        return Folder(name, path, problem=problem)
    if path in projects:
        others = ", ".join(_inside(path, one) for one in projects if one != path)
        note = f"another project in this folder: {others}" if others else ""
        return Folder(name, path, path, note=note)
    if len(projects) > 1:
        where = ", ".join(_inside(path, one) for one in projects)
        return Folder(name, path, problem=f"{len(projects)} projects: {where}")
    note = f"the project is in {_inside(path, projects[0])}"
    return Folder(name, path, projects[0], note=note)


def _inside(path: Path, project: Path) -> str:
    return f"{project.relative_to(path).as_posix()}/"


def _projects(path: Path) -> tuple[list[Path], bool]:
    """Return the folders that contain a manage.py, outermost first.

    Also return whether the folder contains no files at all.
    """
    projects, is_empty = [], True

    def refuse(error: OSError) -> None:
        if Path(error.filename) == path:
            raise error

    walk = os.walk(path, onerror=refuse)
    for count, (root, folders, names) in enumerate(walk, start=1):
        here = Path(root)
        depth = len(here.relative_to(path).parts)
        folders[:] = sorted(name for name in folders if is_part(here / name))
        if depth == DEPTH or count > MOST_FOLDERS:
            folders.clear()
        is_empty = is_empty and not names
        if "manage.py" in names and (here / "manage.py").is_file():
            projects.append(here)
    return projects, is_empty


def digest(project: Path) -> str:
    """Return a digest of everything that a check reads in the project's folder.

    Raises Problem if the folder cannot be read, or contains more than MOST_BYTES.
    """
    result, size = hashlib.sha256(), 0
    for path in sorted({*files(project).values(), *data_files(project)}):
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):
                continue
            size += state.st_size
            if size > MOST_BYTES:
                limit = MOST_BYTES // 1024**2
                raise Problem(f"it holds more than {limit} MB")
            with path.open("rb") as opened:
                content = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise Problem(
                f"{error.filename} cannot be read: {error.strerror}"
            ) from None
        name = path.relative_to(project).as_posix()
        result.update(f"{name!a} {state.st_mode & 0o111} {content}\n".encode())
    if python := own_python(project):
        names = sorted(one.name for one in python.glob("lib/python*/site-packages/*"))
        result.update(f"{str(python)!a} {names!a}".encode())
    return result.hexdigest()
