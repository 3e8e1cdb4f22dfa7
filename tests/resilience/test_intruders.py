"""Check the protection from foreign origins, ended sessions and injected scripts.

These tests belong to rows 19 to 21 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import contextlib
import json
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from support.app.account import PASSWORD, log_in, log_out, sign_up, user_id
from support.app.database import change, insert_search
from support.app.page import ask, expect_state, expect_status, open_page, result
from support.app.person import Person, wait_for_frame

SIGNED_OUT = 4001


def status_of_socket(site, cookie, origin, url=None):
    """Request a WebSocket, and return the HTTP status: 101 if it is accepted."""
    url = url or site.socket_url
    headers = {"Cookie": cookie} if cookie else {}
    try:
        with connect(url, origin=origin, additional_headers=headers):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def user_of_socket(site, cookie):
    """Return the user whose searches a socket with this cookie receives."""
    headers = {"Cookie": cookie} if cookie else {}
    with connect(
        site.socket_url, origin=site.url, additional_headers=headers
    ) as socket:
        return json.loads(socket.recv(timeout=10))["user"]


@pytest.mark.fault(19, "a WebSocket from another origin")
def test_sockets_are_accepted_only_from_the_origin_of_the_site(shared_app):
    site, person = shared_app.site, Person(shared_app.site)
    port = urlsplit(site.url).port
    lines = shared_app.project.running["web"].lines
    before = len(lines)
    foreign = [
        "http://evil.example",
        f"http://evil.example:{port}",
        f"http://127.0.0.1:{port + 1}",
        "http://127.0.0.1",
        f"https://127.0.0.1:{port}",
        f"ws://127.0.0.1:{port}",
        f"http://127.0.0.1.evil.example:{port}",
        f"http://evil.example/{site.url}",
        f"http://127.0.0.2:{port}",
        "null",
        "file://",
        "",
        None,
    ]
    for origin in foreign:
        assert status_of_socket(site, person.cookie_header, origin) == 403, origin
    # A socket without an existing session gets a new guest as its user.
    cookies = (person.cookie_header, "", "sessionid=guessed", "sessionid=")
    assert len({user_of_socket(site, cookie) for cookie in cookies}) == len(cookies)
    for path in ("/", "/ws/search", "/ws/search/1/", "/ws/%ff"):
        elsewhere = site.url.replace("http", "ws", 1) + path
        found = status_of_socket(site, person.cookie_header, site.url, elsewhere)
        assert found == 403, path
    assert "Exception in ASGI application" not in str(lines[before:])


def code_of_close(socket, seconds=10):
    """Wait until the server closes the socket, and return the close code."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=seconds)
    return socket.close_code


def session_key(person):
    [key] = [c.value for c in person.cookies if c.name == "sessionid"]
    return key


@pytest.mark.fault(20, "a logout, an expired session or a deleted user, and a socket")
def test_sockets_close_if_a_session_expires_or_its_user_is_changed(shared_app):
    site = shared_app.site
    expired, changed, deleted, other = [Person(site) for _ in range(4)]
    sign_up(changed, "changes-the-password")
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(person.open_socket())
            for person in (expired, changed, deleted, other)
        ]
        change(
            shared_app,
            "UPDATE django_session SET expire_date = '2000-01-01'"
            " WHERE session_key = ?",
            session_key(expired),
        )
        change(  # as if the user had changed the password in another browser
            shared_app,
            "UPDATE auth_user SET password = '!' WHERE id = ?",
            user_id(changed),
        )
        change(shared_app, "DELETE FROM auth_user WHERE id = ?", user_id(deleted))
        codes = [code_of_close(socket) for socket in sockets[:3]]
        assert codes == [SIGNED_OUT] * 3
        # The socket of another user stays open.
        sockets[3].ping().wait(5)
        task_id = other.search("Am I still here?")
        assert wait_for_frame(sockets[3], task_id)["status"] == "done"


@pytest.mark.fault(20, "a logout, an expired session or a deleted user, and a socket")
def test_sockets_close_at_once_if_the_user_logs_out_or_is_deleted(run_app):
    running = run_app(SOCKET_CHECK_SECONDS="600")
    leaving, deleted, here, there = [Person(running.site) for _ in range(4)]
    sign_up(leaving, "leaves")
    sign_up(here, "in-two-places")
    log_in(there, "in-two-places")
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(person.open_socket())
            for person in (leaving, deleted, here, there)
        ]
        log_out(leaving)
        assert code_of_close(sockets[0], 3) == SIGNED_OUT
        log_out(here)
        assert code_of_close(sockets[2], 3) == SIGNED_OUT
        code = "from django.contrib.auth.models import User; User.objects.get(id={})"
        result = running.project.manage(
            "shell", "-c", code.format(user_id(deleted)) + ".delete()"
        )
        assert result.returncode == 0, result.stderr
        assert code_of_close(sockets[1], 3) == SIGNED_OUT
        # The same user's socket in another session stays open.
        sockets[3].ping().wait(5)
        task_id = there.search("Am I still here?")
        assert wait_for_frame(sockets[3], task_id)["status"] == "done"


