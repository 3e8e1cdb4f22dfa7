"""`tutorial history`: writes the steps as a git repository, to show in a class."""

import argparse

from tutorial.commands.arguments import Commands
from tutorial.workspace.history import write_history


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "history", "Write a git repository with a commit and a tag per step", history
    )
    parser.add_argument("folder", metavar="DIR", help="the folder to make")
    parser.add_argument(
        "--branch-per-step",
        action="store_true",
        help="add a branch per step, for example for pull requests",
    )


def history(options: argparse.Namespace) -> None:
    """Write the repository. Raises Problem if that is not possible."""
    write_history(options.folder, branches=options.branch_per_step)
