"""`tutorial repair`: makes a project with one mistake, to be found and fixed."""

import argparse
from pathlib import Path

from tutorial.commands.arguments import Commands, number
from tutorial.problem import Problem
from tutorial.project.steps import find, is_name, locate
from tutorial.repair_shop import shop
from tutorial.repair_shop.catalogue import LEVELS, no_mistake, playable_steps
from tutorial.repair_shop.kept import NAME, is_repair
from tutorial.workspace.new import command

DEFAULT_STEP = "7"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "repair",
        "Make a project with one mistake, to find and fix (repair DIR)",
        repair,
    )
    parser.add_argument(
        "folder",
        metavar="DIR",
        help="the folder to make, or an existing one to continue with",
    )
    parser.add_argument(
        "--step", metavar="STEP", help="5 or 7, for a new folder; default: 7"
    )
    parser.add_argument(
        "--level",
        choices=LEVELS,
        help="only mistakes that print an exception (loud), that leave a trace without"
        " an exception (middle), or that leave no trace (silent); default: all",
    )
    parser.add_argument(
        "--seed",
        type=number(0, 1_000_000_000),
        metavar="N",
        help="the same number gives everybody the same mistakes; default: random",
    )
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--hint", action="store_true", help="print the next hint")
    does.add_argument(
        "--next", action="store_true", help="put the next mistake into the folder"
    )
    does.add_argument(
        "--score",
        action="store_true",
        help="print which mistakes are fixed, and with how many hints",
    )


def repair(options: argparse.Namespace) -> None:
    """Make a folder with a mistake, or continue in an existing one.

    Raises Problem if that is not possible.
    """
    name, title = options.folder, options.folder.rstrip("/")
    folder = locate(name)
    goes_on = options.hint or options.next or options.score
    if folder and is_repair(folder):
        _check_no_choice(options, title)
        act = next(
            (
                action
                for is_asked, action in (
                    (options.hint, shop.hint),
                    (options.next, shop.go_on),
                    (options.score, shop.score),
                )
                if is_asked
            ),
            shop.show,
        )
        act(folder, title)
        return
    if goes_on:
        raise Problem(_no_folder(folder, name))
    if options.step is None and is_name(name):
        raise Problem(
            f"The folder comes first: {command('repair', 'DIR', '--step', name)}"
        )
    step = options.step or DEFAULT_STEP
    if step.removeprefix("0") not in map(str, playable_steps()):
        raise no_mistake(step)
    shop.begin(name, find(step), options.level or "", options.seed)


def _no_folder(folder: Path | None, name: str) -> str:
    """Say why the shop cannot continue in the folder, and what the user can do."""
    if folder is None or not folder.exists():
        return f"There is no folder {name}.\nTo make it: {command('repair', name)}"
    return (
        f"{name} is not a folder of the repair shop: it has no file {NAME}.\n"
        f"To make one, choose a different name: {command('repair', 'DIR')}"
    )


def _check_no_choice(options: argparse.Namespace, title: str) -> None:
    """Raise Problem if an option for new folders is used with an existing one."""
    values = {name: getattr(options, name) for name in ("step", "level", "seed")}
    given = [f"--{name}" for name, value in values.items() if value is not None]
    if given:
        raise Problem(
            f"{title} has its mistakes already, and these options are only for a new"
            f" folder: {', '.join(given)}\n"
            "Choose the name of a new folder, or leave these options out."
        )
