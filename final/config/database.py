"""Where the database is, and how long a process waits for it."""

from weakref import WeakSet

import environ
from django.db.backends.signals import connection_created

from .environment import service_address, text

# Of a process that serves visitors: another transaction may hold a lock for minutes.
LIMITS = "SET lock_timeout = '1s'; SET statement_timeout = '10s'"

# The web process and the worker write at the same time.
SQLITE = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
}
# Seconds and milliseconds: a dead network path does not block a process.
POSTGRESQL = {"connect_timeout": 5, "tcp_user_timeout": 10_000}

limited = WeakSet()  # connections of the pool that have the limits


def read_database(default, connections):
    """The database of DATABASE_URL, or else the SQLite file `default`.

    A process has at most so many connections to PostgreSQL.
    """
    found = {"ENGINE": "django.db.backends.sqlite3", "NAME": default}
    if url := text("DATABASE_URL"):
        service_address(url, "DATABASE_URL", "postgres", "postgresql", "sqlite")
        found = environ.Env.db_url_config(url)
    if password := text("DATABASE_PASSWORD"):
        found["PASSWORD"] = password
    if found["ENGINE"].endswith("sqlite3"):
        options = SQLITE
        # Each thread keeps its connection to the file.
        found["CONN_MAX_AGE"] = None
    else:
        # A request takes a connection from the pool, and gives it back at its end. If
        # none is free, or the database is away, it waits `timeout` seconds.
        pool = {"min_size": 1, "max_size": connections, "timeout": 5}
        options = {**POSTGRESQL, "pool": pool}
        # PgBouncer may give each transaction another connection of the server.
        found["DISABLE_SERVER_SIDE_CURSORS"] = True
    # Options after the "?" of DATABASE_URL take precedence.
    found["OPTIONS"] = {**options, **found.get("OPTIONS", {})}
    # Before it is used again, a connection is tested.
    found["CONN_HEALTH_CHECKS"] = True
    return found


def be_impatient():
    """Limit how long the connections that this process will make wait for a lock.

    Web and worker call it. A migration, or another command, may take its time.
    """
    connection_created.connect(set_limits)


def set_limits(sender, connection, **kwargs):
    if connection.vendor == "postgresql" and connection.connection not in limited:
        with connection.cursor() as cursor:
            cursor.execute(LIMITS)
        limited.add(connection.connection)
