"""Only the map's page can read the map's data. The data contains no secrets."""

import asyncio
import contextlib
import json
import re
import threading
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from support.mapped import Mapped
from tutorial.live_map.server import LiveMap
from tutorial.live_map.state import State
from tutorial.observer.events import Tail
from tutorial.project import steps
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.stack import Stack
from tutorial.runtime.waiting import wait_until


@pytest.fixture
def server(tmp_path):
    """Serve the map of a project that has not started yet."""
    step = steps.find("7")
    stack = Stack(step.folder, root=tmp_path)
    with LiveMap(State(stack, step, Tail(tmp_path / "events")), free_port()) as live:
        yield live


class DropsCancellation(State):
    """A state of the map. Its `look` ignores a cancellation, as a library may do."""

    is_looking = False

    async def look(self) -> None:
        self.is_looking = True
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def test_the_map_ends_even_if_a_cancellation_is_dropped(tmp_path):
    step = steps.find("7")
    state = DropsCancellation(
        Stack(step.folder, root=tmp_path), step, Tail(tmp_path / "events")
    )
    before = {*threading.enumerate()}
    with LiveMap(state, free_port()):
        wait_until(
            lambda: state.is_looking, seconds=10, otherwise="the map never looks"
        )
    assert {*threading.enumerate()} <= before


def fetch(url: str, method: str = "GET", **headers: str) -> tuple[int, str, dict]:
    """Send a request, and return the response's status, text and headers."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers=names, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, response.read().decode(), dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


@pytest.mark.parametrize("path", ["/", "/map.js", "/map.css", "/recording"])
def test_responses_have_a_strict_content_security_policy(server, path):
    status, text, headers = fetch(server.url + path)
    assert (status, bool(text)) == (200, True)
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/", "/events", "/recording", "/map.js"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8002"},
        {"Origin": "https://evil.example"},
        # The project counts as another site, too, because it runs other people's code.
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "null"},
    ],
    ids=["host", "host-and-port", "origin", "another-port", "no-origin"],
)
def test_requests_from_other_sites_are_refused(server, path, headers):
    status, text, _ = fetch(server.url + path, **headers)
    assert status == 403
    assert "searches" not in text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_can_link_to_the_map_but_not_load_its_files(server, site):
    assert fetch(f"{server.url}/recording", Sec_Fetch_Site=site)[0] == 403
    assert fetch(f"{server.url}/map.js", Sec_Fetch_Site=site)[0] == 403
    # A link to the map is allowed, because the other site cannot read the page.
    assert fetch(server.url, Sec_Fetch_Site=site)[0] == 200


def test_only_get_requests_to_existing_paths_succeed(server):
    assert fetch(server.url, "POST")[0] == 403
    assert fetch(f"{server.url}/../server.py")[0] == 404
    assert fetch(f"{server.url}/nothing")[0] == 404
    port = f":{server.port}"
    assert fetch(server.url, Host=f"localhost{port}")[0] == 200


def test_a_page_of_another_site_cannot_read_the_stream(server, chromium):
    page = chromium.new_page()
    page.goto("data:text/html,<title>another site</title>")
    outcome = page.evaluate(
        """url => new Promise(done => {
            const stream = new EventSource(url);
            stream.onmessage = () => done("read");
            stream.onerror = () => done("refused");
        })""",
        f"{server.url}/events",
    )
    assert outcome == "refused"


@pytest.mark.slow(8)
def test_the_data_contains_no_key_cookie_token_or_password(run_mapped, chromium):
    key = "sk-test-0123456789abcdef"
    running: Mapped = run_mapped("final", environment={"OPENAI_API_KEY": key})
    page = chromium.new_page()
    page.goto(running.site.url)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_label("Your question").fill("simulate: bad key")
    page.get_by_role("button", name="Search").click()
    running.wait_for("failed", "arrived")
    # The sign-up form sends a password, which must not be in the data either.
    page.goto(f"{running.site.url}/accounts/sign-up/")
    page.locator("[name=username]").fill("ada")
    for name in ("password1", "password2"):
        page.locator(f"[name={name}]").fill("correct-horse-battery")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_label("Your question")).to_be_visible()
    wait_until(
        lambda: len(running.searches()) == 1,
        seconds=10,
        otherwise=lambda: f"signing up counts as a search: {running.searches()}",
    )
    text = json.dumps(running.live.everything())
    secrets = [cookie["value"] for cookie in page.context.cookies()]
    tokens = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content())
    assert tokens
    for secret in (key, *secrets, *tokens, "correct-horse-battery", "pbkdf2"):
        assert secret not in text
