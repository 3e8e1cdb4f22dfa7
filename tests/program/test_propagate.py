"""`tutorial propagate` merges a change in a step into all later steps."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.folders import copy_repository
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.project.files import files

LATER = [step.title for step in steps.every()[2:]]  # the steps after step 2
FORMS = "search/forms.py"
TASKS = "search/tasks.py"
VIEWS = "search/views.py"
SHOW_QUEUE = "search/management/commands/show_queue.py"

# Environment variables that make git ignore the settings of the machine and the user.
PLAIN_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


class Clone:
    """A copy of the repository, with helper methods for the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str) -> str:
        """Run git, and return what it printed."""
        person = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
        result = subprocess.run(
            ["git", *person, *arguments],
            cwd=self.folder,
            env=os.environ | PLAIN_GIT,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def propagate(self, *arguments: str, **variables: str):
        """Run `tutorial propagate`, and return its exit status and its output."""
        return subprocess.run(
            [sys.executable, "-m", "tutorial", "propagate", *arguments],
            cwd=self.folder,
            env=os.environ | PLAIN_GIT | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def carry(self, *arguments: str) -> str:
        """Propagate, check that there is no conflict, and return what was printed."""
        result = self.propagate(*arguments)
        assert (result.returncode, result.stderr) == (0, ""), result.stdout
        return result.stdout

    def path(self, title: str, name: str) -> Path:
        """Return the path of a step's file."""
        return self.folder / title / name

    def read(self, title: str, name: str) -> str:
        """Return the text of a step's file."""
        return self.path(title, name).read_text()

    def edit(self, title: str, name: str, old: str, new: str) -> None:
        """Replace a text that occurs exactly once in a step's file."""
        text = self.read(title, name)
        assert text.count(old) == 1
        self.path(title, name).write_text(text.replace(old, new))

    def everything(self) -> dict[str, tuple[bytes, int]]:
        """Return the bytes and the mode of every file of every step, by path."""
        return {
            f"{step.title}/{name}": (path.read_bytes(), path.stat().st_mode)
            for step in steps.every()
            for name, path in files(self.folder / step.title).items()
        }

    def has_everywhere(self, name: str, text: str, titles=LATER) -> bool:
        """Return whether the file contains the text in each of these steps."""
        return all(text in self.read(title, name) for title in titles)


@pytest.fixture(scope="session")
def committed(tmp_path_factory) -> Clone:
    """Return a copy in which everything is committed. The tests clone it."""
    clone = Clone(copy_repository(tmp_path_factory.mktemp("committed") / "clone"))
    # Copy these files of step 7 to final/. Otherwise, a change may cause a conflict.
    for name in (TASKS, VIEWS, SHOW_QUEUE):
        clone.path("final", name).write_text(clone.read("steps/07_browser", name))
    clone.git("init", "--quiet")
    clone.commit()
    return clone


@pytest.fixture
def clone(committed, tmp_path) -> Clone:
    committed.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    return Clone(tmp_path / "clone")


@pytest.fixture
def conflict(clone) -> Callable[[], str]:
    """Make a change in step 2 that conflicts with step 4.

    Returns a function that propagates the change and returns the command's output.
    """
    clone.edit("steps/02_view", TASKS, "time.sleep(3)", "time.sleep(4)")
    clone.edit("steps/02_view", FORMS, "200", "300")

    def run() -> str:
        result = clone.propagate("2")
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        return result.stdout + result.stderr

    return run


def test_a_change_is_merged_into_every_later_step_and_no_earlier_one(clone):
    before = clone.everything()
    clone.edit("steps/02_view", FORMS, "Type a question first.", "Ask something.")
    clone.edit("steps/02_view", VIEWS, "and responds", "and replies")
    output = clone.carry("2")
    assert clone.has_everywhere(FORMS, "Ask something.")
    assert clone.has_everywhere(VIEWS, "and replies")
    for title in LATER:
        assert f"{title}: merged {FORMS}, {VIEWS}\n" in output
    changed = {
        name for name, file in clone.everything().items() if before[name] != file
    }
    assert len(changed) == 2 + 2 * len(LATER)
    assert clone.git("diff", "--cached") == "", "the index has changed"


def test_the_lines_that_each_step_adds_are_kept(clone):
    """The later steps have more settings around the changed line."""
    clone.edit("steps/02_view", "config/settings.py", '"UTC"', '"Europe/Berlin"')
    kept = {title: clone.read(title, "config/settings.py") for title in LATER}
    clone.carry("2")
    for title in LATER:
        merged = clone.read(title, "config/settings.py")
        assert merged == kept[title].replace('"UTC"', '"Europe/Berlin"')


def test_a_second_run_changes_nothing(clone):
    clone.edit("steps/02_view", FORMS, "200", "300")
    clone.carry("2")
    once = clone.everything()
    output = clone.carry("2")
    assert output.count("nothing to propagate") == len(LATER)
    assert clone.everything() == once


def test_two_changes_in_a_row_are_propagated_without_a_commit(clone):
    """Only the working tree has the text after the first change; no commit has it."""
    for old, new in (("200", "300"), ("300", "400")):
        clone.edit("steps/02_view", FORMS, old, new)
        clone.carry("2")
        assert clone.has_everywhere(FORMS, f"max_length={new}")


def test_a_change_is_propagated_again_after_a_checkout(clone):
    clone.edit("steps/02_view", FORMS, "200", "300")
    clone.carry("2")
    clone.git("checkout", "--", *LATER)
    clone.carry("2")
    assert clone.has_everywhere(FORMS, "max_length=300")


def test_a_step_that_already_has_the_change_causes_no_conflict(clone):
    for title in ("steps/02_view", "steps/03_queue", "steps/05_signal"):
        clone.edit(title, FORMS, "200", "300")
    output = clone.carry("2")
    assert clone.has_everywhere(FORMS, "max_length=300")
    assert "steps/03_queue: nothing to propagate\n" in output
    assert f"steps/04_worker: merged {FORMS}\n" in output


def test_a_change_that_is_committed_in_step_3_reaches_the_later_steps(clone):
    clone.edit("steps/03_queue", FORMS, "200", "300")
    clone.commit()
    clone.edit("steps/02_view", FORMS, "200", "300")
    clone.carry("2")
    assert clone.has_everywhere(FORMS, "max_length=300")


def test_a_committed_change_is_propagated_with_the_option_since(clone):
    clone.edit("steps/02_view", FORMS, "200", "300")
    clone.commit()
    assert "has not changed since HEAD" in clone.carry("2")
    assert clone.has_everywhere(FORMS, "max_length=200")
    clone.carry("2", "--since", "HEAD~1")
    assert clone.has_everywhere(FORMS, "max_length=300")


def test_a_step_without_changes_propagates_nothing(clone):
    before = clone.everything()
    # Leftovers and files that git ignores do not count as changes.
    clone.path("steps/02_view", "db.sqlite3").write_text("")
    clone.path("steps/02_view", "search/old.pyo").write_text("")
    assert "has not changed since HEAD: nothing to propagate" in clone.carry("2")
    clone.path("steps/02_view", "search/old.pyo").unlink()
    assert clone.everything() == before


def test_changes_outside_the_given_step_are_not_propagated(clone):
    clone.edit("steps/05_signal", FORMS, "checks the", "an experiment; checks the")
    clone.edit("", "README.md", "# From an HTML form", "# From a form")
    clone.edit("steps/02_view", FORMS, "200", "300")
    clone.carry("2")
    assert clone.has_everywhere(FORMS, "max_length=300")
    has_it = [title for title in LATER if "experiment" in clone.read(title, FORMS)]
    assert has_it == ["steps/05_signal"]


def test_a_new_file_is_added_with_its_mode(clone):
    script = clone.path("steps/02_view", "bin/start")
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    output = clone.carry("2")
    for title in LATER:
        assert clone.read(title, "bin/start") == "#!/bin/sh\n"
        assert os.access(clone.path(title, "bin/start"), os.X_OK)
        assert f"{title}: added bin/start\n" in output
    assert "bin/start" not in clone.carry("2")


def test_a_new_file_that_already_exists_in_a_later_step_is_a_conflict(clone):
    clone.path("steps/03_queue", "search/models.py").write_text("mine = 1\n")
    clone.path("steps/02_view", "search/models.py").write_text("theirs = 1\n")
    result = clone.propagate("2")
    assert result.returncode == 1
    assert "search/models.py" in result.stderr
    text = clone.read("steps/03_queue", "search/models.py")
    assert text.splitlines() == [
        "<<<<<<< steps/03_queue",
        "mine = 1",
        "=======",
        "theirs = 1",
        ">>>>>>> steps/02_view",
    ]


def test_a_removed_file_is_removed_from_the_later_steps(clone):
    folder = clone.path("steps/03_queue", "search/management")
    for name in ("__init__.py", "commands/__init__.py", "commands/show_queue.py"):
        (folder / name).unlink()
    output = clone.carry("3")
    for title in LATER[1:5]:
        assert not clone.path(title, SHOW_QUEUE).exists()
        assert f"{title}: removed search/management/__init__.py" in output
    assert not clone.path("steps/04_worker", "search/management").exists()
    show_groups = "search/management/commands/show_groups.py"
    assert clone.path("final", show_groups).exists()


def test_removing_a_file_that_a_later_step_has_changed_is_a_conflict(clone):
    clone.path("steps/02_view", TASKS).unlink()
    before = clone.everything()
    result = clone.propagate("2")
    assert result.returncode == 1
    assert f"steps/03_queue: removed {TASKS}\n" in result.stdout
    assert f"steps/04_worker: conflict in {TASKS}\n" in result.stdout
    assert "removed in steps/03_queue" in result.stderr
    after = clone.everything()
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed == {f"steps/03_queue/{TASKS}"}
    # Keeping the file resolves the conflict, for all later steps as well.
    clone.carry("2")
    assert clone.path("final", TASKS).exists()


def test_a_changed_mode_is_propagated_and_the_text_is_kept(clone):
    clone.path("steps/02_view", VIEWS).chmod(0o755)
    texts = [clone.read(title, VIEWS) for title in LATER]
    clone.carry("2")
    assert [clone.read(title, VIEWS) for title in LATER] == texts
    for title in LATER:
        assert os.access(clone.path(title, VIEWS), os.X_OK)


def test_a_binary_file_is_replaced_or_reported_as_a_conflict(clone):
    for step in steps.every()[1:]:
        clone.path(step.title, "search/static/search/a.png").write_bytes(b"\0one")
    clone.path("steps/05_signal", "search/static/search/a.png").write_bytes(b"\0two")
    clone.commit()
    clone.path("steps/02_view", "search/static/search/a.png").write_bytes(b"\0new")
    result = clone.propagate("2")
    assert result.returncode == 1
    assert "binary, and different in steps/04_worker" in result.stderr
    for title, content in (("04_worker", b"\0new"), ("05_signal", b"\0two")):
        path = clone.path(f"steps/{title}", "search/static/search/a.png")
        assert path.read_bytes() == content


def test_a_conflict_is_marked_and_reported(clone, conflict):
    said = conflict()
    assert f"steps/03_queue: merged {FORMS}, {TASKS}\n" in said
    assert f"steps/04_worker: merged {FORMS}; conflict in {TASKS}\n" in said
    assert f"steps/04_worker/{TASKS}" in said
    assert "run the same command again" in said
    text = clone.read("steps/04_worker", TASKS)
    assert "<<<<<<< steps/04_worker\n" in text
    assert ">>>>>>> steps/03_queue\n" in text
    assert "time.sleep(4)" in text
    assert "max_length=200" in clone.read("steps/05_signal", FORMS), (
        "propagate continued after the conflict"
    )


def test_an_unresolved_conflict_stops_the_command_again(clone, conflict):
    conflict()
    before = clone.everything()
    assert "steps/04_worker: conflict in search/tasks.py" in conflict()
    assert clone.everything() == before


@pytest.fixture
def resolved(clone, conflict) -> Clone:
    """Set the timeout in step 4 to 4 seconds, which resolves the conflict."""
    conflict()
    text = (ROOT / "steps/04_worker" / TASKS).read_text()
    text = text.replace("timeout=30", "timeout=4")
    clone.path("steps/04_worker", TASKS).write_text(text)
    return clone


def test_a_resolution_is_propagated_to_the_later_steps(resolved):
    output = resolved.carry("2")
    assert f"steps/04_worker: kept your resolution of {TASKS}\n" in output
    assert resolved.read("steps/04_worker", TASKS).count("timeout=4") == 1
    later = LATER[2:]
    assert resolved.has_everywhere(TASKS, "timeout=4", later)
    assert resolved.has_everywhere(TASKS, "search_completed.send", later)
    assert resolved.has_everywhere(FORMS, "max_length=300")


def test_a_resolved_conflict_is_not_reported_again(resolved):
    resolved.carry("2")
    once = resolved.everything()
    assert "merged" not in resolved.carry("2")
    assert resolved.everything() == once
    resolved.commit()
    resolved.carry("2", "--since", "HEAD~1")
    assert resolved.everything() == once


def test_a_conflict_may_be_resolved_by_keeping_the_old_file(clone, conflict):
    conflict()
    clone.git("checkout", "--", f"steps/04_worker/{TASKS}")
    output = clone.carry("2")
    assert f"steps/04_worker: kept your resolution of {TASKS}\n" in output
    kept = (ROOT / "steps/07_browser" / TASKS).read_text()
    assert clone.read("final", TASKS) == kept


def test_a_conflict_is_reported_again_if_its_resolution_is_undone(resolved, conflict):
    resolved.carry("2")
    resolved.git("checkout", "--", *LATER)
    assert f"conflict in {TASKS}" in conflict()


def test_wrong_arguments_are_reported(clone):
    for arguments, words in (
        (["2", "--since", "no-such-revision"], 'no revision "no-such-revision"'),
        (["final"], "nothing comes after final"),
        (["9"], 'There is no step "9"'),
    ):
        result = clone.propagate(*arguments)
        assert result.returncode == 1
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_a_folder_without_git_is_reported(fresh_clone):
    # Git must not find a repository in the parent folders of the copy.
    ceiling = {"GIT_CEILING_DIRECTORIES": str(fresh_clone.parent)}
    result = Clone(fresh_clone).propagate("2", **ceiling)
    assert result.returncode == 1
    assert "git clone" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_machine_without_git_is_reported(clone):
    result = clone.propagate("2", PATH="")
    assert result.returncode == 1
    assert "needs git, which is not installed" in result.stderr
