"""`tutorial new`: creates a learner's folder, or brings it to the end of a step."""

import argparse

from tutorial.commands.arguments import Commands
from tutorial.problem import Problem
from tutorial.project.steps import find
from tutorial.workspace.catch_up import catch_up
from tutorial.workspace.new import command, is_before_step_1, make, make_empty


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "new", "Make a folder of your own, with the project at the end of a step", new
    )
    parser.add_argument("folder", metavar="DIR", help="the folder to make")
    parser.add_argument(
        "step",
        metavar="STEP",
        nargs="?",
        help="1 to 7, or final; 0 to start with an empty folder; default: 1",
    )
    parser.add_argument(
        "--catch-up",
        action="store_true",
        help="bring the folder DIR to the end of the step; files that differ from the"
        " step are moved, not deleted",
    )
    parser.add_argument(
        "--git",
        action="store_true",
        help="make it a git repository, with the step as its first commit",
    )


def new(options: argparse.Namespace) -> None:
    """Create or change the folder. Raises Problem if that is not possible."""
    if options.git and options.catch_up:
        raise Problem(
            "--git is for a new folder, and --catch-up changes one that exists.\n"
            "Catch up without --git, then commit the change with git yourself."
        )
    is_empty = is_before_step_1(options.step or "1")
    if is_empty and options.catch_up:
        raise Problem(
            "No step comes before step 1, so there is nothing to catch up with.\n"
            f"For a new and empty folder: {command('new', 'DIR', '0')}"
        )
    if is_empty:
        make_empty(options.folder, git=options.git)
    elif not options.catch_up:
        make(options.folder, find(options.step or "1"), git=options.git)
    elif options.step is None:
        raise Problem(
            f"Add the step: {command('new', options.folder, 'STEP', '--catch-up')}"
        )
    else:
        catch_up(options.folder, find(options.step))
