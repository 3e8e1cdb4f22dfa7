"""Reads the fenced blocks ("fences") of the page "When nothing happens"."""

import re
from functools import cache

import yaml

from tutorial.paths import ROOT
from tutorial.site import fences

PAGE = ROOT / "docs" / "troubleshooting.md"


def bodies(kind: str) -> list[str]:
    """Return the bodies of the page's fences of this kind, such as "mistake"."""
    found: list[str] = []

    def collect(_: str, body: str) -> list[str]:
        found.append(body)
        return []

    fences.expand(PAGE.read_text(), (kind,), collect)
    return found


@cache
def own_entries() -> dict[str, dict[str, str]]:
    """Return the mistakes that the page itself describes, by id.

    All other mistakes come from the catalogue, `tutorial.check.mistakes`.
    """
    read = [yaml.safe_load(body) for body in bodies("mistake")]
    return {one["id"]: one for one in read}


def api_errors() -> dict[str, str]:
    """Return the names of API errors. The keys are the ids of the page's entries."""
    message = r"The API gave no answer \((\w+)\)"
    return {
        name: kind[1]
        for name, entry in own_entries().items()
        if (kind := re.search(message, entry["symptom"]))
    }
