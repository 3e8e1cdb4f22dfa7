"""`tutorial repair` puts a mistake into a folder, and prints what a visitor sees."""

import argparse
import json
import re
import shutil

import pytest
import redis

from tutorial.commands import repair
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.project.files import OF_THE_REPAIR_SHOP, files
from tutorial.repair_shop import kept
from tutorial.repair_shop.catalogue import entries, in_order
from tutorial.repair_shop.patch import broken
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.processes import Processes
from tutorial.runtime.project import alone, state_folder
from tutorial.runtime.services import start_redis


def run(*words: str) -> None:
    """Run `tutorial repair WORDS` in this process."""
    parser = argparse.ArgumentParser()

    class Declared:
        def add(self, name, help_, function):
            return parser

    repair.add(Declared())
    repair.repair(parser.parse_args(words))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "repair"


def test_a_new_folder_contains_the_step_with_the_mistake(folder, capsys):
    run(str(folder), "--seed", "12")
    entry = entries()[in_order(7, 12)[0]]
    with broken(entry.patch, steps.find("7")) as made:
        expected = {name: path.read_bytes() for name, path in files(made).items()}
    assert {n: p.read_bytes() for n, p in files(folder).items()} == expected
    printed = capsys.readouterr().out
    assert f"Mistake 1 of {len(in_order(7, 12))} (level: {entry.level})." in printed
    assert " ".join(entry.sees(7).split()) in " ".join(printed.split())
    assert "--seed 12" in printed
    assert "diff" not in printed
    for name in (entry.name, entry.mistake.title, *entry.patch.places):
        assert name not in printed


def test_nothing_in_the_folder_reveals_the_mistake_at_a_glance(folder):
    run(str(folder), "--seed", "12")
    name = in_order(7, 12)[0]
    text = (folder / OF_THE_REPAIR_SHOP).read_text()
    assert name not in text
    assert entries()[name].mistake.id not in text
    times = {path.stat().st_mtime_ns for path in files(folder).values()}
    assert len(times) == 1, "the newest file would reveal the mistake"
    assert OF_THE_REPAIR_SHOP not in files(folder)
    assert OF_THE_REPAIR_SHOP in (folder / ".gitignore").read_text()


def test_the_command_without_options_prints_the_situation_again(folder, capsys):
    run(str(folder), "--seed", "12")
    first = capsys.readouterr().out.partition("\n")[2]
    run(str(folder))
    assert capsys.readouterr().out == first


def test_a_seed_is_chosen_and_printed_if_none_is_given(folder, capsys):
    run(str(folder), "--level", "silent")
    seed = re.search(r"--seed (\d+) --level silent", capsys.readouterr().out)[1]
    assert kept.read(folder, "x").turn.name == in_order(7, int(seed), "silent")[0]


def test_hints_come_one_at_a_time(folder, capsys):
    run(str(folder), "--seed", "12")
    entry = entries()[in_order(7, 12)[0]]
    capsys.readouterr()
    for number in (1, 2, 3, 3):
        run(str(folder), "--hint")
        printed = capsys.readouterr().out
        lines = [
            word for word in ("The stage", "The place", "The reason") if word in printed
        ]
        assert len(lines) == number
        assert kept.read(folder, "x").turn.hints == number
        assert (entry.patch.places[0] in printed) == (number > 1)
        assert (f"#{entry.mistake.id}" in printed) == (number > 2)
    assert "the last hint" in printed


def test_next_gives_each_mistake_once(folder, capsys):
    run(str(folder), "--seed", "12", "--level", "silent")
    names = [kept.read(folder, "x").turn.name]
    while "That was the last" not in capsys.readouterr().out:
        run(str(folder), "--next")
        names.append(kept.read(folder, "x").turn.name)
    assert names[:-1] == in_order(7, 12, "silent")
    assert names[-1] == names[-2], "no other mistake is left to put into the folder"


def test_next_keeps_the_previous_files_in_a_separate_folder(folder, capsys):
    run(str(folder), "--seed", "12")
    (folder / "manage.py").write_text("mine")
    (folder / "notes").mkdir()
    (folder / "notes" / "own.txt").write_text("my notes")
    (folder / "db.sqlite3").write_text("a database")
    capsys.readouterr()
    run(str(folder), "--next")
    printed = capsys.readouterr().out
    before = entries()[in_order(7, 12)[0]]
    words = " ".join(printed.split())
    assert f"Left unfixed: {before.mistake.title}" in words
    assert before.mistake.cause in words
    aside = next((folder / ".before-next").iterdir())
    assert aside.name in printed
    assert (aside / "manage.py").read_text() == "mine"
    assert (aside / "notes" / "own.txt").read_text() == "my notes"
    assert (aside / "db.sqlite3").read_text() == "a database"
    assert not (folder / "notes").exists()
    with broken(entries()[in_order(7, 12)[1]].patch, steps.find("7")) as made:
        assert files(folder).keys() == files(made).keys()


def messages(folder) -> list[bytes]:
    """Start the folder's own Redis, and return the messages in its queue."""
    with Processes(lambda name, line: None) as processes:
        _, url = start_redis(processes, state_folder(folder), free_port())
        with redis.Redis.from_url(url) as client:
            return client.lrange("celery", 0, -1)


def leave_message(folder) -> None:
    with Processes(lambda name, line: None) as processes:
        _, url = start_redis(processes, state_folder(folder), free_port())
        with redis.Redis.from_url(url) as client:
            client.lpush("celery", "an old message")


