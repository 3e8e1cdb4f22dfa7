"""The settings of the database, and how long a process waits for it."""

from weakref import WeakSet

import environ
from django.db import InterfaceError, InternalError, OperationalError
from django.db.backends.signals import connection_created

from .environment import check_address, text

# The web process and the worker must not wait for locks that are held for minutes. If a
# process freezes in a transaction, the database releases its locks after 5 seconds.
LIMITS = """
    SET lock_timeout = '1s';
    SET statement_timeout = '10s';
    SET idle_in_transaction_session_timeout = '5s';
"""
# What a query raises if the connection was lost. The limit for an idle transaction
# causes an InternalError.
CONNECTION_ERRORS = (OperationalError, InterfaceError, InternalError)

# Two processes write. A process that has to wait for the other must not fail. NORMAL
# waits for the disk less often. In WAL mode, this cannot damage the database.
SQLITE = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
}
# Timeouts for a network that does not answer: in seconds, and in milliseconds.
POSTGRESQL = {"connect_timeout": 5, "tcp_user_timeout": 10_000}

limited = WeakSet()  # the pool's connections that have these limits


def read_database(default, connections):
    """Return the settings for DATABASE_URL, or for the SQLite file `default`.

    A process opens at most `connections` connections to PostgreSQL.
    """
    found = {"ENGINE": "django.db.backends.sqlite3", "NAME": default}
    if url := text("DATABASE_URL"):
        check_address(url, "DATABASE_URL", "postgres", "postgresql", "sqlite")
        found = environ.Env.db_url_config(url)
    if password := text("DATABASE_PASSWORD"):
        found["PASSWORD"] = password
    if found["ENGINE"].endswith("sqlite3"):
        options = SQLITE
        # Each thread keeps its connection to the file.
        found["CONN_MAX_AGE"] = None
    else:
        # A request takes a connection from the pool and returns it at the end. It waits
        # for up to `timeout` seconds if none is free, or if the database is down.
        pool = {"min_size": 1, "max_size": connections, "timeout": 5}
        options = {**POSTGRESQL, "pool": pool}
        # PgBouncer may use a different server connection for each transaction.
        found["DISABLE_SERVER_SIDE_CURSORS"] = True
    # Options after the "?" of DATABASE_URL take precedence.
    found["OPTIONS"] = {**options, **found.get("OPTIONS", {})}
    # Test each connection before it is used again.
    found["CONN_HEALTH_CHECKS"] = True
    return found


def be_impatient():
    """Limit how long new connections of this process wait for a lock.

    The web process and the worker call this. Commands such as `migrate` have no limit.
    """
    connection_created.connect(set_limits)


def set_limits(sender, connection, **kwargs):
    if connection.vendor == "postgresql" and connection.connection not in limited:
        with connection.cursor() as cursor:
            cursor.execute(LIMITS)
        limited.add(connection.connection)
