"""The folder of the recordings that the site shows, and their file names."""

from tutorial.paths import ROOT

RECORDED = ROOT / "docs" / "recorded"


def recorded_name(step: str) -> str:
    """The name of the file with the log of `step`, such as "4" or "final"."""
    return f"step_{step}.txt"


def journey_name(step: str) -> str:
    """The name of the file with the journey of a search in `step`, such as "7"."""
    return f"step_{step}.journey.json"


def frame_name(step: str) -> str:
    """The name of the file with the frame of `step`, such as "7"."""
    return f"step_{step}.frame.json"
