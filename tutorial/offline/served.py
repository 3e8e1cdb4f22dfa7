"""Serves the built site of a pack, using only the standard library."""

import http.server
from functools import partial
from http import HTTPStatus

from tutorial.paths import SITE
from tutorial.runtime import bundle, environment
from tutorial.runtime.addresses import check_address, urls
from tutorial.runtime.exclusive import check_port


class Files(http.server.SimpleHTTPRequestHandler):
    """Sends the files of the site, and the site's error page for unknown addresses."""

    def send_error(self, code: int, message=None, explain=None) -> None:
        """Send the site's own error page if the address does not exist."""
        page = SITE / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.exists():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing for a request."""


def is_there() -> bool:
    """Whether this tutorial comes from a pack and can only serve its built site.

    This is so if the packages that build the site are not installed.
    """
    has_site = bool(bundle.targets()) and (SITE / "index.html").exists()
    return has_site and bool(environment.missing_sets("run", "docs"))


def serve(port: int, host: str) -> None:
    """Serve the site at the address `host` until Ctrl-C.

    Raises Problem if this machine has no such address, or if the port is in use.
    """
    check_address(host)
    check_port(port, host=host)
    handler = partial(Files, directory=str(SITE))
    with http.server.ThreadingHTTPServer((host, port), handler) as server:
        print("Serving the site from the pack. The site is not rebuilt.")
        where = " ".join(urls(host, port))
        print(f"Ready: {where} (Ctrl-C ends it)", flush=True)
        server.serve_forever()
