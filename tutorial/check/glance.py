"""Gives hints about stages that the flow did not reach.

The hints come from the files alone. They are not verdicts.
"""

import re
from collections.abc import Iterator

from tutorial.check.handlers import is_lost
from tutorial.check.mistakes import mistakes
from tutorial.check.scene import Scene


def hints(scene: Scene) -> dict[int, str]:
    """Return one hint per stage, worded so that it can continue a sentence."""
    found: dict[int, str] = {}
    for name, at in _suspects(scene):
        mistake = mistakes()[name]
        where = f" ({at})" if at else ""
        # Inside a sentence, the title begins in lower case. None of these titles begins
        # with a name.
        title = mistake.title[0].lower() + mistake.title[1:]
        found.setdefault(mistake.stage, f"{title}{where}")
    return found


def _suspects(scene: Scene) -> Iterator[tuple[str, str | None]]:
    code, settings = scene.code, scene.survey.get("settings", {})
    # If a file cannot be imported, `check` cannot know what is missing.
    if "error" in settings or "error" in scene.survey["modules"]:
        return
    layers = code.find(r"^CHANNEL_LAYERS", ".py")
    if settings["layer"] is None:
        yield "layer-missing", layers
    elif settings["layer"].endswith("InMemoryChannelLayer"):
        yield "layer-in-memory", layers
    if code.calls("Signal") and not code.receivers:
        yield "handler-missing", None
    for call in code.calls("group_send"):
        if is_lost(code, call):
            yield "not-awaited", call.at
    for _, place in code.receivers.values():
        file = place.rpartition(":")[0]
        # Django imports apps.py, and a script is started directly, so the project does
        # not have to import either of them.
        is_script = code.find(r"__name__ *== *[\"']__main__", file)
        if not (file.endswith("apps.py") or is_script or code.imports(file)):
            yield "handler-not-imported", place
    if code.find(r"as_asgi\(", ".py"):
        is_served = code.find(r"\b(daphne|uvicorn|hypercorn|gunicorn)\b.*:\w+", "")
        if "daphne" not in settings["apps"] and not is_served:
            yield "daphne-missing", code.find(r"^INSTALLED_APPS", ".py")
        if not settings["asgi"]:
            yield "asgi-application-missing", None
        if not code.calls("group_add") and not code.find(r"\bgroups\b", ".py"):
            yield "no-group-add", None
    socket = code.find(r"new WebSocket\(", ".js", ".html")
    if socket and not code.find(r"onmessage|[\"']message[\"']", ".js", ".html"):
        yield "no-onmessage", socket
    place = code.find(r"innerHTML\s*[+]?=(?!\s*[\"'`]{2})", ".js", ".html")
    value = code.line(place).partition("=")[2] if place else ""
    if re.search(r"\$\{|\+|data", value):
        yield "inner-html", place
