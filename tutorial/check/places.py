"""Finds the usual place of a mistake in the code, if its exact place is unknown."""

from tutorial.check.code import Code

SCRIPTS, PYTHON, HTML = (".js", ".html"), (".py",), (".html",)
SOCKET = (r"new WebSocket\(", SCRIPTS)
MESSAGE = (r"onmessage|[\"']message[\"']", SCRIPTS)
FETCH = (r"fetch\(|XMLHttpRequest|addEventListener\([\"']submit", SCRIPTS)
FORM = (r"<form", HTML)
APPS = (r"^INSTALLED_APPS", PYTHON)
ROUTER = (r"ProtocolTypeRouter\(", PYTHON)
MODEL = (r"models\.Model\b", PYTHON)
URLS = (r"urlpatterns", PYTHON)
WORKER = (r"\bcelery\b.*\bworker\b", ("",))

# For each mistake, the patterns of its usual places, the most likely place first. Each
# pattern comes with the suffixes of the files to search.
PLACES = {
    "web-does-not-listen": [(r"^web:", ("",))],
    "web-ends": [(r"^web:", ("",))],
    "migration-missing": [MODEL],
    "table-not-made": [(r"managed *= *False", PYTHON), MODEL],
    "page-not-found": [URLS],
    "page-refused": [URLS],
    "app-not-installed": [APPS],
    "form-not-post": [FORM],
    "field-without-name": [(r"<input|<textarea|{{ *form", HTML), FORM],
    "log-in-refused": [(r"password", HTML), FORM],
    "no-form": [FORM, (r"<body", HTML)],
    "no-submit-button": [(r"<button", HTML), FORM],
    "csrf-token-missing": [FORM],
    "script-missing": [(r"<script[^>]*src", HTML)],
    "no-socket": [SOCKET, (r"<script", HTML)],
    "socket-state-not-shown": [SOCKET],
    "socket-address-undefined": [SOCKET],
    "no-view-takes-post": [URLS],
    "form-action": [FORM],
    "no-error-shown": [FORM],
    "csrf-unprotected": [
        (r"@.*csrf_exempt|csrf_exempt\(", PYTHON),
        (r"csrf_exempt", PYTHON),
        (r"^MIDDLEWARE", PYTHON),
    ],
    "message-not-a-dictionary": [(r"\bgroup_send\b", PYTHON)],
    "consumer-refuses": [(r"def connect\(", PYTHON)],
    "worker-ends": [WORKER],
    "worker-not-ready": [WORKER],
    "burst-fails": [WORKER],
    "message-not-taken": [WORKER],
    "asgi-application-missing": [APPS],
    "daphne-missing": [APPS],
    "daphne-after-staticfiles": [(r"[\"']daphne[\"']", PYTHON)],
    "no-websocket-protocol": [ROUTER],
    "origin-refused": [(r"OriginValidator\(|^ALLOWED_HOSTS", PYTHON)],
    "origin-unchecked": [(r"ProtocolTypeRouter\(|[\"']websocket[\"']", PYTHON)],
    "socket-refused": [ROUTER],
    "no-group-add": [(r"def connect\(", PYTHON)],
    "frame-without-answer": [(r"self\.send", PYTHON)],
    "frame-not-json": [(r"self\.send", PYTHON)],
    "frame-binary": [(r"bytes_data|[\"']bytes[\"']", PYTHON), (r"self\.send", PYTHON)],
    "socket-ends": [(r"self\.send", PYTHON)],
    "layer-drops-idle-sockets": [(r"RedisChannelLayer", PYTHON)],
    "group-not-left": [
        (r"def disconnect\(|group_discard", PYTHON),
        (r"def connect\(", PYTHON),
    ],
    "socket-does-not-open": [SOCKET],
    "page-reloads": [
        (r"preventDefault", SCRIPTS),
        (r"Listener\([\"']submit|onsubmit", SCRIPTS),
        SOCKET,
    ],
    "csrf-missing-in-fetch": [FETCH],
    "fetch-refused": [FETCH],
    "form-not-sent": [FETCH],
    "script-throws": [FETCH],
    "no-frame-in-browser": [SOCKET],
    "no-onmessage": [SOCKET],
    "not-in-page": [MESSAGE],
    "inner-html": [
        (r"innerHTML|insertAdjacentHTML|outerHTML|document\.write", SCRIPTS),
        MESSAGE,
    ],
    "browser-stuck": [FORM],
}


def place_of(mistake: str, code: Code) -> str | None:
    """Return the mistake's first usual place that exists in the code, or None."""
    for pattern, suffixes in PLACES.get(mistake, []):
        if found := code.find(pattern, *suffixes):
            return found
    return None
