"""A line of the log is one line, and does nothing to the terminal that shows it."""

import logging

import pytest
from django.conf import settings

from config.logs import PrintableFormatter


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("stage 4 · worker · saved: déjà vu", "stage 4 · worker · saved: déjà vu"),
        ("\x1b[31mred\x07", "?[31mred?"),
        ("one\nstage 5 · signal", "one?stage 5 · signal"),
        ("\u202ebackwards", "?backwards"),
    ],
)
def test_what_a_terminal_would_obey_is_left_out(words, line):
    record = logging.makeLogRecord({"msg": words})
    assert PrintableFormatter("{message}", style="{").format(record) == line


def test_the_log_is_written_so():
    story = settings.LOGGING["formatters"]["story"]
    assert story["class"] == "config.logs.PrintableFormatter"
