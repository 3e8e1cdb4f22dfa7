"""Introduces mistakes into the project, and shows which of them the tests notice.

    python3 tests/mutation/run.py                    # each mutant with its own tests
    python3 tests/mutation/run.py --only ID,ID       # only these mutants
    python3 tests/mutation/run.py --control          # all these tests, without a change

A mutant is a change that adds a mistake. `mutants.toml` lists the mutants, and for each
of them the tests that should notice it. The program makes each change in a temporary
copy of the repository, and runs these tests there. A mutant is caught if one of its
tests fails, and survives if all of them pass. Any other result is an error, for example
if no test is selected.

`--json FILE` stores the results in FILE. A mutant that is already in FILE is not run
again, unless `--only` names it. With `--survivors`, the program finally makes the
changes of all survivors together, and runs the whole suite once. To see which of these
mutants a failing test has noticed, run that test for one mutant at a time, with
`--only ID -k TEST --json FILE`. `--compare OLD.json` shows each mutant's old result
beside its new one.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIST = Path(__file__).with_name("mutants.toml")

PATIENCE = 600.0  # seconds that the tests of one mutant may take
WHOLE_SUITE = 5400.0  # seconds that all tests may take
CLEAN_UP = 20.0  # seconds that a run may take to end after it is interrupted

# Matches a line of pytest's summary, with the test and its parameters, the group of
# xdist, and the message.
SUMMARY = re.compile(r"(?:FAILED|ERROR) \S+?\.py::(.+?)(?:@[^\[\]]*?)?(?: - (.*))?")
PASSED, FAILED, NOTHING_SELECTED = 0, 1, 5  # pytest's exit statuses


@dataclass(frozen=True)
class Mutant:
    """A change that makes the project wrong, and the tests that should notice it."""

    id: str
    file: str  # a path, or a pattern for the same file in several steps
    old: str
    new: str
    why: str
    tests: str  # an expression for pytest's option -k

    def apply(self, folder: Path) -> dict[Path, str]:
        """Change the files in `folder`, and return their previous texts.

        Ends the program if `old` does not occur exactly once in each file.
        """
        before = {path: path.read_text() for path in sorted(folder.glob(self.file))}
        if not before or any(text.count(self.old) != 1 for text in before.values()):
            sys.exit(f"{self.id}: `old` does not occur exactly once in {self.file}")
        for path, text in before.items():
            path.write_text(text.replace(self.old, self.new))
        return before


@dataclass(frozen=True)
class Run:
    """One run of the tests."""

    status: int | None  # pytest's exit status; None for a run that took too long
    failures: list[tuple[str, str]]  # (test, message), in the order of pytest's summary
    last_line: str


@dataclass(frozen=True)
class Result:
    """What happened when the tests ran with one mutant."""

    id: str
    file: str
    outcome: str  # "caught", "survived" or "error"
    by: str  # the first test that failed, or a text for the table if none failed
    tests: str  # the expression that selected the tests
    seconds: float


@contextlib.contextmanager
def copy_of_repository() -> Iterator[Path]:
    """Yield a temporary folder with .venv and the files that git knows or would add."""
    listed = ("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = Path(temporary) / "repository"
        for name in filter(None, _git(ROOT, *listed).split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
        # Some tests ask git for the files of the repository.
        _git(folder, "init", "--quiet")
        (folder / ".git" / "info" / "exclude").write_text("/.venv\n")
        _git(folder, "add", "--all")
        yield folder


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=folder, text=True)


def run_tests(folder: Path, *arguments: str, seconds: float) -> Run:
    """Run `tutorial test` in `folder` for at most `seconds`."""
    command = [sys.executable, "-m", "tutorial", "test", "-q", "-p", "no:randomly"]
    # Use a file, because a process that a test leaves running would keep a pipe open.
    with tempfile.TemporaryFile("w+") as file:
        child = subprocess.Popen(
            [*command, *arguments],
            cwd=folder,
            env=os.environ | {"COLUMNS": "300", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        status = None
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = child.wait(seconds)
        finally:
            _end(child)
        file.seek(0)
        lines = file.read().strip().splitlines()
    found = map(SUMMARY.fullmatch, lines)
    failures = [(match[1], match[2] or "") for match in found if match]
    return Run(status, failures, lines[-1] if lines else "it printed nothing")


def _end(child: subprocess.Popen) -> None:
    """Interrupt a run that is still active, and kill it if it does not end."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(CLEAN_UP)


