"""GitHub Codespaces: a proxy forwards the browser's requests to this machine.

A browser finds port 8000 at https://NAME-8000.app.github.dev. The proxy changes the
header Host to "localhost:8000", and the page's own Origin to "https://localhost:8000"
(sometimes http), for WebSockets too. The Origin of another site stays as it is. So
Django and Channels see a host that they allow. Only the scheme is not the one that
Django's check of POST requests expects.
"""

import os


def address(port: int) -> str | None:
    """The address at which a browser finds `port`; None outside of Codespaces."""
    if os.environ.get("CODESPACES") != "true":
        return None
    domain = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    name = os.environ.get("CODESPACE_NAME")
    return f"https://{name}-{port}.{domain or 'app.github.dev'}"


def variables(port: int) -> dict[str, str]:
    """The environment variables that a project at `port` needs in Codespaces."""
    there = address(port)
    # The second one, in case the proxy leaves the header unchanged.
    origins = f"https://localhost:{port} {there}"
    return {"CSRF_TRUSTED_ORIGINS": origins} if there else {}
