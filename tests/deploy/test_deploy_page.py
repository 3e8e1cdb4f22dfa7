"""Runs each command of the deployment page on an empty machine.

All tests share the machine. They run in the order in which they are written.
"""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from support.machine import CommandFailed, Machine, why_not
from support.machine.sentinels import here, install_all, redis_machines
from support.machine.shell import Shell
from support.machine.site import Browser, busy, wait_for_answer, wait_for_answers
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.runtime.processes import Processes
from tutorial.runtime.services import start_stand_in
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.slow(400),
    pytest.mark.xdist_group("deploy"),
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]

PAGE = (ROOT / "docs" / "deploy.md").read_text()
CERTIFICATE = "/etc/ssl/search/fullchain.pem"


def sections() -> dict[str, list[str]]:
    """Return the command blocks of each section of the page, by the section's title."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^(?=###? )", PAGE, flags=re.M)[1:]:
        title, _, rest = section.partition("\n")
        found[title.lstrip("# ")] = re.findall(r"^```sh\n(.*?)^```", rest, re.M | re.S)
    return found


SECTIONS = sections()


class Deployed(Shell):
    """The machine with the site, after the commands that have run so far."""

    def __init__(self, machine: Machine, address: Path, api: dict[str, str]) -> None:
        super().__init__(machine, address)
        self.api = api  # environment variables for the stand-in of the API

    def follow(self, title: str) -> str:
        """Run the commands of a section, and return what they print."""
        return "".join(self.type(block) for block in SECTIONS.pop(title))

    def add_settings(self) -> None:
        """Connect the app to the stand-in, and raise the app's limit on searches."""
        settings = {**self.api, "SEARCHES_PER_MINUTE": "100000"}
        lines = "\n".join(map("=".join, settings.items()))
        self.machine.run("cat >> /srv/search/env", f"{lines}\n")

    def browser(self) -> Browser:
        """Return a new visitor of the site."""
        return Browser(self.machine.run(f"cat {CERTIFICATE}"))

    def select(self, query: str) -> list[str]:
        """Run the query in the database, and return the rows that it selects."""
        psql = "runuser -u postgres -- psql --tuples-only --no-align search"
        return self.machine.run(f'{psql} -c "{query}"').splitlines()

    def requests(self) -> list[dict]:
        """Return the requests that have reached the stand-in of the API."""
        return Site("", "", self.api["OPENAI_BASE_URL"]).requests_to_openai()

    def wait_until_ended(self, browser: Browser) -> None:
        """Wait until the last 50 searches of the visitor are done."""

        def statuses() -> set[str]:
            found = browser.snapshot()
            last = browser.asked[-50:]
            return {
                found[task_id]["status"] if task_id in found else "lost"
                for task_id in last
            }

        wait_until(
            lambda: statuses() <= {"done"},
            seconds=60,
            otherwise=lambda: f"statuses: {statuses()}",
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Yield the machine after all numbered steps of the page."""
    folder = tmp_path_factory.mktemp("machine")
    address = clone(tmp_path_factory.mktemp("address"))
    with (
        Processes(lambda name, line: None) as processes,
        Machine(folder, address) as machine,
    ):
        _, variables = start_stand_in(processes, "--latency", "0.3", "--pace", "0.02")
        deployed = Deployed(machine, address, variables)
        for title in [title for title in SECTIONS if re.match(r"\d\. ", title)]:
            deployed.last_words = deployed.follow(title)
            if title == "5. Write the settings":
                deployed.add_settings()
        yield deployed


def clone(folder: Path) -> Path:
    """Commit this repository's files, with uncommitted changes, to a new repository."""
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        text=True,
    )
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    copy = ["cp", "--parents", *names, str(folder)]
    subprocess.run(copy, cwd=ROOT, check=True)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The code")
    return folder


def git(folder: Path, *arguments: str) -> None:
    """Run git with a name and an email address for commits."""
    name = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True)


