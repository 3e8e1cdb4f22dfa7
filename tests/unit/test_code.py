"""`check` finds lines in a project's files and in the output of its processes."""

import json

import pytest

from tutorial.check.code import Code
from tutorial.check.scene import last_words
from tutorial.observer.events import Events


@pytest.fixture
def code(tmp_path):
    for name, text in {
        "search/tasks.py": "def ask():\n    pass\n",
        "search/other_tasks.py": "def ask():\n    pass\n",
        "search/views.py": "redirect('a')\nask.delay()\n# redirect\nredirect('b')",
        "search/page.mjs": "ask();\n",
        "Procfile": "web: ask\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return Code(tmp_path)


@pytest.mark.parametrize(
    ("suffix", "place"),
    [
        ("tasks.py", "search/tasks.py:1"),
        ("search/other_tasks.py", "search/other_tasks.py:1"),
        (".py", "search/other_tasks.py:1"),
        (".js", "search/page.mjs:1"),
        ("", "Procfile:1"),
        ("consumers.py", None),
    ],
)
def test_find_can_be_limited_to_a_suffix_or_a_file_name(code, suffix, place):
    assert code.find("ask", suffix) == place


def test_a_line_is_found_below_another_one(code):
    assert code.below("search/views.py:2", r"redirect\(") == "search/views.py:4"
    assert code.below("search/views.py:4", "delay") is None
    assert code.below(None, "delay") is None


def test_the_events_so_far_exclude_events_that_are_recorded_later(tmp_path):
    file = tmp_path / "events"
    file.write_text(json.dumps({"what": "before"}) + "\n")
    events = Events(file).mark()
    with file.open("a") as more:
        more.write(json.dumps({"what": "own"}) + "\n")
    own = events.so_far()
    with file.open("a") as more:
        more.write(json.dumps({"what": "later"}) + "\n")
    assert [event["what"] for event in own.all()] == ["own"]
    assert [event["what"] for event in events.all()] == ["own", "later"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Maximum request limit", "Shutting down", ""], "Maximum request limit"),
        (["SystemExit: no key", '"GET / HTTP/1.1" 500 59'], "SystemExit: no key"),
        (["Shutting down"], "Shutting down"),
    ],
)
def test_the_line_that_tells_why_a_process_ended_is_found(lines, words):
    assert last_words(lines) == words
