"""GitHub Codespaces: a proxy forwards the browser's requests to this machine.

A browser finds port 8000 at https://NAME-8000.app.github.dev. In each request, also for
a WebSocket, the proxy changes the header Host to "localhost:8000". If the request comes
from the project's own page, the proxy also changes the header Origin, to
"https://localhost:8000" (sometimes "http://localhost:8000"). It does not change the
Origin of another site. Django and Channels therefore see a host that they allow. Only
the scheme differs from the one that Django expects when it checks POST requests.
"""

import os


def address(port: int) -> str | None:
    """Return the address at which a browser finds `port`.

    Returns None outside Codespaces.
    """
    if os.environ.get("CODESPACES") != "true":
        return None
    domain = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    name = os.environ.get("CODESPACE_NAME")
    return f"https://{name}-{port}.{domain or 'app.github.dev'}"


def variables(port: int) -> dict[str, str]:
    """Return the environment variables that a project on `port` needs in Codespaces."""
    there = address(port)
    # The second origin is needed if the proxy does not change the header Origin.
    origins = f"https://localhost:{port} {there}"
    return {"CSRF_TRUSTED_ORIGINS": origins} if there else {}
