"""In GitHub Codespaces, a project accepts forms and sockets only from its own page.

The requests have the headers that were observed there. Host is localhost:PORT. For the
page's own requests, Origin is https://localhost:PORT or http://localhost:PORT.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import urllib.parse

import pytest

from support.runner import Runner
from tutorial.project import steps
from tutorial.visitor.site import Site
from tutorial.visitor.sockets import NoSocket, open_socket
from tutorial.visitor.visitor import Visitor

CODESPACE = {
    "CODESPACES": "true",
    "CODESPACE_NAME": "fluffy-train-5pq",
    "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
}
STRANGERS = ("https://evil.example", "https://other-train-8000.app.github.dev")


def is_ready(runner: Runner) -> tuple[int, str]:
    """Wait until the step in the codespace is ready; return its port and address."""
    runner.wait_for("Ready in")
    address = re.search(r"Ready in .*?: (\S+)", runner.output)[1]
    assert address == f"https://fluffy-train-5pq-{runner.port}.app.github.dev"
    return runner.port, address


def a_visitor(port: int) -> Visitor:
    """Return a visitor whose requests have the Host header that the proxy sends."""
    visitor = Visitor(Site(f"http://localhost:{port}", "", ""))
    assert visitor.get().status == 200
    return visitor


def post(visitor: Visitor, question: str, origin: str) -> int:
    """Send the page's form with an Origin, as a browser does; return the status."""
    form = visitor.form()
    connection = http.client.HTTPConnection(visitor.site.url.removeprefix("http://"))
    connection.request(
        "POST",
        "/",
        urllib.parse.urlencode(form.fields | {form.text_field: question}),
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": visitor.cookie_header,
            "Origin": origin,
            "X-Forwarded-Host": "fluffy-train-5pq-8000.app.github.dev",
            "X-Forwarded-Proto": "https",
        },
    )
    status = connection.getresponse().status
    connection.close()
    return status


def test_in_a_codespace_the_app_works_and_refuses_other_sites(start):
    port, address = is_ready(start("7", **CODESPACE))
    own = (f"https://localhost:{port}", f"http://localhost:{port}")
    visitor = a_visitor(port)
    for origin in own:
        with open_socket(visitor, origin) as socket:
            assert post(visitor, f"What is a proxy? {origin}", origin) == 302
            assert json.loads(socket.recv(timeout=20))["query"].endswith(origin)
    assert post(visitor, "What is an Origin?", address) == 302
    for stranger in (*STRANGERS, "https://localhost:1"):
        assert post(visitor, "May I?", stranger) == 403
    for stranger in STRANGERS:
        with pytest.raises(NoSocket, match="refused with status 403"):
            open_socket(visitor, stranger)


def test_in_a_codespace_djangos_own_server_accepts_a_form_too(start):
    port, _ = is_ready(start("2", **CODESPACE))
    visitor = a_visitor(port)
    assert post(visitor, "What is a view?", f"https://localhost:{port}") == 302
    assert post(visitor, "What is a view?", STRANGERS[0]) == 403


@pytest.mark.xdist_group("step 7")
def test_outside_codespaces_only_the_page_itself_is_trusted(run_step):
    port = run_step("7").project.port
    visitor = a_visitor(port)
    assert post(visitor, "What is an origin?", f"http://localhost:{port}") == 302
    for origin in (f"https://localhost:{port}", *STRANGERS):
        assert post(visitor, "May I?", origin) == 403


@pytest.mark.parametrize("step", steps.every(), ids=lambda step: step.name)
def test_every_step_reads_the_variable_csrf_trusted_origins(step):
    code = "from config.settings import CSRF_TRUSTED_ORIGINS as o; print(o)"
    origin = "https://name-8000.app.github.dev"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=step.folder,
        env=os.environ | {"CSRF_TRUSTED_ORIGINS": origin, "DEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert origin in result.stdout
