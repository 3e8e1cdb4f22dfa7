"""The stand-in for the API answers with the best passage of the documentation."""

import re

import pytest

from tutorial.paths import ROOT
from tutorial.standin.passages import Library, Passage, read_passages


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is a broker?", "Broker"),
        ("what does delay do", "delay"),
        ("Tell me about workers", "Worker"),
        ("why a channel layer?", "Channel layer"),
        ("What is a consumer?", "Consumer"),
        ("what is a websocket", "WebSocket"),
        ("Why is my user a guest?", "Guest"),
        ("Nothing happens!", "When nothing happens"),
    ],
)
def test_the_answer_is_the_passage_that_fits(question, title):
    assert Library(read_passages(ROOT)).best(question).title == title


@pytest.mark.parametrize("question", ["What is Python?", "How do I install Redis?"])
def test_the_answer_contains_no_commands(question):
    passage = Library(read_passages(ROOT)).best(question)
    assert not re.search(r"pip install|python3? -?m? ?manage|\bcd ", passage.text)


@pytest.mark.parametrize("question", ["", "???", 'quo"te', "xyzzy", "NEAR(a b) OR *"])
def test_nothing_is_returned_if_no_passage_fits_the_question(question):
    # Use a single passage: the tutorial's own pages might contain one of the words.
    broker = Passage("Broker", "It holds the messages.", "docs/glossary.md")
    assert Library([broker]).best("Who holds them?") == broker
    assert Library([broker]).best(question) is None
