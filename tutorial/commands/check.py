"""`tutorial check`: is a project right up to a stage, and if not, why."""

import argparse

from tutorial.commands.arguments import Commands, add_step
from tutorial.project.steps import find, find_project, steps
from tutorial.runtime import environment


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


def check(options: argparse.Namespace) -> int:
    """Check a project: the exit status. Raises Problem where it cannot be checked."""
    step = find(options.step)
    project = find_project(options.folder) if options.folder else step
    environment.enter("run", "redis", "test")
    from tutorial.check.session import check

    number = min(step.number, len(steps()))
    return check(project.folder, project.title, number, as_json=options.json)
