"""`tutorial propagate` (maintainers): applies a step's change to all later steps."""

import argparse

from tutorial.commands.arguments import Commands, add_step
from tutorial.project.propagation import propagate as carry
from tutorial.project.steps import find


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "propagate",
        "(maintainers) Apply a change in a step to all later steps",
        propagate,
    )
    add_step(parser, "step")
    parser.add_argument(
        "--since",
        default="HEAD",
        metavar="REVISION",
        help="the revision before the change; default: HEAD",
    )


def propagate(options: argparse.Namespace) -> None:
    """Apply the change to the later steps. Raises Problem if a step has a conflict."""
    carry(find(options.step), options.since)
