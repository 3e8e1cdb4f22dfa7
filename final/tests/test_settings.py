"""The settings from the environment, and the messages for invalid ones."""

import importlib.util
import os
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.redis_address import PATIENCE

PASSWORD = "xyzzy-1"
FINAL = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "a7Kq-Zx" * 8,
    "SITE_ORIGINS": "https://search.example.org",
    "OPENAI_API_KEY": "sk-any",
}


@pytest.fixture
def read(monkeypatch):
    """Return a function that reads the settings from given environment variables."""

    def read_settings(**environment):
        for name in set(os.environ) - {"PATH", "HOME"}:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        # Load a copy of the module, so that the settings of Django do not change.
        spec = importlib.util.find_spec("config.settings")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return read_settings


def check(*arguments, **environment):
    """Run `manage.py check` with only this environment."""
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


def test_debug_needs_no_other_setting():
    result = check(DEBUG="1")
    assert result.returncode == 0, result.stderr


def test_a_command_stops_with_the_message_for_an_invalid_setting():
    result = check(**PRODUCTION | {"PORT": "http"})
    assert result.returncode != 0
    assert "PORT" in result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["SECRET_KEY", "SITE_ORIGINS"])
def test_production_has_no_default_for_required_settings(read, name):
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
        ("SITE_ORIGINS", "https://["),
        ("SITE_ORIGINS", "https://:443"),
        ("SITE_ORIGINS", "https://search.example.org:99999"),
        ("SITE_ORIGINS", "https://*.example.org"),
        ("SITE_ORIGINS", "https://ada@example.org"),
        ("CSRF_TRUSTED_ORIGINS", "example.org"),
        ("DEBUG", "si"),
        ("HTTPS_ONLY", "si"),
        ("ADMIN", "-"),
        ("OPENAI_TIMEOUT_SECONDS", "soon"),
        ("OPENAI_TIMEOUT_SECONDS", "0"),
        ("SEARCHES_PER_MINUTE", "-1"),
        ("SEARCH_LEASE_SECONDS", "nan"),
        ("PORT", "http"),
    ],
)
def test_an_invalid_value_is_reported(read, name, value):
    with pytest.raises(ImproperlyConfigured) as error:
        read(**PRODUCTION | {name: value})
    last = str(error.value).splitlines()[-1]
    assert name in last
    assert value.split()[-1] in last


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_an_invalid_address_is_reported_without_its_password(read, name):
    with pytest.raises(ImproperlyConfigured, match=f"{name} must start with") as error:
        read(**PRODUCTION | {name: f"user:{PASSWORD}@host/search"})
    # A traceback also shows the cause of the exception.
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


