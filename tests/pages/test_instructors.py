"""The schedules for a class: they add up, and leave the time that the steps take."""

import re
from itertools import pairwise

import pytest

from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.repair_shop.catalogue import in_order

TEXT = (ROOT / "docs" / "instructors.md").read_text()
HALF_A_DAY, TWO_DAYS = "Half a day", "Two days"


def schedule(title: str) -> list[tuple[str, int, int, str]]:
    """The rows below a heading: the day, when, how long (both in minutes), and what."""
    section = re.search(rf"^## {title}\n(.*?)^## ", TEXT, re.M | re.S)[1]
    row = r"^\|(?: (\d) \|)? (\d+):(\d\d) \| (\d+) \| (.+) \|$"
    return [
        (day, 60 * int(hour) + int(minute), int(minutes), what)
        for day, hour, minute, minutes, what in re.findall(row, section, re.M)
    ]


@pytest.mark.parametrize("title", [HALF_A_DAY, TWO_DAYS])
def test_one_thing_begins_where_the_other_ends(title):
    for (day, at, minutes, what), (next_day, then, *_) in pairwise(schedule(title)):
        assert day != next_day or at + minutes == then, what


def test_half_a_day_takes_as_long_as_it_says():
    together = sum(minutes for _, _, minutes, _ in schedule(HALF_A_DAY))
    assert (together // 60, together % 60) == (4, 20)
    assert "Four hours and twenty minutes." in TEXT


@pytest.mark.parametrize(("title", "more"), [(HALF_A_DAY, 0), (TWO_DAYS, 10)])
def test_each_step_has_its_time(title, more):
    """In two days also for the exercise; in half a day, step 1 is read, not typed."""
    planned = {
        number[1]: minutes
        for _, _, minutes, what in schedule(title)
        if (number := re.match(r"Step (\d)\b(?!, read)", what))
    }
    for step in steps.steps():
        if (title, step.name) != (HALF_A_DAY, "1"):
            assert planned[step.name] >= step.minutes + more, step.title


def test_there_are_as_many_mistakes_in_the_repair_shop_as_it_says():
    assert "has more than fifty mistakes" in " ".join(TEXT.split())
    assert len(in_order(7, 12)) > 50
