"""What a frame brings, and what the page's script reads of it."""

import contextlib
import json
import re
from typing import Any

from tutorial.check.scene import Scene

# What a name such as `data` has besides the keys of the frame.
OF_ANY_OBJECT = {
    "data",
    "length",
    "slice",
    "map",
    "forEach",
    "toString",
    "trim",
    "split",
}


def pairs_of(frame: str) -> list[tuple[str, Any]]:
    """All pairs of the frame's JSON, those of inner objects included."""
    pairs: list[tuple[str, Any]] = []

    def collect(found: list[tuple[str, Any]]) -> dict:
        pairs.extend(found)
        return dict(found)

    with contextlib.suppress(ValueError):
        json.loads(frame, object_pairs_hook=collect)
    return pairs


def keys_of(frame: str) -> list[str]:
    """All keys of the frame's JSON."""
    return [key for key, _ in pairs_of(frame)]


def texts_of(frame: str) -> list[str]:
    """All texts of the frame's JSON."""
    return [value for _, value in pairs_of(frame) if isinstance(value, str)]


def keys_read(scene: Scene) -> dict[str, str]:
    """The keys that the script reads from what it has parsed, with their places."""
    found = {}
    for name, text in scene.code.texts(".js", ".html").items():
        names = set(re.findall(r"(?:const|let|var)\s+(\w+)\s*=\s*JSON\.parse\(", text))
        fields = re.findall(
            r"(?:const|let|var)\s+\{([^}]*)\}\s*=\s*JSON\.parse\(", text
        )
        for inner in fields:
            for key in re.findall(r"(\w+)\s*(?::\s*\w+)?\s*(?:,|$)", inner):
                place = scene.code.find(rf"\{{[^}}]*\b{key}\b", ".js", ".html")
                found.setdefault(key, place or name)
        for number, line in enumerate(text.splitlines(), start=1):
            for variable in names:
                for key in re.findall(rf"\b{variable}\.(\w+)", line):
                    found.setdefault(key, f"{name}:{number}")
                for key in re.findall(rf"\b{variable}\[[\"'](\w+)[\"']\]", line):
                    found.setdefault(key, f"{name}:{number}")
    return {key: at for key, at in found.items() if key not in OF_ANY_OBJECT}
