"""Check that the schedules for a class add up and leave enough time for each step."""

import re
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.repair_shop.catalogue import in_order

TEXT = (ROOT / "docs" / "instructors.md").read_text()
TWO_HOURS, HALF_A_DAY = "Two hours", "Half a day"
ONE_DAY, TWO_DAYS = "One day", "Two days"
SCHEDULES = (TWO_HOURS, HALF_A_DAY, ONE_DAY, TWO_DAYS)
EXERCISE = 10  # the minimum for an exercise, in minutes
ROW = re.compile(r"^\|(?: (\d) \|)? (\d+):(\d\d) \| (\d+) \| (\d+) \| (.+) \|$", re.M)


@dataclass(frozen=True)
class Row:
    """A row of a schedule. All times are in minutes. `at` counts from midnight."""

    day: str
    at: int
    minutes: int
    talk: int
    what: str

    @property
    def typed(self) -> str:
        """The number of the step that the class types in this row, or ""."""
        step = re.match(r"Step (\d)\b(?!, read)", self.what)
        return step[1] if step else ""


def schedule(title: str) -> list[Row]:
    """Return the rows of the schedule below this heading."""
    section = re.search(rf"^## {title}\n(.*?)^## ", TEXT, re.M | re.S)[1]
    return [
        Row(day, 60 * int(hour) + int(minute), int(minutes), int(talk), what)
        for day, hour, minute, minutes, talk, what in ROW.findall(section)
    ]


def together(title: str) -> int:
    """Return how many minutes the schedule below this heading takes."""
    return sum(row.minutes for row in schedule(title))


@pytest.mark.parametrize("title", SCHEDULES)
def test_each_row_begins_when_the_previous_one_ends(title):
    assert len(schedule(title)) > 5
    for row, after in pairwise(schedule(title)):
        assert row.day != after.day or row.at + row.minutes == after.at, row.what


def test_the_schedules_take_as_long_as_the_page_says():
    assert together(TWO_HOURS) == 2 * 60
    assert together(HALF_A_DAY) == 4 * 60 + 30
    assert "Four hours and thirty minutes." in TEXT
    assert together(ONE_DAY) <= 8 * 60


@pytest.mark.parametrize(
    ("title", "typed", "more"),
    [
        (TWO_HOURS, "3", 0),
        (HALF_A_DAY, "3467", 0),
        (ONE_DAY, "1234567", 0),
        (TWO_DAYS, "1234567", EXERCISE),
    ],
)
def test_each_step_has_enough_time(title, typed, more):
    """In each row, the time after the talk is enough to type the step.

    In the schedule for two days, this time is also enough for the exercise.
    """
    rows = [row for row in schedule(title) if row.typed]
    assert "".join(row.typed for row in rows) == typed
    for row in rows:
        step = steps.find(row.typed)
        assert row.minutes - row.talk >= step.minutes + more, step.title
        assert row.talk >= 10, "no time for the talk and for questions"


@pytest.mark.parametrize("title", SCHEDULES)
def test_each_schedule_has_every_step_in_order(title):
    whats = " ".join(row.what for row in schedule(title))
    whats = whats.replace("Steps 1 and 2", "Step 1 Step 2")
    assert [step.name for step in steps.steps()] == re.findall(r"Step (\d)", whats)


def test_the_schedule_for_two_days_has_an_hour_for_the_repair_shop():
    rows = [row for row in schedule(TWO_DAYS) if row.what.startswith("The repair shop")]
    assert [row.minutes for row in rows] == [60]


def test_the_number_of_mistakes_in_the_repair_shop_is_correct():
    assert "has more than a hundred mistakes" in " ".join(TEXT.split())
    assert len(in_order(7, 12)) > 100


def test_the_points_of_the_rubric_add_up():
    section = re.search(r"^## Grading\n(.*?)^## ", TEXT, re.M | re.S)[1]
    points = sum(map(int, re.findall(r"^\| (\d+) \|", section, re.M)))
    assert f"A suggestion for {points} points:" in section
