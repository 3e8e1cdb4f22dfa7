"""Where the recordings of the running steps are kept, and under which names."""

from tutorial.paths import ROOT

RECORDED = ROOT / "docs" / "recorded"


def recorded_name(step: str) -> str:
    """The name of the file with the log of the step that is typed as `step`."""
    return f"step_{step}.txt"


def frame_name(step: str) -> str:
    """The name of the file with the frame of the step that is typed as `step`."""
    return f"step_{step}.frame.json"
