"""Commands work, and a wrong command prints a short message without a traceback."""

import os
import socket
import subprocess
import sys

import pytest

from support.program import check_message, tutorial
from tutorial.paths import ROOT
from tutorial.runtime.exclusive import free_port

SECRET = "sk-a-secret-that-nobody-may-read"


def test_without_arguments_the_program_lists_its_commands_in_order_of_use():
    result = tutorial()
    assert result.returncode == 0
    places = [result.stdout.index(f"\n    {name} ") for name in ("run", "diff", "test")]
    assert places == sorted(places)


@pytest.mark.parametrize("step", ["8", "0", "-", "final2", "seven"])
def test_a_wrong_step_is_reported(step):
    result = tutorial("diff", "7", step)
    check_message(result, f'There is no step "{step}"', "1 to 7", "final")


def test_an_unknown_command_is_reported():
    check_message(tutorial("rnu"), "rnu", "python3 -m tutorial -h")


def test_an_unknown_option_is_reported():
    check_message(tutorial("run", "--prot", "1"), "--prot")


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_wrong_port_is_reported(port):
    check_message(tutorial("run", "1", "--port", port), "a number from 1 to 65535")


def test_a_taken_port_is_reported(root):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        result = tutorial("run", "1", "--port", port, root=root)
    check_message(result, f"Port {port} is not available", "--port")


def test_a_redis_that_does_not_answer_is_reported_without_its_password(root):
    address = f"127.0.0.1:{free_port()}"
    url = f"redis://user:{SECRET}@{address}/0"
    port = str(free_port())
    result = tutorial("run", "3", "--port", port, root=root, REDIS_URL=url)
    check_message(result, "REDIS_URL", address)
    assert SECRET not in result.stdout + result.stderr


def test_a_wrong_redis_url_is_reported(root):
    port = str(free_port())
    result = tutorial("run", "3", "--port", port, root=root, REDIS_URL="localhost")
    check_message(result, "REDIS_URL")


@pytest.mark.parametrize(
    ("pretence", "words"),
    [
        ("sys.version_info = (3, 9, 1, 'final', 0)", ("3.11 or newer", "Python 3.9")),
        ("sys.platform = 'win32'", ("Linux or macOS", "wsl --install", "/mnt/c")),
    ],
    ids=["an old Python", "Windows"],
)
def test_an_unsupported_machine_is_reported(pretence, words):
    code = (
        f"import runpy, sys; {pretence}; runpy.run_module('tutorial', None, '__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    check_message(result, *words)


def test_an_installation_that_fails_without_a_network_is_explained(fresh_clone):
    # Nothing listens on port 9 of this machine.
    variables = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
        "UV_INDEX_URL": "http://127.0.0.1:9/",
        "UV_NO_CACHE": "1",
        "UV_HTTP_RETRIES": "0",
    }
    result = tutorial("run", "1", root=fresh_clone, **variables)
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "Traceback" not in output
    assert "The packages could not be installed: no connection" in output
    assert "run the same command again" in output


def test_diff_shows_what_a_step_adds():
    result = tutorial("diff", "3", "4")
    assert result.returncode == 0
    assert "New process: worker (celery --app config worker" in result.stdout
    assert "New package: openai" in result.stdout
    assert "search/models.py (new file)" in result.stdout
    assert "\n+        answer = response.output_text\n" in result.stdout
    assert "\033[" not in result.stdout, "colour without a terminal"


def test_diff_says_what_a_new_package_needs():
    server = "\nStart: a Redis server, such as redis-server\n"
    key = "\nSet: OPENAI_API_KEY, your key for the OpenAI API\n"
    two_to_three, three_to_four = (
        tutorial("diff", *pair).stdout for pair in (("2", "3"), ("3", "4"))
    )
    assert server in two_to_three and key not in two_to_three
    assert key in three_to_four and server not in three_to_four


def test_diff_says_what_to_restart_and_when_to_migrate():
    assert "Restart: web" in tutorial("diff", "5", "6").stdout
    migrate = "\nMigrate: python manage.py migrate\n"
    assert migrate in tutorial("diff", "3", "4").stdout
    assert migrate not in tutorial("diff", "4", "5").stdout


def test_diff_accepts_the_step_final_and_the_option_stat():
    result = tutorial("diff", "1", "final", "--stat")
    assert result.returncode == 0
    assert "steps/01_template -> final" in result.stdout
    assert "search/consumers.py" in result.stdout
    assert "import" not in result.stdout
