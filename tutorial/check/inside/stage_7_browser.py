"""Stage 7, explained: what the page's script does with the form and with a frame."""

import json
import re
from collections.abc import Iterator

from tutorial.check.inside.stage_1_template import place_in_script
from tutorial.check.scene import Scene
from tutorial.check.stages.browsing import pairs_of
from tutorial.check.unmet import Unmet

SCRIPTS = (".js", ".html")

# What a name such as `data` has besides the keys of the frame.
OF_ANY_OBJECT = {
    *("data", "length", "slice", "map"),
    *("forEach", "toString", "trim", "split"),
}


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """The line of the script, and what it makes of the frame."""
    if unmet.mistake == "script-throws" and unmet.__cause__:
        return _thrown(scene, unmet)
    if unmet.mistake == "not-in-page" and "only a reload" not in unmet.seen:
        return _not_in_page(scene, unmet)
    if unmet.mistake == "nothing-said":
        unmet.at = scene.code.find(r"fetch\(|XMLHttpRequest", *SCRIPTS)
    if unmet.mistake == "inner-html" and "after a reload" in unmet.seen:
        pattern = r"\|\s*safe|autoescape off|mark_safe"
        unmet.at = scene.code.find(pattern, ".html", ".py")
    return unmet


def findings(scene: Scene) -> Iterator[Unmet]:
    """The observer knows nothing more."""
    yield from ()


def _thrown(scene: Scene, unmet: Unmet) -> Unmet:
    """An exception in the script, with its line."""
    unmet.at = place_in_script(scene, unmet)
    if scene.opened.frames:
        if not _parses(scene):
            unmet.mistake = "frame-not-parsed"
        elif re.search(r"of undefined|JSON", unmet.seen.partition("; the frame")[0]):
            unmet.mistake = "wrong-key"
    if line := scene.code.line(unmet.at):
        unmet.expected += f"; the line is: {line}"
    return unmet


def _parses(scene: Scene) -> bool:
    return scene.code.find(r"JSON\.parse|\.json\(", *SCRIPTS) is not None


def _not_in_page(scene: Scene, unmet: Unmet) -> Unmet:
    """The frame came, and the answer is not in the page."""
    frame, expected = scene.opened.frames[0], unmet.expected
    handler = scene.code.find(r"\.onmessage\b|Listener\([\"']message[\"']", *SCRIPTS)
    if handler is None:
        seen = f"the frame came, {frame[:80]}, and the script does not listen"
        at = scene.code.find(r"Listener\([\"']on", *SCRIPTS)
        return Unmet("no-onmessage", seen, expected=expected, at=at)
    if is_encoded_twice(frame):
        return Unmet(
            "frame-not-json",
            f"the frame is a text of JSON that holds a text of JSON: {frame[:80]}",
            expected="a frame of JSON, encoded once",
            at=scene.code.find(r"json\.dumps|send_json", "consumers.py", ".py"),
        )
    keys = [key for key, _ in pairs_of(frame)]
    if keys and not _parses(scene):
        seen = f"the frame came, {frame[:80]}, and the script does not parse it"
        return Unmet("frame-not-parsed", seen, expected=expected, at=handler)
    unknown = {key: at for key, at in _keys_read(scene).items() if key not in keys}
    if unknown and keys:
        key, at = next(iter(unknown.items()))
        made = scene.code.find(rf"[\"']{keys[0]}[\"']\s*:", ".py")
        seen = f"the script reads “{key}”; the frame has {', '.join(keys)}"
        if made:
            seen += f" (from {made})"
        if "undefined" in unmet.seen:
            seen += ", and the page shows “undefined”"
        return Unmet("wrong-key", seen, expected=expected, at=at)
    unmet.at = handler
    return unmet


def is_encoded_twice(frame: str) -> bool:
    """Whether JSON was encoded as JSON once more: `send_json(json.dumps(...))`."""
    try:
        inner = json.loads(frame)
        return isinstance(inner, str) and isinstance(json.loads(inner), dict | list)
    except ValueError:
        return False


def _keys_read(scene: Scene) -> dict[str, str]:
    """The keys that the script reads from what it has parsed, with their places."""
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
