"""The repair shop has enough valid mistakes, and their order depends on a seed."""

import re

import pytest

from tutorial.project import procfile, steps
from tutorial.project.files import files
from tutorial.repair_shop import catalogue, shop
from tutorial.repair_shop.catalogue import LEVELS, TOOLS, entries, in_order, symptoms
from tutorial.repair_shop.patch import broken, patches

ENTRIES = list(entries().values())


# --- the catalogue --------------------------------------------------------------------


def test_there_are_enough_mistakes():
    assert len(in_order(7, 1)) > 50
    assert len(in_order(5, 1)) > 30
    for level in LEVELS:
        assert len(in_order(7, 1, level)) >= 10, level


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_mistake_has_known_steps_a_known_symptom_and_known_tools(entry):
    assert entry.patch.step <= min(entry.steps)
    assert set(entry.steps) <= {5, 7}
    assert entry.symptom in symptoms()
    assert entry.tools
    assert set(entry.tools) <= TOOLS.keys()


def test_each_mistake_changes_step_7():
    """`tutorial test -m lab` also tries the mistakes at the other steps."""
    step = steps.find("7")
    before = {name: path.read_bytes() for name, path in files(step.folder).items()}
    for entry in ENTRIES:
        with broken(entry.patch, step) as made:
            after = {name: path.read_bytes() for name, path in files(made).items()}
        assert before != after, entry.name
        for name in after.keys() - {n for n in before if before[n] == after.get(n)}:
            left = LEFT_BY_A_LINE.search(after[name].decode())
            assert not left, f"{entry.name}: blank lines in {name} reveal it"


# Two or more blank lines that are not in front of a class or a function. A patch that
# removes code may leave such lines.
LEFT_BY_A_LINE = re.compile(r"\n\n\n+(?!class |def |@|async def |\n)")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_mistake_needs_no_program_that_a_machine_may_lack(entry):
    """Otherwise, the symptom and the level would depend on the machine."""
    if "Procfile" not in entry.patch.places:
        return
    for number in entry.steps:
        with broken(entry.patch, steps.find(str(number))) as made:
            commands = procfile.processes(made).values()
        names = {re.split(r"\s", command)[0] for command in commands}
        assert names <= {"python", "celery", "daphne"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_symptom_does_not_name_the_place_of_the_mistake(entry):
    for number in entry.steps:
        text = entry.sees(number)
        assert not [place for place in entry.patch.places if place in text]
        assert entry.mistake.title not in text
        words = "worker|broker|queue|signal|handler|consumer|group|task|template|view"
        assert not re.search(rf"\b({words})s?\b", text), text


def test_each_symptom_is_used():
    assert {entry.symptom for entry in ENTRIES} == symptoms().keys()


def test_no_two_mistakes_are_alike():
    """No two mistakes have the same cause, symptom, tools and files."""
    known: dict[tuple, str] = {}
    for entry in ENTRIES:
        places = tuple(entry.patch.places)
        key = (entry.mistake.id, entry.symptom, entry.tools, places)
        assert key not in known, (entry.name, known[key])
        known[key] = entry.name


# --- the order ------------------------------------------------------------------------


def test_the_order_is_the_same_on_every_machine():
    names = ["no_worker", "wrong_type", "csrf_token", "no_migration"]
    assert catalogue.shuffled(names, "12/7/") == ORDER_OF_12
    assert catalogue.shuffled(reversed(names), "12/7/") == ORDER_OF_12
    assert catalogue.shuffled(names, "13/7/") != ORDER_OF_12


ORDER_OF_12 = ["no_migration", "no_worker", "csrf_token", "wrong_type"]


def test_the_order_depends_on_the_seed_and_each_mistake_has_one_level():
    assert in_order(7, 12) == in_order(7, 12)
    assert in_order(7, 12) != in_order(7, 13)
    assert set(in_order(7, 12)) == set(in_order(7, 13))
    levels = [set(in_order(7, 12, level)) for level in LEVELS]
    assert set.union(*levels) == set(in_order(7, 12))
    assert sum(map(len, levels)) == len(in_order(7, 12))


def test_each_patch_changes_a_file_and_names_a_known_mistake():
    for patch in patches().values():
        assert patch.places, patch.name
        assert patch.mistake in catalogue.mistakes()


def test_the_hints_name_a_command_for_each_tool():
    for entry in ENTRIES:
        stage, place, reason = shop.hint_lines(entry, "../repair")
        assert stage.count("\n  - ") == len(entry.tools)
        assert entry.patch.places[0] in place
        assert entry.mistake.title in " ".join(reason.split())
