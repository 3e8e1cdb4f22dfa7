"""Redirects a project to the check's database and Redis, whatever its settings are."""

import functools
import os
import socket

from .notes import ROOT, guarded

# Whether the project is redirected, as in a check. The live map does not redirect it.
IS_MOVED = "TUTORIAL_REDIS" in os.environ


def watch_settings(module):
    if not IS_MOVED:
        return
    load = module.Settings.__init__

    @functools.wraps(load)
    def __init__(self, settings_module):
        load(self, settings_module)
        move_database(self)

    module.Settings.__init__ = __init__


@guarded
def move_database(settings):
    """Replace a database outside the project's folder by a copy or a new database."""
    database = getattr(settings, "DATABASES", {}).get("default") or {}
    is_sqlite = database.get("ENGINE") == "django.db.backends.sqlite3"
    name = str(database.get("NAME") or "")
    if not name or ":memory:" in name or not database.get("ENGINE"):
        return
    if is_sqlite and os.path.realpath(name).startswith(ROOT):
        return
    target = os.environ["TUTORIAL_DATABASE"]
    if is_sqlite and os.path.exists(name) and not os.path.exists(target):
        import sqlite3

        with sqlite3.connect(name) as old, sqlite3.connect(target) as new:
            old.backup(new)
    kept = database.get("OPTIONS", {}) if is_sqlite else {}
    settings.DATABASES["default"] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": target,
        "OPTIONS": kept,
        "ATOMIC_REQUESTS": database.get("ATOMIC_REQUESTS", False),
    }


def watch_redis(module):
    """Redirect the project's Redis connections to the Redis of the check.

    Connections to the usual port of Redis on this machine are always redirected.
    Connections to any other address are redirected if something answers there.
    """
    if not IS_MOVED:
        return
    connection = module.Connection
    connect = connection._connect

    def move(self):
        host, port = os.environ["TUTORIAL_REDIS"].rsplit(":", 1)
        here = {"127.0.0.1", "localhost", "::1", "0.0.0.0"}
        if (self.host, str(self.port)) == (host, port):
            return
        if self.host in here and self.port == 6379 or answers(self.host, self.port):
            self.host, self.port = host, int(port)
            self.username = self.password = None

    @functools.wraps(connect)
    def _connect(self, *args, **kwargs):
        guarded(move)(self)
        return connect(self, *args, **kwargs)

    connection._connect = _connect


@functools.cache
def answers(host, port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        try:
            return probe.connect_ex((host, port)) == 0
        except OSError:
            return False