@pytest.mark.parametrize("key", ["$HOME" + "x" * 50, "a$PATH%41'\" b" * 9])
def test_a_secret_is_used_literally(read, key):
    environment = PRODUCTION | {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": "$one two"}
    settings = read(**environment)
    assert key == settings.SECRET_KEY
    assert settings.SECRET_KEY_FALLBACKS == ["$one", "two"]


def test_a_password_may_contain_any_character(read):
    password = "$a/b?c[d]%41#e@f"
    settings = read(
        DEBUG="1",
        DATABASE_URL="postgres://search@db/search",
        DATABASE_PASSWORD=password,
        REDIS_URL="redis://cache:6379/3",
        REDIS_PASSWORD=password,
    )
    assert settings.DATABASES["default"]["PASSWORD"] == password
    for address in (settings.REDIS.layer_host["address"], settings.CELERY_BROKER_URL):
        parts = urlsplit(address)
        assert unquote(parts.password) == password
        assert (parts.hostname, parts.port, parts.path) == ("cache", 6379, "/3")


SENTINELS = "sentinel://one:26379,two:26380/mymaster/4"


def test_each_library_gets_the_addresses_of_the_sentinels(read):
    settings = read(DEBUG="1", REDIS_URL=SENTINELS, REDIS_PASSWORD="a/b@c")
    [host, *_] = settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"]
    assert host["sentinels"] == [("one", 26379), ("two", 26380)]
    assert (host["master_name"], host["db"], host["password"]) == (
        "mymaster",
        4,
        "a/b@c",
    )
    assert settings.CELERY_BROKER_URL == (
        "sentinel://:a%2Fb%40c@one:26379/4;sentinel://:a%2Fb%40c@two:26380/4"
    )
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    assert options["master_name"] == "mymaster"
    assert options["sentinel_kwargs"].items() >= PATIENCE.items()


@pytest.mark.parametrize(
    "address",
    [
        "sentinel://",
        "sentinel://one",
        "sentinel://one:26379",
        "sentinel://one/mymaster",
        f"sentinel://user:{PASSWORD}@one:26379/mymaster",
        f"sentinel://:{PASSWORD}@/mymaster",
        "sentinel://one:26379/mymaster/zero",
    ],
)
def test_invalid_sentinels_are_reported(read, address):
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL must look like") as error:
        read(DEBUG="1", REDIS_URL=address)
    assert PASSWORD not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_an_unreadable_address_is_reported_without_its_password(read, name):
    scheme = "postgres" if name == "DATABASE_URL" else "redis"
    with pytest.raises(ImproperlyConfigured, match="_PASSWORD") as error:
        read(**PRODUCTION | {name: f"{scheme}://user:{PASSWORD}[/?@host:7/search"})
    assert PASSWORD not in "".join(traceback.format_exception(error.value))


def test_irreversible_settings_are_off_by_default(read):
    settings = read(**PRODUCTION)
    assert settings.SECURE_HSTS_SECONDS > 0
    assert not settings.SECURE_HSTS_INCLUDE_SUBDOMAINS
    assert not settings.SECURE_HSTS_PRELOAD


def test_the_deployment_check_reports_a_missing_api_key():
    result = check("--deploy", **PRODUCTION | {"OPENAI_API_KEY": ""})
    assert "OPENAI_API_KEY" in result.stderr
    assert "OPENAI_API_KEY" not in check(DEBUG="1").stderr


@pytest.mark.parametrize("value", ["1", "true", "True", "yes", "on"])
def test_true_values_are_read(read, value):
    assert read(**PRODUCTION, ADMIN=value).ADMIN is True


@pytest.mark.parametrize("value", ["0", "false", "No", "off"])
def test_false_values_are_read(read, value):
    assert read(**PRODUCTION, HTTPS_ONLY=value).HTTPS_ONLY is False


def test_an_empty_value_means_the_default(read):
    """A value is empty, for example, if a line of .env is not filled in."""
    settings = read(
        **PRODUCTION, HTTPS_ONLY="", SEARCHES_PER_MINUTE="", OPENAI_MODEL=""
    )
    assert settings.HTTPS_ONLY is True
    assert settings.SEARCHES_PER_MINUTE == 20
    assert settings.OPENAI_MODEL


@pytest.mark.parametrize(
    "name", ["EMAIL_HOST", "OPENAI_MODEL", "WORKER_METRICS", "DEFAULT_FROM_EMAIL"]
)
def test_a_value_is_used_literally(read, name):
    assert (
        getattr(read(**PRODUCTION | {name: "$HOME %s 'a' "}), name) == "$HOME %s 'a' "
    )


def test_the_default_database_is_beside_manage_py(tmp_path):
    """The name of the folder may contain special characters."""
    project = tmp_path / "with blank, c#, a?b and 50%20"
    shutil.copytree(FINAL, project, ignore=shutil.ignore_patterns("db.sqlite3*"))
    result = subprocess.run(
        [sys.executable, "manage.py", "migrate", "search", "--verbosity", "0"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "DEBUG": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert (project / "db.sqlite3").stat().st_size


def test_origins_may_have_a_port_or_an_ipv6_address(read):
    origins = "https://search.example.org:8443 http://[::1]:8000"
    settings = read(**PRODUCTION | {"SITE_ORIGINS": origins})
    assert origins.split() == settings.SITE_ORIGINS
