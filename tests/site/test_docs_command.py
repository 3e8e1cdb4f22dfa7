"""Check that `tutorial docs` builds the site, reports mistakes, and follows changes."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from support.website import serve
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.runtime import addresses
from tutorial.runtime.browser import BROWSER_VARIABLE
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until


@pytest.fixture
def small_site(root) -> Path:
    """Return a copy of the repository whose site builds quickly.

    Most pages have only a heading. The page of step 4 also has a listing, a note, a
    term of the glossary, and links to diffs.
    """
    docs = root / "docs"
    for page in docs.rglob("*.md"):
        if page.name != "diff.md":
            page.write_text(f"# {page.stem}\n")
    (docs / "glossary.md").write_text(
        "# Glossary\n\n## Worker\n\nA worker is a process of its own.\n"
    )
    (docs / "steps" / "4-worker.md").write_text(
        "---\nstep: 4\n---\n# Step 4\n\nThe worker waits.\n\n```step\n"
        "file: search/tasks.py\nshow: get_client\nnotes:\n"
        "  max_retries: One try.\n```\n\n"
        "[All](../diff/3-4.md) [The view](../diff/3-4.md#search/views.py)\n"
    )
    return root


def docs(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `tutorial docs` with these options, and wait until it ends."""
    return subprocess.run(
        [sys.executable, "-m", "tutorial", "docs", *options],
        cwd=root,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_build_writes_the_site(small_site, chromium):
    result = docs(small_site, "--build")
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stdout + result.stderr
    site = small_site / "site"
    html = (site / "steps" / "4-worker" / "index.html").read_text()
    assert '<abbr title="A worker is a process of its own' in html
    assert 'href="../../diff/3-4/"' in html
    assert 'href="../../diff/3-4/#search/views.py"' in html
    page = chromium.new_context(
        permissions=["clipboard-read", "clipboard-write"]
    ).new_page()
    with serve(site) as host:
        page.goto(f"{host}steps/4-worker/")
        page.locator(".md-annotation").first.wait_for()
        page.locator(".md-code__button, .md-clipboard").first.click()
        copied = page.evaluate("navigator.clipboard.readText()")
    text = (steps.find("4").folder / "search" / "tasks.py").read_text()
    function = re.search(r"@cache\n(?:.+\n)+", text)[0]
    # The listing starts and ends with a line that is already in step 3. The copied text
    # contains neither the note nor the mark of a gap between two parts.
    whole = re.escape(function.rstrip("\n"))
    around = re.fullmatch(rf"(.+)\n+{whole}\n+(.+)", copied)
    assert around, copied
    known = (steps.find("3").folder / "search" / "tasks.py").read_text().splitlines()
    assert set(around.groups()) <= set(known)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("get_client", "make_client", 'search/tasks.py has no "get_client"'),
        (
            "max_retries=0",
            "retries=0",
            'the note on "max_retries" matches no shown line',
        ),
    ],
    ids=["a function", "the line of a note"],
)
def test_a_name_that_is_not_in_the_code_is_reported_with_its_page(
    small_site, old, new, message
):
    tasks = small_site / "steps" / "04_worker" / "search" / "tasks.py"
    tasks.write_text(tasks.read_text().replace(old, new))
    result = docs(small_site, "--build")
    assert result.returncode == 1
    assert f"steps/4-worker.md: {message}" in result.stderr
    assert "Traceback" not in result.stderr


def test_broken_links_fail_the_build(small_site):
    page = small_site / "docs" / "steps" / "4-worker.md"
    links = ("nowhere.md", "../glossary.md#nothing", "../diff/4-3.md")
    links += ("../diff/3-4.md#search/nothing.py",)
    page.write_text(page.read_text() + " ".join(f"[x]({link})" for link in links))
    result = docs(small_site, "--build")
    assert result.returncode == 1
    for link in links:
        link = re.escape(link.removeprefix("../"))
        assert re.search(rf"4-worker\.md.*{link}", result.stderr), result.stderr


def test_a_port_that_is_in_use_is_reported():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        result = docs(ROOT, "--port", port)
    assert result.returncode == 1
    assert f"Port {port} is not available" in result.stderr
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["no/such/folder/handout.pdf", "docs"])
def test_a_pdf_path_that_cannot_be_written_is_reported(name):
    result = docs(ROOT, "--pdf", name)
    assert result.returncode == 1
    assert f"{name} cannot be written: name a file in a folder" in result.stderr


def test_a_missing_browser_is_reported_if_a_pdf_is_requested(tmp_path, monkeypatch):
    monkeypatch.delenv(BROWSER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    result = docs(ROOT, "--pdf", str(tmp_path / "handout.pdf"))
    assert result.returncode == 1
    assert "A PDF needs Chromium or Chrome" in result.stderr
    assert "apt install chromium" in result.stderr
    assert "Traceback" not in result.stderr


def raw_status(port: int, path: str) -> int:
    """Request this path, which HTTP clients would normalise, and return the status."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_the_site_is_built_again_when_a_step_changes(small_site):
    """The server listens on all addresses, and serves only the files of the site."""
    port = free_port()
    log = small_site / "serve.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "tutorial", "docs", "--port", str(port)]
            + ["--host", "0.0.0.0"],
            cwd=small_site,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def page(path: str) -> str:
        url = f"http://127.0.0.1:{port}/{path}"
        try:
            return urllib.request.urlopen(url, timeout=5).read().decode()
        except OSError:
            return ""

    def wait_for(path: str, pattern: str) -> None:
        wait_until(
            lambda: re.search(pattern, page(path)), seconds=60, otherwise=log.read_text
        )

    try:
        wait_for("steps/4-worker/", "max_retries")
        assert "search/fresh.py" not in page("diff/3-4/")
        search = small_site / "steps" / "04_worker" / "search"
        tasks = search / "tasks.py"
        tasks.write_text(tasks.read_text().replace("max_retries=0", "max_retries=7"))
        (search / "fresh.py").write_text("fresh = 1\n")
        wait_for("steps/4-worker/", r"max_retries.*>7<")
        wait_for("diff/3-4/", r"search/fresh\.py")
        assert "search/fresh.py" in page("diff/4-5/"), "step 5 does not have it"
        assert "search/fresh.py" not in page("diff/5-6/")
        for url in addresses.urls("0.0.0.0", port):
            assert url in log.read_text()
            assert urllib.request.urlopen(url, timeout=5).status == 200
        assert "can read the site, but no other files" in log.read_text()
        for path in ("/../mkdocs.yml", "/%2e%2e/mkdocs.yml", "//etc/passwd"):
            assert raw_status(port, path) == 404
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
    finally:
        server.kill()
        server.wait()
    assert "Traceback" not in log.read_text()