def test_the_numbered_steps_lead_to_a_running_site(site):
    assert "HTTP/1.1 200 OK" in site.last_words
    browser = site.browser()
    response = browser.ask("Does it run?")
    assert response.status_code == 202, response.text
    with browser.open_socket() as opened:
        state = wait_for_answer(opened, response.json()["search"]["task_id"])
    assert state["status"] == "done"
    # Only root can change the code.
    with pytest.raises(CommandFailed, match="Permission denied|Read-only"):
        site.machine.run("runuser -u search -- touch /srv/search/current/search/x.py")
    with pytest.raises(CommandFailed, match="Permission denied"):
        site.machine.run("runuser -u nobody -- cat /srv/search/env")


def test_private_files_and_addresses_are_inaccessible(site):
    browser = site.browser()
    for path in ("/metrics", "/healthz", "/readyz"):
        assert browser.get(path).status_code == 404
    # Browsers may cache a file for a long time if its name contains a digest.
    found = re.findall(r'(?:src|href)="(/static/[^"]+)"', browser.get().text)
    assert len(found) == 2
    for path in found:
        response = browser.get(path)
        assert response.status_code == 200
        assert "max-age=315360000" in response.headers["cache-control"]
    response = browser.get("/", headers={"Host": "other.example.org"})
    assert response.status_code == 400


def test_sixty_visitors_can_share_an_ip_address_but_a_flood_of_logins_is_refused(site):
    people = [site.browser() for _ in range(60)]
    assert {person.get().status_code for person in people} == {200}
    assert {person.log_in("ada", "wrong") for person in people} == {200}
    guesses = {people[0].log_in("ada", str(number)) for number in range(60)}
    assert guesses == {200, 429}


def test_the_systemd_units_are_valid(site):
    names = "search-web@8001.service search-worker@1.service search-clean.timer"
    # The command needs neither the machine's users nor a running systemd.
    site.machine.run(f"cd /etc/systemd/system && systemd-analyze verify {names}")


def test_no_request_fails_while_a_new_release_is_installed(site):
    change = site.address / "final" / "search" / "static" / "search" / "style.css"
    change.write_text(change.read_text() + "/* The next release. */\n")
    git(site.address, "commit", "--quiet", "--all", "--message", "The next release")
    browser, other = site.browser(), site.browser()
    before = re.search(r"/static/search/style\.\w+\.css", browser.get().text)[0]
    user = browser.ask("Who am I?").json()["user"]
    with busy(other) as seen:
        output = site.follow("Install a new release")
    assert "Release 2 is running." in output
    assert set(seen) == {200, 202}, seen
    after = re.search(r"/static/search/style\.\w+\.css", browser.get().text)[0]
    assert before != after
    assert {browser.get(path).status_code for path in (before, after)} == {200}
    assert browser.user() == str(user)
    site.wait_until_ended(other)


def test_no_request_fails_while_the_previous_release_is_restored(site):
    browser = site.browser()
    new = re.search(r"/static/search/style\.\w+\.css", browser.get().text)[0]
    with busy(browser) as seen:
        site.follow("Return to the previous release")
    assert set(seen) == {200, 202}, seen
    old = re.search(r"/static/search/style\.\w+\.css", browser.get().text)[0]
    assert old != new
    site.wait_until_ended(browser)


def test_a_release_that_does_not_start_is_rolled_back(site):
    """The release fails twice: first its web process, then its worker."""
    browser = site.browser()
    current = site.machine.run("readlink /srv/search/current")
    copy = "cp --archive /srv/search/releases/2 /srv/search/releases/3"
    site.machine.run(copy)
    for file in ("config/asgi.py", "search/rounds.py"):
        site.machine.run(f"echo 'raise SystemExit' >> /srv/search/releases/3/{file}")
        with pytest.raises(CommandFailed, match="Release 3 does not run. Back to"):
            site.machine.run(
                "sed 's/--retry 60/--retry 3/' /srv/search/releases/3/deploy/switch"
                " > /root/switch && sh /root/switch 3"
            )
        assert site.machine.run("readlink /srv/search/current") == current
        assert browser.ask("Does it still run?").status_code == 202
        site.wait_until_ended(browser)
        site.machine.run(f"rm -r /srv/search/releases/3 && {copy}")


