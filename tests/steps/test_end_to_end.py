"""The end-to-end test of `final/` passes there, and fails without the WebSocket."""

import subprocess
import sys

import pytest

from tutorial.paths import ROOT


def end_to_end(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the end-to-end test of `final/` against the app at `url`."""
    command = [sys.executable, "-m", "pytest", "final/e2e", "--base-url", url]
    # The repository's pytest settings are needed to load the repository's conftest.py,
    # which finds the browser.
    command += ["-c", "pyproject.toml", "-n", "0", *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=180
    )


@pytest.mark.xdist_group("step final")
def test_the_end_to_end_test_passes_on_the_finished_app(run_step):
    result = end_to_end(run_step("final").site.url)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.xdist_group("step 5")
def test_the_end_to_end_test_fails_if_no_server_accepts_the_socket(run_step):
    result = end_to_end(run_step("5").site.url, "-x")
    assert result.returncode == 1
    assert 'unexpected value "Offline: nobody answers the socket"' in result.stdout


@pytest.mark.lab
def test_the_end_to_end_test_fails_if_the_socket_receives_nothing(run_copy):
    """The consumer sends no frame. The form, the worker and the requests still work."""
    send = "await self.send(text_data=json.dumps(data))"
    running = run_copy("final", "search/consumers.py", send, "json.dumps(data)")
    result = end_to_end(running.site.url, "-x")
    assert result.returncode == 1
    assert "not exactly one frame contained the answer" in result.stdout
