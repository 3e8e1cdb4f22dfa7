"""The folder and the file names of the recordings that the site shows."""

from tutorial.paths import ROOT

RECORDED = ROOT / "docs" / "recorded"


def recorded_name(step: str) -> str:
    """Return the name of the file with the log of a step.

    `step` is the name of the step, such as "4" or "final".
    """
    return f"step_{step}.txt"


def journey_name(step: str) -> str:
    """Return the name of the file with the journey of a search in the step `step`."""
    return f"step_{step}.journey.json"


def frame_name(step: str) -> str:
    """Return the name of the file with the frame of a search in the step `step`."""
    return f"step_{step}.frame.json"
