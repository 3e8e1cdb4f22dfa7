"""The settings that the environment may give, and the messages for wrong ones."""

import importlib.util
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

PASSWORD = "xyzzy-1"
FINAL = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "a7Kq-Zx" * 8,
    "SITE_ORIGINS": "https://search.example.org",
}


@pytest.fixture
def read(monkeypatch):
    """A function (NAME=value, ...) that reads the settings with this environment."""

    def read_settings(**environment):
        for name in set(os.environ) - {"PATH", "HOME"}:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        # Another module than the one that Django has: that keeps its settings.
        spec = importlib.util.find_spec("config.settings")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return read_settings


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


def test_a_wrong_setting_stops_a_command_with_its_message():
    result = check(**PRODUCTION | {"PORT": "http"})
    assert result.returncode != 0
    assert "PORT" in result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["SECRET_KEY", "SITE_ORIGINS"])
def test_production_has_no_default_for_what_matters(read, name):
    environment = {key: value for key, value in PRODUCTION.items() if key != name}
    with pytest.raises(ImproperlyConfigured, match=f"Set {name}, for example"):
        read(**environment)


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
def test_a_wrong_value_is_reported(read, name, value):
    with pytest.raises(ImproperlyConfigured) as error:
        read(**PRODUCTION | {name: value})
    last = str(error.value).splitlines()[-1]
    assert name in last
    assert value.split()[-1] in last


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_wrong_address_is_reported_without_its_password(read, name):
    with pytest.raises(ImproperlyConfigured, match=f"{name} must start with") as error:
        read(**PRODUCTION | {name: f"user:{PASSWORD}@host/search"})
    # A traceback shows what the exception was raised from, too.
    assert PASSWORD not in "".join(traceback.format_exception(error.value))


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
def test_the_address_of_the_database_may_have_options(read, address, name, value):
    settings = read(DEBUG="1", DATABASE_URL=address)
    assert settings.DATABASES["default"]["OPTIONS"][name] == value
