"""`check` finds under which condition a line runs, and which `except` hides errors."""

import pytest

from tutorial.check.blocks import condition_of, silent_except
from tutorial.check.code import Code

TASK = """\
def task(query):
    try:
        answer = ask(query)
    except OpenAIError:
        return
    if answer:
        send(
            answer
        )
    tell()


def logs():
    try:
        send()
    except OpenAIError:
        logger.exception("no")


async def hides(self):
    try:
        send()
    except Exception:
        "Nothing to do."
        pass


@decorated
def suppresses():
    with contextlib.suppress(KeyError):
        send()
"""


@pytest.fixture
def code(tmp_path):
    (tmp_path / "tasks.py").write_text(TASK)
    return Code(tmp_path)


@pytest.mark.parametrize(
    ("line", "condition"), [(8, 6), (10, 5), (3, 4), (15, 16), (1, None), (99, None)]
)
def test_the_condition_of_a_line_is_found(code, line, condition):
    expected = condition and f"tasks.py:{condition}"
    assert condition_of(code, f"tasks.py:{line}") == expected


@pytest.mark.parametrize(
    ("line", "place"), [(10, 4), (15, None), (20, 23), (28, 30), (12, None)]
)
def test_a_silent_except_is_found(code, line, place):
    expected = place and f"tasks.py:{place}"
    assert silent_except(code, f"tasks.py:{line}") == expected


def test_the_result_is_none_if_the_file_is_unknown(code):
    assert condition_of(code, None) is None
    assert silent_except(code, "views.py:1") is None
