"""How long a process that serves visitors waits for PostgreSQL."""

from weakref import WeakSet

from django.db.backends.signals import connection_created

# Another transaction may hold a lock for minutes.
LIMITS = "SET lock_timeout = '1s'; SET statement_timeout = '10s'"

limited = WeakSet()  # connections of the pool that have the limits


def be_impatient():
    """Limit the connections that this process will make.

    Web and worker call it. A migration, or another command, may take its time.
    """
    connection_created.connect(set_limits)


def set_limits(sender, connection, **kwargs):
    if connection.vendor == "postgresql" and connection.connection not in limited:
        with connection.cursor() as cursor:
            cursor.execute(LIMITS)
        limited.add(connection.connection)
