"""Finds the last step of which a project's files contain some code."""

from collections.abc import Callable
from pathlib import Path

from tutorial.check.code import Code

# Patterns for what each step adds. They do not depend on names that a learner chooses.
# Each step has several patterns, because the learner may have left out the code for one
# of them.
SIGNS: dict[int, Callable[[Code], object]] = {
    1: lambda code: code.find(r"<form\b|new WebSocket\(", ".html", ".js"),
    2: lambda code: code.calls("delay", "apply_async", "send_task") or code.tasks,
    3: lambda code: code.find(r"(?i)\bbroker(_url)?\s*=|BROKER_URL\b", ".py"),
    4: lambda code: (
        code.find(r"^\s*(import|from) openai\b", ".py")
        or code.find(r"\bcelery\b.*\bworker\b", "Procfile")
    ),
    5: lambda code: (
        code.calls("Signal", "group_send")
        or code.find(r"\bCHANNEL_LAYERS\b|\bget_channel_layer\b", ".py")
    ),
    6: lambda code: (
        code.calls("group_add", "as_asgi", "ProtocolTypeRouter")
        or code.find(r"\bclass \w+\(.*Consumer\b", ".py")
    ),
    7: lambda code: code.find(
        r"\bonmessage\b|[\"']message[\"']|\bfetch\(", ".js", ".html"
    ),
}


def last_part(project: Path) -> int:
    """Return the last step of which the files contain some code, or 0 if there is none.

    The code may be incomplete or broken. Raises Problem if the folder cannot be read.
    """
    code = Code(project)
    return max((number for number, sign in SIGNS.items() if sign(code)), default=0)
