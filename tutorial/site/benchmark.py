"""The `bench` fence: figures that `tutorial bench --json` has written."""

import json

from tutorial.bench.table import show
from tutorial.capture.records import RECORDED
from tutorial.problem import Problem
from tutorial.site import fences

RECORD = RECORDED / "bench.json"


def render(body: str) -> list[str]:
    """Return the table of the section that `body` names, as Markdown.

    If `body` names no section, return a line about the machine of the measurements.

    Raises Problem if the section was not measured.
    """
    asked = fences.fields("bench", body, ("section",))
    found = json.loads(RECORD.read_text())
    if "section" not in asked:
        parts = [f"{name} {value}" for name, value in found["machine"].items()]
        return ["", f"Measured on: {', '.join(parts)}.", ""]
    try:
        section = found["sections"][str(asked["section"])]
    except KeyError:
        raise Problem(f"{RECORD.name} has no section {asked['section']}") from None
    return ["", *_table(section), "", section["caption"], *_goals(section), ""]


def _table(section: dict) -> list[str]:
    """Return the table with one column per candidate, so that it fits on a phone."""
    rows = section["rows"].values()
    lines = [["", *section["rows"]], ["---", *("--:" for _ in rows)]]
    for column, title in section["columns"].items():
        lines.append([title, *(show(figures.get(column)) for figures in rows)])
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _goals(section: dict) -> list[str]:
    if not section["goals"]:
        return []
    words = [
        f"{goal['words']} ({'met' if goal['is_met'] else 'missed'})"
        for goal in section["goals"]
    ]
    is_of_final = all("final" in goal["candidate"] for goal in section["goals"])
    whose = "The goals" if len(words) > 1 else "The goal"
    if is_of_final:
        whose += " of `final/`"
    return ["", f"{whose}: {', '.join(words)}."]