def log_in_by_browser(page, site, name):
    page.goto(f"{site.url}/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("nav .user")).to_have_text(name)


@pytest.mark.fault(20, "a logout, an expired session or a deleted user, and a socket")
def test_an_open_page_shows_that_its_user_has_signed_out(shared_app, chromium):
    site = shared_app.site
    for name in ("first", "second"):
        sign_up(Person(site), name)
    context = chromium.new_context()

    as_guest = open_page(context, site)
    ask(as_guest, "What did the guest ask?")
    expect_status(as_guest, "What did the guest ask?", "done")
    tab = context.new_page()
    log_in_by_browser(tab, site, "first")
    expect_state(as_guest, "Signed out")

    as_first = open_page(context, site)
    expect(result(as_first, "What did the guest ask?")).to_have_count(1)
    log_in_by_browser(tab, site, "second")
    expect_state(as_first, "Signed out")

    as_second = open_page(context, site)
    tab.goto(site.url)
    tab.get_by_role("button", name="Log out").click()
    expect(tab.get_by_role("link", name="Log in")).to_be_visible()
    expect_state(as_second, "Signed out")
    for page in (as_guest, as_first, as_second):
        words = "You have signed out, or signed in as another user."
        expect(page.locator("#notices")).to_contain_text(words)
    for page in (as_second, tab):
        assert "guest" not in page.locator("#results").inner_text()


SCRIPT = "<script>document.title='hacked'</script><img src=x onerror=\"hack()\">"
SHORT_SCRIPT = "<b onclick=hack()>"


@pytest.mark.fault(21, "script in question, answer, error and user name")
def test_html_in_a_question_answer_error_or_user_name_is_escaped(shared_app, chromium):
    site, person = shared_app.site, Person(shared_app.site)
    sign_up(person, "bobby-tables")
    change(
        shared_app,
        "UPDATE auth_user SET username = ? WHERE username = 'bobby-tables'",
        SHORT_SCRIPT,
    )
    context = chromium.new_context()
    context.add_cookies(
        [{"name": "sessionid", "value": session_key(person), "url": site.url}]
    )
    context.add_init_script("window.hack = () => { document.title = 'hacked' }")
    page = open_page(context, site)
    for question in (SCRIPT, "simulate: script"):
        ask(page, question)
        expect_status(page, question, "done")
    search = {"user_id": user_id(person), "query": "Wrong?", "error": SCRIPT}
    insert_search(shared_app, status="failed", **search)
    ask(page, "Anything else?")
    page.reload()
    for _ in range(2):
        answer = result(page, "simulate: script").locator(".answer")
        expect(answer).to_contain_text("<script>document.title = 'hacked'</script>")
        expect(page.locator("#results h3", has_text=SCRIPT)).to_have_count(1)
        expect(result(page, "Wrong?").locator(".error")).to_have_text(SCRIPT)
        expect(page.locator("nav .user")).to_have_text(SHORT_SCRIPT)
        injected = "#results :is(script, img, b), nav b"
        expect(page.locator(injected)).to_have_count(0)
        expect(page).to_have_title("Real-time search")
        page.reload()


@pytest.mark.fault(21, "script in question, answer, error and user name")
def test_an_injected_script_does_not_run(shared_app, chromium):
    page = chromium.new_context().new_page()
    response = page.goto(shared_app.site.url)
    policy = response.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    blocked = page.evaluate(
        """async () => {
          const blocked = [];
          document.addEventListener("securitypolicyviolation", (event) =>
            blocked.push(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "document.title = 'hacked'";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend",
            `<img src="data:," onerror="document.title = 'hacked'">
             <form action="http://evil.example/"><button></button></form>`);
          const foreign = document.createElement("script");
          foreign.src = "http://evil.example/x.js";
          document.body.append(foreign);
          await fetch("http://evil.example/").catch(() => {});
          while (blocked.length < 4) await new Promise((r) => setTimeout(r, 20));
          return blocked;
        }"""
    )
    assert sorted(blocked) == [
        "connect-src",
        "script-src-attr",
        "script-src-elem",
        "script-src-elem",
    ]
    expect(page).to_have_title("Real-time search")
