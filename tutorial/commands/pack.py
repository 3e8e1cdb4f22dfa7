"""`tutorial pack`: writes a file for machines without internet."""

import argparse

from tutorial.commands.arguments import Commands
from tutorial.runtime import bundle, environment


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "pack", "Bundle everything for machines without internet (pack pack.zip)", pack
    )
    parser.add_argument("file", metavar="FILE.zip", help="the file to write")
    parser.add_argument(
        "--for",
        dest="platforms",
        metavar="PLATFORM,...",
        help="linux-x86_64, linux-aarch64, macos-arm64, macos-x86_64; default: the"
        " platform of this machine",
    )
    parser.add_argument(
        "--python",
        dest="pythons",
        metavar="VERSION,...",
        help="for example 3.12,3.13; default: every version for which all packages are"
        " available",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace the file if it exists"
    )


def pack(options: argparse.Namespace) -> None:
    """Write the pack. Raises Problem if that is not possible."""
    environment.enter(*environment.SETS)
    from tutorial.offline import pack, wheels

    platforms = wheels.chosen(options.platforms or bundle.this_machine(), "--for")
    pythons = options.pythons and wheels.chosen(options.pythons, "--python")
    pack.pack(options.file, platforms, pythons, replace=options.force)
