"""The app serves more simultaneous requests than PostgreSQL has connections."""

import configparser
import contextlib

import psycopg
import pytest

from support.app.person import Person, at_the_same_time
from support.app.postgres import find_programs, start_server, through_pgbouncer
from support.app.start import start_app
from support.running import Running
from tutorial.project import procfile, steps
from tutorial.runtime.exclusive import free_port, listens
from tutorial.runtime.waiting import wait_until

TOO_MANY = 35, "more simultaneous requests than the database has connections"

WEBS = 4  # the number of web processes
REQUESTS = 40  # the number of simultaneous requests to each web process


@pytest.mark.slow(20)
@pytest.mark.fault(*TOO_MANY)
@pytest.mark.parametrize("way", ["pool", "pgbouncer"])
def test_each_of_many_simultaneous_requests_is_accepted(tmp_path, way):
    with contextlib.ExitStack() as exits:
        server = exits.enter_context(
            start_server(find_programs(), max_connections="100")
        )
        database = direct = server.new_database()
        # In the test with PgBouncer, the app's own pools are made so large that only
        # PgBouncer limits the number of connections.
        variables = {}
        if way == "pgbouncer":
            database = exits.enter_context(through_pgbouncer(server, direct))
            variables["DATABASE_CONNECTIONS"] = "60"
        running = start_app(tmp_path, {"DATABASE_URL": database, **variables})
        exits.callback(running.stop)
        addresses = [running.site.url, *start_webs(running, WEBS - 1)]
        people = [Person(running.site) for _ in range(WEBS * REQUESTS)]
        turns = enumerate(people)

        def ask() -> int:
            number, person = next(turns)
            return person.post("Who is served?", path=addresses[number % WEBS])[0]

        statuses = at_the_same_time(ask, len(people))
        lines = "\n".join(line for _, line in running.log if "database" in line)
        assert set(statuses) == {202}, lines
        assert connections(direct) < 97, "3 are reserved for administrators"
        # Afterwards, each web process still accepts searches.
        for address in addresses:
            assert people[0].post("And now?", path=address)[0] == 202


@pytest.mark.fault(11, "kill -9 of the worker")
def test_pgbouncer_releases_the_locks_of_a_client_that_sends_nothing(postgres):
    ini = configparser.RawConfigParser()
    ini.read(steps.find("final").folder / "deploy" / "pgbouncer.ini")
    name = "idle_transaction_timeout"
    with contextlib.ExitStack() as exits:
        url = exits.enter_context(
            through_pgbouncer(
                postgres, postgres.new_database(), **{name: ini["pgbouncer"][name]}
            )
        )
        frozen, other = [exits.enter_context(psycopg.connect(url)) for _ in range(2)]
        other.execute("CREATE TABLE search (id integer)")
        other.commit()
        frozen.execute("LOCK TABLE search")
        other.execute("SET lock_timeout = '20s'")
        other.execute("LOCK TABLE search")
        # The app tries again after such an error.
        with pytest.raises(psycopg.OperationalError):
            frozen.execute("SELECT 1")


def start_webs(running: Running, count: int) -> list[str]:
    """Start more web processes, and return their addresses once they listen."""
    ports = [free_port() for _ in range(count)]
    command = procfile.processes(running.project.folder)["web"]
    for port in ports:
        running.processes.start(
            f"web {port}",
            command,
            folder=running.project.folder,
            environment=running.project.environment | {"PORT": str(port)},
        )
    wait_until(
        lambda: all(map(listens, ports)),
        seconds=60,
        otherwise="a web process does not listen",
    )
    return [f"http://127.0.0.1:{port}/" for port in ports]


def connections(url: str) -> int:
    """Return the number of client connections to the database server."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = %s"
    with psycopg.connect(url) as connection:
        return connection.execute(query, ["client backend"]).fetchone()[0]
