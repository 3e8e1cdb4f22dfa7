"""Explains stage 7: what the page's script does with the form and with a frame."""

import json
import re
from collections.abc import Iterator

from tutorial.check.inside.handshake import socket_failed
from tutorial.check.inside.stage_1_template import place_in_script
from tutorial.check.inside.stage_6_consumer import lost_message, not_sent_by_consumer
from tutorial.check.scene import Scene
from tutorial.check.stages.browsing import pairs_of
from tutorial.check.unmet import Unmet

SCRIPTS = (".js", ".html")
# The line in which a script begins to handle a frame.
HANDLER = r"\.onmessage\b|Listener\([\"']message[\"']"

# A script may read these attributes of any object. They are not keys of the frame.
OF_ANY_OBJECT = {
    *("data", "length", "slice", "map"),
    *("forEach", "toString", "trim", "split"),
}


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake in the script, with its line and the frame."""
    if unmet.mistake == "script-throws" and unmet.__cause__:
        return _thrown(scene, unmet)
    if unmet.mistake == "no-frame-in-browser":
        return _no_frame(scene, unmet)
    if unmet.mistake == "not-in-page" and "only a reload" not in unmet.seen:
        return _not_in_page(scene, unmet)
    if unmet.mistake == "frame-binary":
        sent = scene.events.all("consumer sends", type="websocket.send")
        reads = scene.code.find(r"\bJSON\.parse\(|\bevent\.data\b", *SCRIPTS)
        unmet.at = sent[-1].at if sent else None
        unmet.seen += f"; {reads} expects a string" if reads else ""
    if unmet.mistake == "nothing-said":
        unmet.at = scene.code.find(r"fetch\(|XMLHttpRequest", *SCRIPTS)
    if unmet.mistake == "inner-html" and "after a reload" in unmet.seen:
        pattern = r"\|\s*safe|autoescape off|mark_safe"
        unmet.at = scene.code.find(pattern, ".html", ".py")
    return unmet


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield nothing: the observer has no findings at this stage."""
    yield from ()


