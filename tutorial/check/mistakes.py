"""The catalogue of mistakes, `mistakes.toml`, for `check` and for the site."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make: its symptom, its cause, and how to fix it."""

    id: str
    stage: int  # 1 to 7, or 0 for the start of the project
    title: str
    symptom: str
    cause: str
    fix: str
    # "unsafe" or "differs" if the flow still works, "unknown" if it cannot be judged,
    # "" if the flow breaks.
    finding: str = ""


@cache
def mistakes() -> dict[str, Mistake]:
    """Return the mistakes of the catalogue by id, in the order of the flow."""
    text = Path(__file__).with_name("mistakes.toml").read_text()
    return {entry["id"]: Mistake(**entry) for entry in tomllib.loads(text)["mistake"]}
