"""`prepare` prints what is installed and what is missing.

tests/program/test_offline.py runs the whole command.
"""

import pytest

from tutorial.offline import rehearsal
from tutorial.paths import requirements
from tutorial.problem import Problem
from tutorial.runtime import environment, installer


def fail() -> str:
    raise Problem("There is none.\nInstall one.")


@pytest.fixture
def rehearse(monkeypatch, capsys):
    """Return a function that runs `trials`, and returns the exit status and output."""
    monkeypatch.setattr(rehearsal, "installed", lambda: (118, 531))

    def run(**trials) -> tuple[int, list[str]]:
        monkeypatch.setattr(rehearsal, "TRIALS", trials)
        status = rehearsal.rehearse()
        return status, capsys.readouterr().out.splitlines()

    return run


def test_prepare_says_that_everything_is_ready(rehearse):
    assert rehearse(Redis=lambda: "in .venv") == (
        0,
        [
            "Installed: 118 packages, 531 MB in .venv",
            "  Redis    in .venv",
            "Ready for a day without internet.",
        ],
    )


def test_prepare_reports_what_is_missing(rehearse):
    status, lines = rehearse(Redis=lambda: "in .venv", Browser=fail)
    assert status == 1
    assert lines[2:4] == [
        "  Browser  MISSING. There is none.",
        "           Install one.",
    ]
    assert lines[4].startswith("Not ready for a day without internet: see Browser")


def test_prepare_warns_of_services_that_may_be_out_of_reach(rehearse, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://ada:secret@192.0.2.10/0")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    _, lines = rehearse(Redis=lambda: "in .venv")
    notes = " ".join(lines)
    assert "redis://192.0.2.10/0" in notes
    assert "unset OPENAI_API_KEY" in notes
    assert "secret" not in notes


def test_a_package_in_several_sets_is_counted_once():
    packages, megabytes = installer.amount(*environment.SETS)
    each = [installer.amount(name) for name in environment.SETS]
    assert max(count for count, _ in each) < packages < sum(count for count, _ in each)
    assert megabytes == sum(size for _, size in each)
    assert "django" in installer.names_in(requirements("run"))