def test_users_stay_logged_in_after_the_secret_key_is_changed(site):
    browsers = [site.browser() for _ in range(3)]
    users = [str(browser.ask("Who am I?").json()["user"]) for browser in browsers]
    other = site.browser()  # a second page of the first visitor
    other.client.cookies.update(browsers[0].client.cookies)
    browsers, users = [*browsers, other], [*users, users[0]]
    before = site.machine.run("grep ^SECRET_KEY= /srv/search/env")
    seen, is_over = set(), threading.Event()

    def go_on():
        while not is_over.wait(0.1):
            seen.update(zip(users, (b.user() for b in browsers), strict=True))

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        site.follow("Change the secret key")
    finally:
        is_over.set()
        thread.join()
    assert site.machine.run("grep ^SECRET_KEY= /srv/search/env") != before
    assert seen == {(user, user) for user in users}
    for browser in browsers:
        assert browser.ask("And now?").json()["user"] in map(int, users)
        site.wait_until_ended(browser)


def test_a_backup_made_under_load_can_be_restored(site):
    browser = site.browser()
    backup, restore = SECTIONS.pop("Back up and restore")
    with busy(browser):
        wait_until(lambda: len(browser.asked) > 20, seconds=30, otherwise="not busy")
        kept = list(browser.asked)
        site.type(backup)
    site.type(restore)
    wait_until(lambda: browser.get().status_code == 200, seconds=30, otherwise="down")
    browser.asked = kept  # later searches are not in the backup
    site.wait_until_ended(browser)


def test_the_searches_of_step_7_are_moved_to_postgresql(site, tmp_path):
    old = tmp_path / "db.sqlite3"
    make_database_of_step_7(old)
    site.machine.run("cat > /root/db.sqlite3.base64", to_base64(old))
    site.machine.run("base64 --decode /root/db.sqlite3.base64 > /root/db.sqlite3")
    output = site.follow("Move from SQLite to PostgreSQL")
    assert re.search(r"Installed [1-9]\d* object", output), output
    found = site.select("SELECT query, answer, status FROM search_searchresult")
    assert found == ["What is kept?|This.|done"]
    # The ids of new rows do not collide with those of the copied rows.
    browser = site.browser()
    wait_until(lambda: browser.get().status_code == 200, seconds=30, otherwise="down")
    assert browser.ask("Is there room?").status_code == 202
    site.wait_until_ended(browser)


