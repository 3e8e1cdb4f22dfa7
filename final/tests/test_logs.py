"""A log message is one line, and cannot control the terminal that shows it."""

import logging

import pytest
from django.conf import settings

from config.logs import Brief, PrintableFormatter


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("stage 4 · worker · saved: déjà vu", "stage 4 · worker · saved: déjà vu"),
        ("\x1b[31mred\x07", "?[31mred?"),
        ("one\nstage 5 · signal", "one?stage 5 · signal"),
        ("\u202ebackwards", "?backwards"),
    ],
)
def test_control_characters_are_replaced(words, line):
    record = logging.makeLogRecord({"msg": words})
    assert PrintableFormatter("{message}", style="{").format(record) == line


def test_the_log_uses_the_printable_formatter():
    line = settings.LOGGING["formatters"]["line"]
    assert line["()"] is PrintableFormatter


def make_record(words, **fields):
    return logging.makeLogRecord({"msg": words, **fields})


def test_an_exception_is_logged_as_one_line_without_its_text():
    try:
        raise ConnectionError("redis://:secret@host")
    except ConnectionError as error:
        info = (type(error), error, error.__traceback__)
    record = make_record("Lost %s\nand more", args=("it",), exc_info=info)
    assert Brief().filter(record)
    line = PrintableFormatter("{message}", style="{").format(record)
    assert line == "Lost it (ConnectionError)"


def test_messages_of_the_same_kind_are_logged_once_a_minute(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("config.logs.time.monotonic", lambda: now[0])
    brief = Brief()
    words = [("Invalid host", "a"), ("Invalid host", "b"), ("Lost", "c")]
    records = [make_record("%s: %s", args=pair) for pair in words]
    assert [brief.filter(record) for record in records] == [True, False, True]
    now[0] += 61
    assert brief.filter(records[0])