def try_out(mutant: Mutant, folder: Path, tests: str) -> Result:
    """Make the change, run the tests that `tests` selects, and undo the change."""
    started, before = time.monotonic(), mutant.apply(folder)
    try:
        # One process is enough for so few tests, and it starts sooner.
        run = run_tests(folder, "-x", "-n", "0", "-k", tests, seconds=PATIENCE)
    finally:
        for path, text in before.items():
            path.write_text(text)
    outcome, by, said = "error", f"error: exit status {run.status}", run.last_line
    if run.status == PASSED:
        outcome = by = "survived"
    elif run.status == FAILED and run.failures:
        outcome, (by, said) = "caught", run.failures[0]
    elif run.status in (None, NOTHING_SELECTED):
        by = "error: too slow" if run.status is None else "error: no test selected"
    seconds = round(time.monotonic() - started, 1)
    result = Result(mutant.id, mutant.file, outcome, by, tests, seconds)
    print(f"{seconds:5.0f} s  {mutant.id}: {by}\n         {said}", flush=True)
    return result


def run_all(folder: Path, *arguments: str) -> int:
    """Run the tests, print all failures, and return the exit status."""
    run = run_tests(folder, *arguments, seconds=WHOLE_SUITE)
    for test, said in run.failures:
        print(f"{test}\n    {said}")
    print(run.last_line)
    return FAILED if run.status is None else run.status


def read_results(path: Path | None) -> dict[str, Result]:
    """Read a file of results, and return each by its id. Without a file, return {}."""
    entries = json.loads(path.read_text()) if path and path.exists() else []
    return {entry["id"]: Result(**entry) for entry in entries}


def print_table(*rows: tuple[str, str, str]) -> None:
    """Print the rows in columns."""
    first, second, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    for row in rows:
        print(f"{row[0]:<{first}}  {row[1]:<{second}}  {row[2]}")


def read_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", metavar="ID,...", help="run only these")
    parser.add_argument("-k", metavar="EXPRESSION", help="run these tests instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the results")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="old results")
    parser.add_argument("--control", action="store_true", help="make no change")
    parser.add_argument("--survivors", action="store_true", help="apply all survivors")
    return parser.parse_args()


def main() -> int:
    """Run the command, and return its exit status.

    It is 1 if a mutant is not caught or, with `--compare`, is no longer caught. With
    `--control` or `--survivors`, it is the exit status of pytest.
    """
    # At a signal, raise an exception, so that the tests end and the copy is removed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    options = read_arguments()
    listed = [Mutant(**entry) for entry in tomllib.loads(LIST.read_text())["mutant"]]
    mutants = {mutant.id: mutant for mutant in listed}
    known = read_results(options.json)
    names = set(options.only.split(",") if options.only else mutants.keys() - known)
    if unknown := names - mutants.keys():
        sys.exit(f"There is no mutant {', '.join(sorted(unknown))}.")
    with copy_of_repository() as folder:
        if options.control:
            chosen = names if options.only else mutants
            union = " or ".join(f"({mutants[name].tests})" for name in chosen)
            return run_all(folder, "-k", union)
        for name in sorted(names, key=[*mutants].index):
            tests = (options.only and options.k) or mutants[name].tests
            known[name] = try_out(mutants[name], folder, tests)
            known = {one: known[one] for one in mutants if one in known}
            if options.json:
                text = json.dumps([asdict(one) for one in known.values()], indent=2)
                options.json.write_text(text + "\n")
        if options.survivors:
            for name in (n for n in known if known[n].outcome == "survived"):
                print(f"applied: {name}")
                mutants[name].apply(folder)
            return run_all(folder, *(("-k", options.k) if options.k else ()))
    caught = {name for name in known if known[name].outcome == "caught"}
    if not options.compare:
        rows = [(one.id, one.file, one.by) for one in known.values()]
        print_table(("id", "file", "caught by"), *rows)
        print(f"\n{len(caught)} of {len(known)} caught")
        return int(len(caught) < len(known))
    old = read_results(options.compare)
    before, now = ({n: one[n].by for n in one} for one in (old, known))
    rows = [(n, before.get(n, "-"), now.get(n, "-")) for n in before | now]
    print_table(("id", "before", "now"), *rows)
    lost = {name for name in old if old[name].outcome == "caught"} - caught
    print(f"\nNo longer caught: {', '.join(sorted(lost)) or 'none'}")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
