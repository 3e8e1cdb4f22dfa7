"""Declares arguments and reports errors, in the same way for all commands."""

import argparse
import ipaddress
from collections.abc import Callable
from typing import Any, NoReturn

# The function that runs a command. It returns the exit status, or None for success.
Function = Callable[[argparse.Namespace], int | None]


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistyped command in two lines."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where the help is, and exit with status 2."""
        self.exit(2, f"{message[:1].upper()}{message[1:]}.\nFor help: {self.prog} -h\n")


class Commands:
    """The commands, as argparse's subparsers."""

    def __init__(self, parsers: Any) -> None:
        self._parsers = parsers

    def add(self, name: str, help_: str, function: Function) -> Parser:
        """Add a command. Returns its parser, on which the caller declares arguments."""
        command = self._parsers.add_parser(
            name, help=help_, description=help_ + ".", allow_abbrev=False
        )
        command.set_defaults(function=function)
        return command


def add_step(parser: Parser, name: str, **options: Any) -> None:
    """Add an argument that names a step of the tutorial."""
    text = "1 to 7, or final"
    parser.add_argument(name, metavar=name.upper(), help=text, **options)


def add_project(parser: Parser, name: str, **options: Any) -> None:
    """Add an argument that names a step of the tutorial, or a learner's own folder."""
    text = "1 to 7, final, or the path of a folder of your own"
    parser.add_argument(name, metavar=name.upper(), help=text, **options)


def add_port(parser: Parser, default: int) -> None:
    """Add the option --port."""
    parser.add_argument(
        "--port", type=port_number, default=default, help=f"default: {default}"
    )


def number(least: int, most: int) -> Callable[[str], int]:
    """Return an argparse type for the numbers from `least` to `most`.

    The type raises ArgumentTypeError for anything else.
    """

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            words = f"use a number from {least} to {most}"
            raise argparse.ArgumentTypeError(words)
        return int(text)

    return read


count = number(1, 100)


def port_number(text: str) -> int:
    """Convert a text to a port number between 1 and 65535.

    Raises ArgumentTypeError for anything else.
    """
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def ip_address(text: str) -> str:
    """Return the text if it is an IPv4 address. Otherwise, raises ArgumentTypeError."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        words = (
            f'"{text}" is not an IPv4 address. Use one such as 192.168.1.20, or 0.0.0.0'
            " for all addresses"
        )
        raise argparse.ArgumentTypeError(words) from None
