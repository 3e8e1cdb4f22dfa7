"""Hooks that let a test break the worker from inside.

They are appended to the app's files, and do nothing until a file with a certain name
appears in the project's folder.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from support.running import Running
from tutorial.runtime.processes import Process
from tutorial.runtime.waiting import wait_until

from .person import Person

IN_AN_ANSWER = """
import builtins
from pathlib import Path

unharmed = stream_answer


async def stream_answer(client, query):
    async for piece in unharmed(client, query):
        yield piece
        if Path("raise").exists():
            raise getattr(builtins, Path("raise").rename("raised").read_text())
"""
IN_A_THREAD = """
from pathlib import Path

unharmed_run = fetch_openai_results_task.run


def harmed(query, user_id):
    if Path("end the thread").exists():
        Path("end the thread").unlink()
        raise SystemExit
    unharmed_run(query, user_id)


fetch_openai_results_task.run = harmed
"""
BEFORE_THE_SAVE = """
from pathlib import Path

unharmed_answer = answer


async def answer(row):
    outcome = await unharmed_answer(row)
    while Path("hold").exists():
        print(f"{row.task_id} is answered and not saved", flush=True)
        await asyncio.sleep(0.1)
    return outcome
"""
IN_A_TRANSACTION = """
from pathlib import Path

unharmed_renew = renew


def renew(claims):
    with transaction.atomic():
        kept = unharmed_renew(claims)
        while claims and Path("keep the locks").exists():
            print("the rows are locked", flush=True)
            time.sleep(0.1)
    return kept
"""

HOOKS = {
    "search/answers.py": IN_AN_ANSWER,
    "search/rounds.py": IN_A_TRANSACTION,
    "search/tasks.py": IN_A_THREAD + BEFORE_THE_SAVE,
}


def wait_for_middle(person: Person, task_id: str) -> None:
    """Wait until a part of the answer is saved."""
    wait_until(
        lambda: person.snapshot()[task_id]["answer"], seconds=10, otherwise="no answer"
    )


def wait_for_line(process: Process, text: str, times: int = 1) -> None:
    """Wait until the process has printed `times` lines with this text."""
    wait_until(
        lambda: sum(text in line for line in process.lines) >= times,
        seconds=20,
        otherwise=lambda: f"not {times} times {text!r} in {process.lines[-5:]}",
    )


def harm(app: Running, name: str, text: str = "") -> Path:
    """Create the file that triggers a hook, and return its path."""
    file = app.project.folder / name
    file.write_text(text)
    return file


@contextlib.contextmanager
def held(app: Running) -> Iterator[None]:
    """During the `with` block, the worker saves no answer."""
    file = harm(app, "hold")
    try:
        yield
    finally:
        file.unlink()
