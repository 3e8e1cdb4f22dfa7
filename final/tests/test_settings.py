"""What the environment may say, and what whoever deploys reads where it is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FINAL = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "a7Kq-Zx" * 8,
    "SITE_ORIGINS": "https://search.example.org",
}


def check(*arguments, **environment):
    """Run `manage.py check` with nothing but this environment."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        cwd=FINAL,
        env=keep | environment,
        capture_output=True,
        text=True,
    )


def test_production_passes_djangos_own_check():
    result = check("--deploy", "--fail-level", "INFO", **PRODUCTION)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_debugging_needs_nothing():
    result = check(DEBUG="1")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "SITE_ORIGINS"])
def test_production_has_no_default_for_what_matters(name):
    environment = {key: value for key, value in PRODUCTION.items() if key != name}
    result = check(**environment)
    assert result.returncode != 0
    assert f"Set {name}, for example" in result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_ORIGINS", "search.example.org"),
        ("SITE_ORIGINS", "https://search.example.org/"),
        ("SITE_ORIGINS", "https://a.example https://b.example/path"),
        ("SITE_ORIGINS", "*"),
        ("OPENAI_TIMEOUT_SECONDS", "soon"),
        ("OPENAI_TIMEOUT_SECONDS", "0"),
        ("SEARCHES_PER_MINUTE", "-1"),
        ("SEARCH_LEASE_SECONDS", "nan"),
        ("PORT", "http"),
    ],
)
def test_a_wrong_value_is_told_in_words(name, value):
    result = check(**PRODUCTION | {name: value})
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert name in last
    assert value.split()[-1] in last


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_wrong_address_is_told_without_its_password(name):
    result = check(**PRODUCTION | {name: "user:secret@host/search"})
    assert result.returncode != 0
    assert f"{name} must start with" in result.stderr.strip().splitlines()[-1]
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    ("address", "name", "value"),
    [
        ("sqlite:///db.sqlite3?timeout=20", "timeout", 20),
        ("sqlite:///db.sqlite3?timeout=20", "transaction_mode", "IMMEDIATE"),
        ("postgres://a:b@c/d?sslmode=require", "sslmode", "require"),
        ("postgres://a:b@c/d?sslmode=require", "connect_timeout", 5),
        ("postgres://a:b@c/d?connect_timeout=2", "connect_timeout", 2),
    ],
)
def test_the_address_of_the_database_may_have_options(address, name, value):
    options = "DATABASES['default']['OPTIONS']"
    code = f"from config.settings import DATABASES; print({options}['{name}'])"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=FINAL,
        env=os.environ | {"DEBUG": "1", "DATABASE_URL": address},
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == str(value), result.stderr
