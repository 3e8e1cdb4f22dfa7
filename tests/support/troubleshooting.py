"""Reads the fences of the page "When nothing happens"."""

import re
from functools import cache

import yaml

from tutorial.paths import ROOT
from tutorial.site import fences

PAGE = ROOT / "docs" / "troubleshooting.md"


def bodies(kind: str) -> list[str]:
    """The bodies of the fences of this kind on the page."""
    found: list[str] = []

    def collect(_: str, body: str) -> list[str]:
        found.append(body)
        return []

    fences.expand(PAGE.read_text(), (kind,), collect)
    return found


@cache
def own_entries() -> dict[str, dict[str, str]]:
    """The mistakes that the page itself describes, by id.

    All other mistakes come from the catalogue, `tutorial.check.mistakes`.
    """
    read = [yaml.safe_load(body) for body in bodies("mistake")]
    return {one["id"]: one for one in read}


def api_errors() -> dict[str, str]:
    """The API error that each entry is about, by the entry's id."""
    message = r"The API gave no answer \((\w+)\)"
    return {
        name: kind[1]
        for name, entry in own_entries().items()
        if (kind := re.search(message, entry["symptom"]))
    }