def _no_frame(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake if no frame arrived, such as one in the consumer."""
    failed = scene.stage_events.first("consumer failed", "socket failed")
    found = unmet
    if failed:
        found = socket_failed(scene, failed, unmet.expected)
    elif got := lost_message(scene):
        found = not_sent_by_consumer(scene, got, unmet.expected)
    if found is not unmet:
        found.seen = f"{unmet.seen}; {found.seen}"
        found.finding = unmet.finding
    return found


def _thrown(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that made the script raise an exception, with its line."""
    unmet.at = place_in_script(scene, unmet)
    if scene.opened.frames:
        if not _parses(scene):
            unmet.mistake = "frame-not-parsed"
            unmet.at = _reads_frame(scene) or unmet.at
        elif re.search(r"of '?undefined|JSON", unmet.seen.partition("; the frame")[0]):
            unmet.mistake = "wrong-key"
    taken = r"\.content\.firstElementChild(?!\.cloneNode)"
    if "of null" in unmet.seen and (at := scene.code.find(taken, *SCRIPTS)):
        unmet.mistake, unmet.at = "template-content", at
    if line := scene.code.line(unmet.at):
        unmet.expected += f"; the line is: {line}"
    return unmet


def _reads_frame(scene: Scene) -> str | None:
    """Return the place where the script reads the frame from the event, or None."""
    handler = scene.code.find(HANDLER, *SCRIPTS)
    return scene.code.below(handler, r"\w\.data\b|\{\s*data\b") or handler


def _parses(scene: Scene) -> bool:
    return scene.code.find(r"JSON\.parse|\.json\(", *SCRIPTS) is not None


def _not_in_page(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake if a frame arrived, but the page does not show the answer."""
    frame, expected = scene.opened.frames[0], unmet.expected
    handler = scene.code.find(HANDLER, *SCRIPTS)
    if handler is None:
        seen = f"the frame arrived, {frame[:80]}, but the script does not listen"
        at = scene.code.find(r"Listener\([\"']on", *SCRIPTS)
        return Unmet("no-onmessage", seen, expected=expected, at=at)
    if is_encoded_twice(frame):
        return Unmet(
            "encoded-twice",
            f"the frame is a JSON string that contains JSON: {frame[:80]}",
            expected="a frame of JSON, encoded once",
            at=scene.code.find(r"json\.dumps|send_json", "consumers.py", ".py"),
        )
    keys = [key for key, _ in pairs_of(frame)]
    if keys and not _parses(scene):
        seen = f"the frame arrived, {frame[:80]}, but the script does not parse it"
        at = _reads_frame(scene) or handler
        expected += f"; the line is: {scene.code.line(at)}"
        return Unmet("frame-not-parsed", seen, expected=expected, at=at)
    read = _keys_read(scene)
    outer = _outer_keys(frame)
    if outer and (inside := [key for key in read if key in keys and key not in outer]):
        key, at = inside[0], read[inside[0]]
        seen = f"the script reads “{key}” from the frame, but this key is inside"
        return Unmet(
            "wrong-key", f"{seen} “{', '.join(outer)}”", expected=expected, at=at
        )
    unknown = {key: at for key, at in read.items() if key not in keys}
    if unknown and keys:
        key, at = next(iter(unknown.items()))
        made = scene.code.find(rf"[\"']{keys[0]}[\"']\s*:", ".py")
        seen = f"the script reads “{key}”; the frame has {', '.join(keys)}"
        if made:
            seen += f" (from {made})"
        if "undefined" in unmet.seen:
            seen += ", and the page shows “undefined”"
        return Unmet("wrong-key", seen, expected=expected, at=at)
    return _in_script(scene, unmet) or _in_handler(unmet, handler)


def _in_handler(unmet: Unmet, handler: str) -> Unmet:
    unmet.at = handler
    return unmet


# For each mistake, a pattern that finds the wrong code. Such code has no effect, and
# raises no exception.
IN_VAIN = {
    "plain-quotes": r"[\"'][^\"'`]*\$\{\w[^\"'`]*[\"']",
    "text-is-no-number": r"dataset\.\w+\s*===?\s*\w|===?\s*[\w.]+\.dataset\.",
    "template-content": r"(?i)template\w*\.(children|firstElementChild|querySelector)"
    r"|\.cloneNode\(\s*(false)?\)",
}
# Code that copies a <template> element instead of its content. It is a mistake only if
# no script reads `.content`.
COPIED = r"(?<!content)\.cloneNode\("


def _in_script(scene: Scene, unmet: Unmet) -> Unmet | None:
    """Return the mistake if a line of the script has no effect, or None."""
    for mistake, pattern in IN_VAIN.items():
        if mistake == "plain-quotes" and "${" not in unmet.seen:
            continue
        at = scene.code.find(pattern, *SCRIPTS)
        if mistake == "template-content" and not at and _never_looks_into(scene):
            at = scene.code.find(COPIED, *SCRIPTS)
        if at:
            expected = f"{unmet.expected}; the line is: {scene.code.line(at)}"
            return Unmet(mistake, unmet.seen, expected=expected, at=at)
    return None


def _never_looks_into(scene: Scene) -> bool:
    """Whether there is a <template>, but no script reads its content."""
    has_template = scene.code.find(r"<template\b", ".html")
    return bool(has_template) and not scene.code.find(r"\.content\b", *SCRIPTS)


def _outer_keys(frame: str) -> list[str]:
    """Return the frame's outermost keys if all their values are objects, or else []."""
    try:
        data = json.loads(frame)
    except ValueError:
        return []
    is_nested = isinstance(data, dict) and all(
        isinstance(value, dict) for value in data.values()
    )
    return list(data) if is_nested else []


def is_encoded_twice(frame: str) -> bool:
    """Whether the frame was encoded as JSON twice: `send_json(json.dumps(...))`."""
    try:
        inner = json.loads(frame)
        return isinstance(inner, str) and isinstance(json.loads(inner), dict | list)
    except ValueError:
        return False


def _keys_read(scene: Scene) -> dict[str, str]:
    """Return the keys that the script reads from the parsed frame, and their places."""
    found = {}
    for name, text in scene.code.texts(*SCRIPTS).items():
        names = set(re.findall(r"(?:const|let|var)\s+(\w+)\s*=\s*JSON\.parse\(", text))
        fields = re.findall(
            r"(?:const|let|var)\s+\{([^}]*)\}\s*=\s*JSON\.parse\(", text
        )
        for inner in fields:
            for key in re.findall(r"(\w+)\s*(?::\s*\w+)?\s*(?:,|$)", inner):
                place = scene.code.find(rf"\{{[^}}]*\b{key}\b", *SCRIPTS)
                found.setdefault(key, place or name)
        for number, line in enumerate(text.splitlines(), start=1):
            for variable in names:
                for key in re.findall(rf"\b{variable}\.(\w+)", line):
                    found.setdefault(key, f"{name}:{number}")
                for key in re.findall(rf"\b{variable}\[[\"'](\w+)[\"']\]", line):
                    found.setdefault(key, f"{name}:{number}")
    return {key: at for key, at in found.items() if key not in OF_ANY_OBJECT}
