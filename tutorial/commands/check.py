"""`tutorial check`: is a project right up to a stage, and if not, why."""

import argparse
import shlex
import sys

from tutorial.commands.arguments import Commands, add_step
from tutorial.problem import Problem
from tutorial.project.steps import Step, find, find_project, steps
from tutorial.runtime import environment

# The exit status where there is no project, or no Redis; argparse's for a wrong option.
CANNOT_CHECK = 2


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "check", "Is step N right, and if not, why? (check 3 [DIR])", check
    )
    add_step(parser, "step")
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help="your own folder; default: the step's"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--watch", action="store_true", help="check again after each save"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 for findings, too"
    )


def check(options: argparse.Namespace) -> int:
    """Check a project, and return the exit status.

    That is 0 where there is nothing to report, 1 where the flow breaks, 3 where it goes
    through and there are findings, 4 where it cannot be judged, and 2 where the project
    cannot be checked at all.
    """
    try:
        step = find(options.step)
        project = find_project(options.folder) if options.folder else step
        environment.enter("run", "redis", "test")
        from tutorial.check.session import check, watch

        number = min(step.number, len(steps()))
        if options.watch:
            return watch(project.folder, project.title, number)
        return check(
            project.folder,
            project.title,
            number,
            as_json=options.json,
            strict=options.strict,
            compare=_comparison(options, step) if options.folder else "",
        )
    except Problem as problem:
        print(problem, file=sys.stderr)
        return CANNOT_CHECK


def _comparison(options: argparse.Namespace, step: Step) -> str:
    """The command that compares the folder with the step."""
    return shlex.join(["python3", "-m", "tutorial", "diff", options.folder, step.name])
