"""`tutorial bench`: measures how fast the flow is, compared with other programs."""

import argparse

from tutorial.commands.arguments import Commands, count, number
from tutorial.runtime import environment


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "bench", "Measure how fast the flow is, compared with other programs", bench
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="LETTERS",
        help="the sections to measure, such as a,c; default: all",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few searches in each section, for rough results in about a minute",
    )
    parser.add_argument(
        "--rounds",
        type=count,
        metavar="N",
        help="how many rounds to run in sections a, b and g; default: 5",
    )
    parser.add_argument(
        "--searches",
        type=number(50, 10_000),
        metavar="N",
        help="how many searches to send at once in section f; default: 1000",
    )
    parser.add_argument(
        "--workers",
        type=number(1, 8),
        metavar="N",
        help="how many workers of final/ to run in section f; default: 1",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def bench(options: argparse.Namespace) -> int:
    """Run the measurements, and return the exit status.

    Raises Problem if that is not possible.
    """
    environment.enter("run", "redis", "test")
    from tutorial.bench.run import bench

    own = {
        "rounds": options.rounds,
        "crowd": options.searches,
        "crowd_workers": options.workers,
    }
    return bench(
        options.only,
        quick=options.quick,
        own={name: value for name, value in own.items() if value is not None},
        as_json=options.json,
    )