def test_no_message_of_the_previous_mistake_is_left_in_the_queue(folder):
    run(str(folder), "--seed", "12")
    leave_message(folder)
    assert messages(folder) == [b"an old message"]
    run(str(folder), "--next")
    assert messages(folder) == []


def test_no_message_of_an_earlier_folder_with_the_same_name_is_left(folder):
    leave_message(folder)
    run(str(folder), "--seed", "12")
    assert messages(folder) == []


def test_next_does_not_change_a_project_that_is_running(folder):
    run(str(folder), "--seed", "12")
    text = (folder / OF_THE_REPAIR_SHOP).read_text()
    with (
        alone(folder, "repair"),
        pytest.raises(Problem, match="is running in another terminal"),
    ):
        run(str(folder), "--next")
    assert (folder / "manage.py").exists()
    assert (folder / OF_THE_REPAIR_SHOP).read_text() == text


def test_the_score_lists_the_mistakes_with_time_and_hints(folder, capsys):
    run(str(folder), "--seed", "12")
    run(str(folder), "--hint")
    state = kept.read(folder, "x")
    state.solve()
    kept.write(folder, state)
    run(str(folder), "--next")
    run(str(folder), "--hint")
    capsys.readouterr()
    run(str(folder), "--score")
    printed = " ".join(capsys.readouterr().out.split())
    first, second = in_order(7, 12)[:2]
    assert f"1 {entries()[first].mistake.title}: 1 minute, 1 hint" in printed
    assert "2 a mistake to find: not fixed, 1 hint" in printed
    assert entries()[second].mistake.title not in printed
    assert "1 of " in printed
    assert printed.endswith("mistakes fixed, 2 hints used.")


def test_a_fixed_mistake_is_described(folder, capsys):
    run(str(folder), "--seed", "12")
    state = kept.read(folder, "x")
    state.solve()
    kept.write(folder, state)
    capsys.readouterr()
    run(str(folder))
    printed = capsys.readouterr().out
    assert "The mistake was:" in printed
    assert "with no hint" in printed
    assert "--next" in printed


# --- what can go wrong ----------------------------------------------------------------


@pytest.mark.parametrize("option", ["--hint", "--next", "--score"])
def test_a_folder_that_the_shop_did_not_make_is_refused(option, folder):
    folder.mkdir()
    (folder / "manage.py").write_text("mine")
    with pytest.raises(Problem, match="not a folder of the repair shop") as error:
        run(str(folder), option)
    # The message suggests DIR instead of this folder, because `repair` refuses this
    # folder in any case.
    assert error.value.args[0].endswith("python3 -m tutorial repair DIR")
    with pytest.raises(Problem, match="No files were written"):
        run(str(folder))
    assert [path.name for path in folder.iterdir()] == ["manage.py"]


@pytest.mark.parametrize("option", ["--hint", "--next", "--score"])
def test_a_folder_that_does_not_exist_is_reported_with_a_command(option, folder):
    with pytest.raises(Problem, match="There is no folder") as error:
        run(str(folder), option)
    assert error.value.args[0].endswith(f"python3 -m tutorial repair {folder}")


def test_options_for_a_new_folder_are_refused_for_an_existing_one(folder):
    run(str(folder), "--seed", "12")
    with pytest.raises(Problem, match="only for a new folder: --level, --seed"):
        run(str(folder), "--seed", "0", "--level", "loud")


def test_an_argument_that_names_a_step_and_not_a_folder_is_reported():
    with pytest.raises(Problem, match="repair DIR --step 5"):
        run("5")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:40],
        lambda text: "[]",
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: re.sub(r'"name": "[^"]+"', '"name": "%%"', text),
        lambda text: re.sub(r'"step": 7,', "", text),
        lambda text: json.dumps(json.loads(text) | {"turns": []}),
        lambda text: json.dumps(json.loads(text) | {"turns": [{"name": "eA=="}]}),
    ],
)
def test_a_damaged_file_gives_a_clear_message(damage, folder):
    run(str(folder), "--seed", "12")
    file = folder / OF_THE_REPAIR_SHOP
    file.write_text(damage(file.read_text()))
    with pytest.raises(Problem, match="cannot be read") as error:
        run(str(folder))
    assert "Your files are untouched" in str(error.value)


def test_a_mistake_that_the_tutorial_no_longer_has_is_reported(folder, capsys):
    run(str(folder), "--seed", "12")
    state = kept.read(folder, "x")
    state.turn.name = "gone_since"
    kept.write(folder, state)
    with pytest.raises(Problem, match="does not know") as error:
        run(str(folder))
    assert "--next" in str(error.value)
    run(str(folder), "--score")
    assert "of an earlier version" in capsys.readouterr().out
    run(str(folder), "--next")
    assert kept.read(folder, "x").turn.name in in_order(7, 12)


def test_a_missing_git_is_reported(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder.parent))
    assert shutil.which("git") is None
    with pytest.raises(Problem, match="git is needed"):
        run(str(folder))
    assert not folder.exists()


@pytest.mark.parametrize("step", ["2", "9", "final", "eight"])
def test_a_step_without_mistakes_is_refused(step, folder):
    with pytest.raises(Problem, match=f"no mistake for step {step}[.]") as error:
        run(str(folder), "--step", step)
    assert "for steps 5 and 7" in str(error.value)
    assert not folder.exists()