def make_database_of_step_7(path: Path) -> None:
    """Make a database of step 7 with one answered search."""
    folder = steps.find("7").folder
    script = (
        "import django; django.setup();"
        "from django.core.management import call_command as call;"
        "from django.conf import settings;"
        "call('migrate', verbosity=0);"
        "from django.contrib.auth import get_user_model as users;"
        "from search.models import SearchResult as Row; import uuid;"
        "user = users().objects.create_user('guest-of-step-7');"
        "Row.objects.create(user=user, task_id=uuid.uuid4(), query='What is kept?',"
        " answer='This.')"
    )
    start = (
        "import sys; sys.path.insert(0, '.');"
        "from config import settings as s;"
        f"s.DATABASES['default']['NAME'] = {str(path)!r};"
    )
    subprocess.run(
        [sys.executable, "-c", start + script],
        cwd=folder,
        env={
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=True,
    )


def to_base64(path: Path) -> str:
    """Return the content of the file in base64."""
    return subprocess.check_output(["base64", str(path)], text=True)


def test_pgbouncer_can_be_added(site):
    browser = site.browser()
    output = site.follow("Put PgBouncer in front of PostgreSQL")
    assert "is running." in output
    for number in range(5):
        assert browser.ask(f"Is it number {number}?").status_code == 202
    site.wait_until_ended(browser)
    activity = "pg_stat_activity WHERE datname = 'search'"
    (used,) = site.select(f"SELECT count(*) FROM {activity}")
    assert 0 < int(used) <= 50


@pytest.fixture(scope="module")
def redises(site, tmp_path_factory):
    """Yield the machines for Redis and Sentinel. All later tests need them, too."""
    with redis_machines(tmp_path_factory.mktemp("redis"), site.address) as machines:
        yield machines


def test_no_search_is_lost_if_the_redis_master_fails(site, redises):
    """The test kills the master, and pauses the Sentinel that the site asks first."""
    introduce, install, verify, enter, settings = SECTIONS.pop(
        "Let Redis survive a failure"
    )
    password = "a1" * 24
    for machine in redises:
        machine.introduce(introduce, password)
    install_all(redises, install)
    wait_until(
        lambda: "OK 3 usable Sentinels" in redises[0].type(verify),
        seconds=20,
        otherwise="the Sentinels do not find each other",
    )
    assert [machine.role() for machine in redises] == ["master", "slave", "slave"]
    site.type(enter, f"{password}\n")
    browser, other = site.browser(), site.browser()
    asked_before = len(site.requests())
    browser.ask("Who am I?")
    with busy(other) as seen:
        assert "is running." in site.type(here(settings))
    assert set(seen) == {200, 202}, seen
    for visitor in (browser, other):
        site.wait_until_ended(visitor)
    assert len(site.requests()) - asked_before == 1 + seen[202]

    first, *others = redises
    failed, asked_before = first.master(), len(site.requests())
    with busy(other) as seen, browser.open_socket() as opened:
        browser.ask("Who asks before?")
        first.signal("STOP", "redis-sentinel")
        first.signal("KILL", "redis-server")
        browser.ask("Who asks during the failure?")
        wait_until(
            lambda: (
                failed not in (new := {m.master() for m in others}) and len(new) == 1
            ),
            seconds=30,
            otherwise="no new master",
        )
        browser.ask("Who asks after?")
        states = wait_for_answers(opened, browser.asked).values()
    assert [state["status"] for state in states] == ["done"] * 4
    assert set(seen) == {200, 202}, seen
    for visitor in (browser, other):
        site.wait_until_ended(visitor)
    states = site.select("SELECT DISTINCT status FROM search_searchresult")
    assert states == ["done"]
    assert len(site.requests()) - asked_before == 3 + seen[202]

    first.signal("CONT", "redis-sentinel")
    first.type("systemctl start redis-server")
    wait_until(
        lambda: sorted(m.role() for m in redises) == ["master", "slave", "slave"],
        seconds=30,
        otherwise="the failed Redis does not become a replica",
    )


def test_an_operator_can_read_searches_in_the_admin(site):
    prepare, create = SECTIONS.pop("Accounts")
    site.type(prepare)
    variables = (
        "DJANGO_SUPERUSER_PASSWORD=Lovelace-1 DJANGO_SUPERUSER_EMAIL=a@b.example"
    )
    create = create.strip() + " --no-input --username operator"
    assert "Superuser created" in site.type(f"export {variables}\n{create}")
    site.browser().ask("Who reads this?")
    browser = site.browser()
    page = browser.get("/admin/login/").text
    for path in re.findall(r'href="(/static/admin/[^"]+)"', page):
        assert browser.get(path).status_code == 200
    assert browser.log_in("operator", "Lovelace-1", "/admin/login/") == 302
    page = browser.get("/admin/search/searchresult/")
    assert "Who reads this?" in page.text


def test_no_command_of_the_page_is_left_out(site):
    left = {title for title, blocks in SECTIONS.items() if blocks}
    # "With Docker" needs a container engine. "Get a certificate" needs a public domain.
    assert left == {"With Docker", "Get a certificate"}
