"""GitHub Codespaces: there a proxy brings the browser's requests to this machine.

A browser finds port 8000 at https://NAME-8000.app.github.dev. On the way, the proxy
makes "localhost:8000" of the header Host, and "https://localhost:8000" (at times, http)
of the page's own Origin, for WebSockets too; the Origin of another site stays as it is.
So Django and Channels see a host that they allow, and only the scheme is not the one
that Django's check of POST requests expects.
"""

import os


def address(port: int) -> str | None:
    """Where a browser finds `port` in Codespaces; None where this is none."""
    if os.environ.get("CODESPACES") != "true":
        return None
    domain = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    name = os.environ.get("CODESPACE_NAME")
    return f"https://{name}-{port}.{domain or 'app.github.dev'}"


def variables(port: int) -> dict[str, str]:
    """The environment variables that a project at `port` needs in Codespaces."""
    there = address(port)
    # The second, should the proxy once leave the header as it is.
    origins = f"https://localhost:{port} {there}"
    return {"CSRF_TRUSTED_ORIGINS": origins} if there else {}
