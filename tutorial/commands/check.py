"""`tutorial check`: says whether a project is correct up to a stage and, if not, why.

With more than one folder, it prints the table of a class, with a row for each folder.
"""

import argparse
import os
import shlex
import sys

from tutorial.commands.arguments import Commands, add_step, count, number
from tutorial.problem import Problem
from tutorial.project.steps import Step, find, find_project, is_name, locate, steps
from tutorial.repair_shop.kept import is_repair, read
from tutorial.runtime import environment
from tutorial.workspace.new import command

# The exit status if no check is possible. argparse uses it for a wrong option, too.
CANNOT_CHECK = 2

# The options that apply only to the table of a class.
OF_A_CLASS = ("class_folder", "csv", "html", "jobs", "timeout", "again")


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "check", "Is step N right, and if not, why? (check 3 [DIR ...])", check
    )
    parser.epilog = (
        "With several folders, or with --class, it prints a table of them. Checking a"
        " folder executes its code, with your rights."
    )
    add_step(parser, "step")
    parser.add_argument(
        "folders",
        metavar="DIR",
        nargs="*",
        help="your own folder, or the folders of a class; default: the step's folder",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--watch", action="store_true", help="check again after each save"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with status 1 for findings, too"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="in a folder made by `repair`: print the full report, with the mistake",
    )
    group = parser.add_argument_group("the table of a class")
    group.add_argument(
        "--class",
        dest="class_folder",
        metavar="DIR",
        help="check each folder in this folder",
    )
    group.add_argument(
        "--csv", action="store_true", help="print CSV, for a spreadsheet"
    )
    group.add_argument(
        "--html", metavar="FILE", help="write the table and all reports to this file"
    )
    group.add_argument(
        "--jobs",
        type=count,
        metavar="N",
        help="check N folders at a time; default: the number of cores",
    )
    group.add_argument(
        "--timeout",
        type=number(1, 3600),
        metavar="SECONDS",
        help="stop the check of a folder after this time; default: 90",
    )
    group.add_argument(
        "--again", action="store_true", help="check unchanged folders again, too"
    )


def check(options: argparse.Namespace) -> int:
    """Check a project, or the projects of a class, and return the exit status.

    The status is 0 if there is nothing to report, 1 if the flow breaks, 3 if the flow
    works but there are findings, 4 if the flow cannot be judged, and 2 if the project
    cannot be checked at all. A class gets the worst status of its folders. The order
    from best to worst is 0, 3, 4, 1, 2.
    """
    is_class = len(options.folders) > 1 or any(
        getattr(options, name) for name in OF_A_CLASS
    )
    try:
        return _check_class(options) if is_class else _check_one(options)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return CANNOT_CHECK


def _check_one(options: argparse.Namespace) -> int:
    if folder := _repair_folder(options):
        return _check_repair(options, folder)
    step = _step(options)
    if options.explain:
        raise Problem("--explain works only in a folder of the repair shop.")
    folder = options.folders[0] if options.folders else ""
    project = find_project(folder) if options.folders else step
    environment.enter("run", "redis", "test")
    from tutorial.check.session import check, watch

    last = min(step.number, len(steps()))
    if options.watch:
        return watch(project.folder, project.title, last)
    return check(
        project.folder,
        project.title,
        last,
        as_json=options.json,
        strict=options.strict,
        compare=_comparison(folder, step) if options.folders else "",
    )


def _step(options: argparse.Namespace) -> Step:
    """Return the step to check against. Raises Problem if none is named."""
    name = options.step
    try:
        project = find_project(name)
    except Problem:
        if options.folders or options.class_folder:
            # An argument in front of folders must be a step, or `find` raises Problem.
            return find(name)
        raise
    if project.is_own:
        example = command("check", "7", name, *options.folders)
        raise Problem(
            f"Which step should {project.title} be at? Type its number in front"
            f" of the folder, for example:\n    {example}"
        )
    return project


def _repair_folder(options: argparse.Namespace) -> str:
    """Return the folder to check if it belongs to the repair shop, otherwise "".

    Such a folder needs no step on the command line, because it records its step.
    """
    name = options.folders[0] if options.folders else options.step
    folder = None if is_name(name) else locate(name)
    return name if folder and is_repair(folder) else ""


def _check_repair(options: argparse.Namespace, name: str) -> int:
    title = name.rstrip("/")
    project = find_project(name)
    step = str(read(project.folder, title).step)
    if options.folders and options.step.removeprefix("0") != step:
        raise Problem(
            f"{title} is a folder of the repair shop, at step {step}. It is checked"
            f" without a number: {command('check', name)}"
        )
    if options.watch or options.json:
        option = "--watch" if options.watch else "--json"
        raise Problem(
            f"{title} is a folder of the repair shop, and {option} would reveal its"
            " mistake.\nWithout this option, `check` says only whether the mistake is"
            " fixed. With --explain, it prints the full report."
        )
    environment.enter("run", "redis", "test")
    from tutorial.repair_shop.verdict import check

    return check(project.folder, title, explain=options.explain, strict=options.strict)


def _check_class(options: argparse.Namespace) -> int:
    step = _step(options)
    if options.watch:
        raise Problem("--watch checks one folder, and prints no table.")
    if options.json and options.csv:
        raise Problem("Choose one of --json and --csv.")
    if bool(options.folders) == bool(options.class_folder):
        raise Problem(
            "Name the folders of the class, or use --class with the folder that"
            " contains them."
        )
    environment.enter("run", "redis", "test")
    from tutorial.classroom.command import check

    return check(
        options.folders,
        options.class_folder,
        min(step.number, len(steps())),
        form="json" if options.json else "csv" if options.csv else "table",
        html=options.html,
        jobs=options.jobs or _cores(),
        seconds=options.timeout,
        again=options.again,
        strict=options.strict,
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _comparison(folder: str, step: Step) -> str:
    """Return the command that compares the folder with the step."""
    return shlex.join(["python3", "-m", "tutorial", "diff", folder, step.name])
