"""The program that a person types: `python3 -m tutorial COMMAND`."""

import argparse
import os
import signal
import subprocess
import sys
from typing import NoReturn

from tutorial import environment
from tutorial.problem import Problem

PROGRAM = "python3 -m tutorial"


class Parser(argparse.ArgumentParser):
    """Tells a mistyped command in two lines."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the help is, and exit with status 2."""
        self.exit(2, f"{message[:1].upper()}{message[1:]}.\nFor help: {self.prog} -h\n")


def main() -> None:
    """Run the command line, and exit with its status."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        sys.exit(_run(sys.argv[1:]))
    except Problem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # as in `diff 3 4 | head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        sys.exit(0)


def _exit_on_signal(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


def _run(arguments: list[str]) -> int:
    parser = _parser()
    if not arguments:
        print(parser.format_help())
        return 0
    # What follows `test` and `manage` is for pytest and Django, options included.
    options, rest = parser.parse_known_args(arguments)
    lacks_step = options.command == "new" and options.step is None
    if lacks_step and rest and not rest[0].startswith("-"):
        options.step = rest.pop(0)  # behind an option, where argparse leaves it
    if rest and options.command != "test":
        parser.error(f"unknown argument: {' '.join(rest)}")
    options.rest = rest
    return options.function(options) or 0


def _parser() -> Parser:
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND [...]",
        description="From an HTML form to a real-time search page, in seven steps.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(
        title="commands",
        prog=PROGRAM,
        dest="command",
        metavar="",
        required=True,
        parser_class=Parser,
    )

    def add(name: str, help_: str, function) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=help_, description=help_ + ".", allow_abbrev=False
        )
        command.set_defaults(function=function)
        return command

    run = add("run", "Run the finished app, or a step (run 3)", _do_run)
    _add_project(run, "step", nargs="?", default="final")
    run.add_argument("--port", type=_port, default=8000, help="default: 8000")
    run.add_argument("--open", action="store_true", help="open the browser, too")

    new = add("new", "Make a folder of your own, from the end of a step", _do_new)
    new.add_argument("folder", metavar="DIR", help="the folder to make")
    new.add_argument(
        "step",
        metavar="STEP",
        nargs="?",
        help="1 to 7, or final; 0 for an empty folder, to type step 1 in; default: 1",
    )
    new.add_argument(
        "--catch-up",
        action="store_true",
        help="bring the folder DIR to the end of the step; what goes is kept aside",
    )

    check = add("check", "Is step N right, and if not, why? (check 3 [DIR])", _do_check)
    _add_step(check, "step")
    check.add_argument(
        "folder", metavar="DIR", nargs="?", help="your own folder; default: the step's"
    )
    check.add_argument("--json", action="store_true", help="for programs")

    diff = add("diff", "Show what a step adds (diff 3 4), or you lack", _do_diff)
    _add_project(diff, "old")
    _add_project(diff, "new")
    diff.add_argument("--stat", action="store_true", help="the files and their counts")

    manage = add("manage", "Run manage.py of a step (manage 3 show_queue)", _do_manage)
    _add_project(manage, "step")
    manage.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")

    docs = add("docs", "Show the tutorial's site, anew at each change", _do_docs)
    docs.add_argument("--port", type=_port, default=8001, help="default: 8001")
    docs.add_argument("--build", action="store_true", help="write it to site/ instead")

    bench = add("bench", "How fast is the flow, and against what?", _do_bench)
    bench.add_argument(
        "--only",
        default="",
        metavar="LETTERS",
        help="sections, such as a,c; default: all",
    )
    bench.add_argument(
        "--quick",
        action="store_true",
        help="few of each: enough for a look, in a minute",
    )
    bench.add_argument(
        "--rounds", type=_count, metavar="N", help="of (a) and (b); default: 5"
    )
    bench.add_argument("--json", action="store_true", help="for programs")

    add("test", "Run every test; arguments go on to pytest", _do_test)
    propagate = add(
        "propagate",
        "(maintainers) Carry a change in a step through the later ones",
        _do_propagate,
    )
    _add_step(propagate, "step")
    propagate.add_argument(
        "--since", default="HEAD", metavar="REVISION", help="default: HEAD"
    )
    add("pictures", "(maintainers) Take the pictures and logs anew", _do_pictures)
    return parser


def _add_step(parser: argparse.ArgumentParser, name: str, **options) -> None:
    text = "1 to 7, or final"
    parser.add_argument(name, metavar=name.upper(), help=text, **options)


def _add_project(parser: argparse.ArgumentParser, name: str, **options) -> None:
    text = "1 to 7, final, or the path of a folder of your own"
    parser.add_argument(name, metavar=name.upper(), help=text, **options)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 100:
        raise argparse.ArgumentTypeError("say a number from 1 to 100")
    return int(text)


def _do_run(options: argparse.Namespace) -> int:
    from tutorial.steps import find_project

    step = find_project(options.step)
    environment.enter("run")
    from tutorial.run import run

    return run(step.folder, step.title, options.port, open_browser=options.open)


def _do_new(options: argparse.Namespace) -> None:
    from tutorial.new import command, is_before_step_1, make, make_empty
    from tutorial.steps import find

    is_empty = is_before_step_1(options.step or "1")
    if is_empty and options.catch_up:
        raise Problem(
            "No step comes before step 1, so there is nothing to catch up with.\n"
            f"For a new and empty folder: {command('new', 'DIR', '0')}"
        )
    if is_empty:
        make_empty(options.folder)
    elif not options.catch_up:
        make(options.folder, find(options.step or "1"))
    elif options.step:
        from tutorial.catch_up import catch_up

        catch_up(options.folder, find(options.step))
    else:
        raise Problem(f"Say the step, too: {PROGRAM} new DIR 4 --catch-up")


def _do_diff(options: argparse.Namespace) -> None:
    from tutorial import diff
    from tutorial.steps import find_project

    old, new = find_project(options.old), find_project(options.new)
    diff.show(old, new, stat=options.stat)


def _do_check(options: argparse.Namespace) -> int:
    from tutorial.steps import find, find_project, steps

    step = find(options.step)
    project = find_project(options.folder) if options.folder else step
    environment.enter("run", "redis", "test")
    from tutorial.check.command import check

    number = min(step.number, len(steps()))
    return check(project.folder, project.title, number, as_json=options.json)


def _do_manage(options: argparse.Namespace) -> int:
    from tutorial.project import Project, redis_url_file
    from tutorial.steps import find_project

    step = find_project(options.step)
    environment.ensure("run")
    project = Project(step.folder, 8000)
    running = redis_url_file(step.folder)
    if "REDIS_URL" not in os.environ and running.exists():
        project.environment["REDIS_URL"] = running.read_text()
    command = ["python", "manage.py", *options.arguments]
    return subprocess.call(command, cwd=project.folder, env=project.environment)


def _do_docs(options: argparse.Namespace) -> None:
    environment.enter("run", "docs")
    from tutorial.stepdocs import command

    if options.build:
        command.build()
    else:
        command.serve(options.port)


def _do_bench(options: argparse.Namespace) -> int:
    environment.enter("run", "redis", "test")
    from tutorial.bench.command import bench

    return bench(
        options.only, quick=options.quick, rounds=options.rounds, as_json=options.json
    )


def _do_test(options: argparse.Namespace) -> int:
    environment.enter("run", "redis", "test", "docs")
    from tutorial.testing import test

    return test(options.rest)


def _do_propagate(options: argparse.Namespace) -> None:
    from tutorial.propagate import propagate
    from tutorial.steps import find

    propagate(find(options.step), options.since)


def _do_pictures(options: argparse.Namespace) -> None:
    environment.enter("run", "redis", "test", "docs")
    from tutorial.pictures import take

    take()
