"""`tutorial pictures` (maintainers): records the screenshots and logs of the site."""

import argparse

from tutorial.commands.arguments import Commands
from tutorial.runtime import environment


def add(commands: Commands) -> None:
    """Declare the command."""
    commands.add(
        "pictures",
        "(maintainers) Take the screenshots and record the logs again",
        pictures,
    )


def pictures(options: argparse.Namespace) -> None:
    """Take the screenshots and record the logs.

    Raises Problem if there is no browser.
    """
    environment.enter("run", "redis", "test", "docs")
    from tutorial.capture import all_steps

    all_steps.capture()
