"""What every test of the repository may use: the browser, and running projects."""

import os

import pytest

from tutorial.testing import BROWSER_ARGUMENTS, BROWSER_VARIABLE


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Start the browser that `tutorial test` has found."""
    return {
        **browser_type_launch_args,
        "executable_path": os.environ.get(BROWSER_VARIABLE),
        "args": list(BROWSER_ARGUMENTS),
    }
