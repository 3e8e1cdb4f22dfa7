"""`tutorial history` and `new --git` make git repositories with steps as commits."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from support.folders import check_same, everything
from support.program import check_message, tutorial
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.project.files import files
from tutorial.runtime.waiting import wait_until

TAGS = [*(f"step-{step.name}" for step in steps.steps()), "final"]
STEPS_AND_TAGS = list(zip(steps.every(), TAGS, strict=True))

# Git settings of a user that could change the commits, the files, or both.
UNUSUAL_CONFIG = """\
[user]
    name = Ada
    email = ada@example.org
    signingKey = 0123456789ABCDEF
[commit]
    gpgSign = true
    template = {home}/no-such-template
[tag]
    gpgSign = true
    forceSignAnnotated = true
[core]
    autocrlf = true
    eol = crlf
    hooksPath = {home}/hooks
    attributesFile = {home}/attributes
    fileMode = false
    excludesFile = {home}/ignored
[init]
    defaultBranch = trunk
    templateDir = {home}/template
    defaultObjectFormat = sha256
[i18n]
    commitEncoding = ISO-8859-1
[fastimport]
    unpackLimit = 1
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """Make a repository with `tutorial history`. The tests only read it."""
    folder = tmp_path_factory.mktemp("history") / "not there yet" / "history"
    result = tutorial("history", str(folder))
    assert result.returncode == 0, result.stderr
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git as a user does, and return its output."""
    result = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip()


def hashes(folder: Path) -> list[str]:
    return git(folder, "rev-list", "--reverse", "main").splitlines()


def project_of(step: steps.Step) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files(step.folder).items()}


def unusual(home: Path) -> dict[str, str]:
    """Write unusual git settings to `home`. Return unusual environment variables."""
    (home / "template" / "hooks").mkdir(parents=True)
    (home / "template" / "from-the-template").write_text("")
    (home / "hooks").mkdir()
    for name in ("post-checkout", "reference-transaction", "pre-commit", "post-commit"):
        for hook in (home / "hooks" / name, home / "template" / "hooks" / name):
            hook.write_text("#!/bin/sh\nexit 1\n")
            hook.chmod(0o755)
    (home / "attributes").write_text("* text eol=crlf ident\n")
    (home / "ignored").write_text("*.py\n")
    (home / ".gitconfig").write_text(UNUSUAL_CONFIG.format(home=home))
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "tr_TR.ISO-8859-9",
        "PYTHONUTF8": "0",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00 +0200",
        "GIT_DIR": str(home / "elsewhere"),
        "GIT_INDEX_FILE": str(home / "index"),
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_TEMPLATE_DIR": str(home / "template"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "user.useConfigOnly",
        "GIT_CONFIG_VALUE_0": "true",
    }


def test_each_step_is_one_commit_with_a_tag(written):
    assert len(hashes(written)) == len(TAGS)
    assert [git(written, "rev-parse", tag) for tag in TAGS] == hashes(written)
    assert git(written, "tag").splitlines() == sorted(TAGS)
    assert git(written, "branch", "--format=%(refname:short)") == "main"
    assert git(written, "symbolic-ref", "HEAD") == "refs/heads/main"


@pytest.mark.parametrize(("step", "tag"), STEPS_AND_TAGS, ids=TAGS)
def test_a_tag_holds_the_project_of_its_step(step, tag, written, tmp_path):
    listed = git(written, "ls-tree", "-r", tag).splitlines()
    modes = {line.partition("\t")[2]: line[:6] for line in listed}
    assert modes == {
        name: "100755" if path.stat().st_mode & stat.S_IXUSR else "100644"
        for name, path in files(step.folder).items()
    }
    archive = tmp_path / "step.zip"
    git(written, "archive", "--output", str(archive), tag)
    shutil.unpack_archive(archive, tmp_path / "step")
    assert everything(tmp_path / "step") == project_of(step)


@pytest.mark.parametrize(("step", "tag"), STEPS_AND_TAGS, ids=TAGS)
def test_a_commit_message_names_the_component_and_what_the_learner_sees(
    step, tag, written
):
    message = git(written, "log", "-1", "--format=%B", tag)
    subject, blank, *body = message.splitlines()
    label = "Final" if step.name == "final" else f"Step {step.name}"
    assert subject == f"{label}: {step.component}"
    assert not blank
    assert " ".join(body) == step.sees
    assert max(map(len, body)) <= 72


def test_the_new_folder_contains_the_finished_app(written):
    check_same(written, "final")
    found = {name for name in everything(written) if not name.startswith(".git/")}
    assert found == files(steps.final().folder).keys()
    assert git(written, "status", "--porcelain") == ""


def test_git_ignores_files_that_a_run_creates(tmp_path):
    tutorial("history", str(tmp_path))
    left = ("db.sqlite3", "search/__pycache__/a.pyc", ".env", ".venv/pyvenv.cfg")
    for name in (*left, "static_root/a.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert git(tmp_path, "status", "--porcelain") == ""
    git(tmp_path, "switch", "--detach", "step-1")
    assert git(tmp_path, "status", "--porcelain") == ""


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_commits_do_not_depend_on_the_person_or_the_machine(
    umask, written, tmp_path
):
    variables = unusual(tmp_path / "home")
    before = os.umask(umask)
    try:
        result = tutorial("history", str(tmp_path / "history"), **variables)
    finally:
        os.umask(before)
    assert result.returncode == 0, result.stderr
    assert hashes(tmp_path / "history") == hashes(written)
    check_same(tmp_path / "history", "final")
    assert not (tmp_path / "history" / ".git" / "from-the-template").exists()
    assert not (tmp_path / "home" / "elsewhere").exists()
    assert not (tmp_path / "home" / "index").exists()
    assert git(tmp_path / "history", "status", "--porcelain") == ""


def test_the_commits_do_not_depend_on_other_files_in_the_steps(written, root, tmp_path):
    step = root / "steps" / "03_queue"
    for name in ("db.sqlite3", ".env", "search/__pycache__/a.pyc", ".venv/a.py"):
        (step / name).parent.mkdir(parents=True, exist_ok=True)
        (step / name).write_text("mine")
    (root / "final" / "static_root").mkdir()
    (root / "final" / "static_root" / "a.css").write_text("collected")
    for path in files(step).values():
        path.chmod(0o777)  # as on a file system without file modes
    (root / "final" / "deploy" / "switch").chmod(0o600)
    assert tutorial("history", "../history", root=root).returncode == 0
    assert hashes(tmp_path / "history") == hashes(written)


def test_a_changed_step_changes_the_hashes_of_its_commit_and_of_later_commits(
    written, root, tmp_path
):
    (root / "steps" / "03_queue" / "search" / "views.py").write_text("# changed\n")
    assert tutorial("history", "../history", root=root).returncode == 0
    changed, before = hashes(tmp_path / "history"), hashes(written)
    assert changed[:2] == before[:2]
    assert not set(changed[2:]) & set(before)


def test_git_diff_lists_the_files_that_a_step_adds_or_changes(written):
    names = git(written, "diff", "--name-status", "step-3", "step-4").splitlines()
    step = steps.find("4")
    expected = [f"A\t{name}" for name in step.added]
    expected += [f"M\t{name}" for name in step.changed]
    assert sorted(names) == sorted(expected)


def test_git_finds_a_step_by_bisection(tmp_path):
    tutorial("history", str(tmp_path))
    git(tmp_path, "bisect", "start", "final", "step-1")
    found = git(tmp_path, "bisect", "run", "sh", "-c", "! test -e search/consumers.py")
    assert f"{git(tmp_path, 'rev-parse', 'step-6')} is the first bad commit" in found


def test_later_commits_have_the_users_own_name(written, tmp_path):
    git(tmp_path, "clone", "--quiet", str(written), "mine")
    own = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(tmp_path / "mine", *own, "commit", "--quiet", "--allow-empty", "-m", "Mine")
    assert git(tmp_path / "mine", "log", "-1", "--format=%an %cn") == "Ada Ada"
    assert "user" not in git(written, "config", "--local", "--list")


def test_history_prints_the_number_of_commits_and_an_example(root):
    result = tutorial("history", "../all steps", root=root)
    assert "8 commits" in result.stdout
    assert "    git -C '../all steps' diff step-3 step-4 " in result.stdout
    assert "branch" not in result.stdout


def test_the_option_branch_per_step_makes_a_branch_for_each_step(written, tmp_path):
    result = tutorial("history", str(tmp_path), "--branch-per-step")
    assert result.returncode == 0, result.stderr
    assert "branch" in result.stdout
    assert hashes(tmp_path) == hashes(written)
    found = git(tmp_path, "branch", "--format=%(refname)").splitlines()
    assert found == sorted(f"refs/heads/{name}" for name in (*TAGS, "main"))
    for tag in TAGS:
        branch = git(tmp_path, "rev-parse", f"refs/heads/{tag}")
        assert branch == git(tmp_path, "rev-parse", f"refs/tags/{tag}")
    compared = subprocess.run(
        ["git", "diff", "--quiet", "step-3", "step-3"],
        cwd=tmp_path,
        capture_output=True,
    )
    assert compared.stderr == b"", "git warns that a branch and a tag share a name"


def test_a_push_sends_all_branches_and_tags(tmp_path):
    tutorial("history", str(tmp_path / "history"), "--branch-per-step")
    git(tmp_path, "init", "--quiet", "--bare", "site.git")
    for option in ("--all", "--tags"):
        git(tmp_path / "history", "push", "--quiet", "../site.git", option)
    sides = (git(tmp_path / side, "show-ref") for side in ("history", "site.git"))
    assert next(sides) == next(sides)


@pytest.mark.parametrize("content", ["notes.txt", ".gitignore", ".git/HEAD"])
def test_history_overwrites_nothing(content, tmp_path):
    (tmp_path / content).parent.mkdir(exist_ok=True)
    (tmp_path / content).write_text("mine")
    result = tutorial("history", str(tmp_path))
    check_message(result, str(tmp_path), "no files were written", "Choose another")
    assert len(result.stderr.splitlines()) == 2
    assert everything(tmp_path) == {content: b"mine"}


def test_a_file_with_the_name_of_the_folder_is_reported(tmp_path):
    (tmp_path / "file").write_text("mine")
    check_message(tutorial("history", str(tmp_path / "file")), "is a file")
    check_message(tutorial("history", str(tmp_path / "file" / "a")), "cannot be made")
    assert everything(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("name", ["3", "final", "0"])
def test_the_name_of_a_step_is_rejected_as_the_name_of_a_folder(name, unchanged_root):
    check_message(
        tutorial("history", name, root=unchanged_root), "history DIR", f"./{name}"
    )


def test_an_empty_name_is_refused():
    check_message(tutorial("history", ""), "cannot be the name")


@pytest.mark.parametrize("name", ["history", "steps/history", ".", "mine/history"])
@pytest.mark.parametrize("command", ["history", "new --git"])
def test_a_repository_inside_the_tutorial_is_refused(name, command, unchanged_root):
    word, *options = command.split()
    check_message(
        tutorial(word, name, *options, root=unchanged_root), name, "the tutorial", "../"
    )
    assert not (unchanged_root / name / ".git").exists()
    assert not (unchanged_root / "mine").exists()


def test_a_repository_inside_another_project_is_refused(tmp_path):
    (tmp_path / "manage.py").write_text("")
    result = tutorial("history", str(tmp_path / "history"))
    check_message(result, "inside another Django project")
    assert everything(tmp_path) == {"manage.py": b""}


HISTORY, NEW = ("history", "{}"), ("new", "{}", "3", "--git")
BOTH = pytest.mark.parametrize("command", [HISTORY, NEW], ids=["history", "new"])


@BOTH
def test_a_machine_without_git_is_reported(command, tmp_path):
    (tmp_path / "bin").mkdir()
    words = [word.format(tmp_path / "there" / "folder") for word in command]
    result = tutorial(*words, PATH=str(tmp_path / "bin"))
    check_message(result, "git", "not installed", "sudo apt install git")
    assert not (tmp_path / "there").exists()


def git_that(tmp_path: Path, at: str, does: str) -> str:
    """Return a PATH with a fake git.

    If the arguments contain `at`, the fake git first runs the shell code `does`. Then,
    if that code has not exited, it runs the real git.
    """
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "git"
    wrapper.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *{at}*) {does};; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    wrapper.chmod(0o755)
    return f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"


@BOTH
@pytest.mark.parametrize("at", ["fast-import", "read-tree"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_failure_of_git_leaves_nothing_behind(command, at, is_there, tmp_path):
    said = r"hint: look\nfatal: no space left\ndumping a report"
    path = git_that(tmp_path, at, f"printf '{said}' >&2; exit 128")
    folder = tmp_path / "there" / "folder"
    if is_there:
        folder.mkdir(parents=True)
    result = tutorial(*(word.format(folder) for word in command), PATH=path)
    check_message(result, f"git {at} failed: fatal: no space left\n")
    assert folder.exists() == is_there
    assert not is_there or not list(folder.iterdir())
    assert (tmp_path / "there").exists() == is_there


@BOTH
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_git_runs_leaves_nothing_behind(command, number, tmp_path):
    reached = tmp_path / "reached"
    path = git_that(tmp_path, "read-tree", f"touch '{reached}'; exec sleep 60")
    folder = tmp_path / "there" / "folder"
    words = [word.format(folder) for word in command]
    child = subprocess.Popen(
        [sys.executable, "-m", "tutorial", *words],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(reached.exists, seconds=60, otherwise="git was not started")
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode
    assert "Traceback" not in said
    assert not (tmp_path / "there").exists()


# Tests of `new --git`


@pytest.mark.parametrize("step", ["1", "4", "final"])
def test_new_with_git_makes_a_repository_with_one_tagged_commit(step, tmp_path):
    folder = tmp_path / "my-search"
    result = tutorial("new", str(folder), step, "--git")
    assert result.returncode == 0, result.stderr
    tag = "final" if step == "final" else f"step-{step}"
    assert len(hashes(folder)) == 1
    assert git(folder, "rev-parse", tag) == hashes(folder)[0]
    assert git(folder, "ls-tree", "-r", "--name-only", tag).splitlines() == sorted(
        files(steps.find(step).folder)
    )
    check_same(folder, step)
    assert not (folder / ".gitignore").exists()
    assert git(folder, "status", "--porcelain") == ""
    assert f"a git repository; its first commit has the tag {tag}." in result.stdout
    assert f"    git -C {folder} status " in result.stdout


def test_new_with_git_makes_the_same_first_commit_as_history(written, tmp_path):
    variables = unusual(tmp_path / "home")
    result = tutorial("new", str(tmp_path / "mine"), "--git", **variables)
    assert result.returncode == 0, result.stderr
    assert hashes(tmp_path / "mine") == hashes(written)[:1]
    trees = [
        git(folder, "rev-parse", "step-1^{tree}")
        for folder in (tmp_path / "mine", written)
    ]
    assert trees[0] == trees[1]


def test_new_with_git_makes_an_empty_commit_for_step_0(tmp_path):
    for option in (["0", "--git"], ["--git", "0"]):
        folder = tmp_path / option[0]
        result = tutorial("new", str(folder), *option)
        assert result.returncode == 0, result.stderr
        assert [path.name for path in folder.iterdir()] == [".git"]
        assert len(hashes(folder)) == 1
        assert git(folder, "ls-tree", "-r", "step-0") == ""
        assert "nothing has been typed" in git(folder, "log", "-1", "--format=%B")
        assert "run " in result.stdout


def test_the_learners_commits_have_the_learners_name(tmp_path):
    folder = tmp_path / "my-search"
    tutorial("new", str(folder), "0", "--git")
    for name in ("manage.py", "db.sqlite3", ".env", "search/__pycache__/a.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    assert git(folder, "status", "--porcelain") == "?? manage.py"
    own = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(folder, "add", ".")
    git(folder, *own, "commit", "--quiet", "--message", "Type manage.py")
    assert git(folder, "log", "-1", "--format=%an %cn") == "Ada Ada"
    assert git(folder, "diff", "--name-only", "step-0", "main") == "manage.py"


def test_new_with_git_accepts_an_empty_folder_of_step_0(tmp_path):
    tutorial("new", str(tmp_path), "0")
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]
    result = tutorial("new", str(tmp_path), "2", "--git")
    assert result.returncode == 0, result.stderr
    assert git(tmp_path, "status", "--porcelain") == ""


@pytest.mark.parametrize("order", [("--git", "--catch-up"), ("--catch-up", "--git")])
def test_the_options_git_and_catch_up_together_are_refused(order, tmp_path):
    tutorial("new", str(tmp_path), "1")
    before = everything(tmp_path)
    result = tutorial("new", str(tmp_path), "3", *order)
    check_message(result, "--catch-up", "without --git")
    assert everything(tmp_path) == before


def test_catch_up_in_a_git_repository_makes_no_commit(root, tmp_path):
    tutorial("new", "../my-search", "1", "--git", root=root)
    folder = tmp_path / "my-search"
    result = tutorial("new", "../my-search", "2", "--catch-up", root=root)
    assert result.returncode == 0, result.stderr
    check_same(folder, "2")
    assert len(hashes(folder)) == 1
    git(folder, "add", ".")
    changed = git(folder, "diff", "--cached", "--name-only").splitlines()
    assert sorted(changed) == sorted((*steps.find("2").added, *steps.find("2").changed))


def test_the_help_mentions_history_and_the_git_options():
    assert "\n    history " in tutorial().stdout
    assert "--branch-per-step" in tutorial("history", "-h").stdout
    assert "--git" in tutorial("new", "-h").stdout
