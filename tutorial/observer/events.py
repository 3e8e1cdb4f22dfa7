"""Reads the events that the observer recorded in the project's processes."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from tutorial.runtime.waiting import wait_for


class Event(dict):
    """One event, with `what`, `process`, `time`, and fields that depend on `what`."""

    @property
    def at(self) -> str | None:
        """The line of code that caused the event, such as "search/tasks.py:33"."""
        return self.get("at")

    @property
    def error(self) -> str:
        """The exception as one line, such as "ValueError: no such thing"."""
        message = " ".join(str(self.get("message", "")).split())
        return f"{self.get('error')}: {message}" if message else str(self.get("error"))


class Tail:
    """Reads each event of a growing file exactly once.

    If the file gets too large, a new file replaces it.
    """

    LARGEST = 16_000_000  # bytes

    def __init__(self, file: Path) -> None:
        self._file = file
        self._replaced: Path | None = None
        self._at = 0  # the number of bytes that were read

    def read(self) -> list[Event]:
        """Return the events since the last call, oldest first."""
        found: list[Event] = []
        if self._replaced:
            # A process that still has the old file open may have written to it.
            found += self._read(self._replaced)
            self._replaced.unlink()
            self._replaced, self._at = None, 0
        found += self._read(self._file)
        if self._at > self.LARGEST:
            self._replaced = self._file.with_suffix(".old")
            self._file.rename(self._replaced)
        return found

    def _read(self, file: Path) -> list[Event]:
        if not file.exists():
            return []
        with file.open("rb") as lines:
            lines.seek(self._at)
            text = lines.read()
        end = text.rfind(b"\n") + 1  # the last line may be incomplete
        self._at += end
        return [Event(json.loads(line)) for line in text[:end].splitlines()]


@dataclass(frozen=True)
class Events:
    """The events of a run in a growing file, oldest first.

    Without a file, there is no observer and there are no events. Events outside the
    positions `start` and `end` of the file are ignored.
    """

    file: Path | None = None
    start: int = 0  # in bytes
    end: int | None = None  # in bytes; None if there is no end

    def mark(self) -> "Events":
        """Return an `Events` with only the events recorded after this call."""
        return Events(self.file, self._size)

    def so_far(self) -> "Events":
        """Return an `Events` without the events recorded after this call."""
        return replace(self, end=self._size)

    @property
    def _size(self) -> int:
        return self.file.stat().st_size if self._exists else 0

    @property
    def _exists(self) -> bool:
        return self.file is not None and self.file.exists()

    def all(self, *kinds: str, **fields: object) -> list[Event]:
        """Return the events of these kinds (`what`) whose fields have these values."""
        if not self._exists:
            return []
        with self.file.open("rb") as file:
            file.seek(self.start)
            size = -1 if self.end is None else max(self.end - self.start, 0)
            lines = file.read(size).splitlines(keepends=True)
        events = [Event(json.loads(line)) for line in lines if line.endswith(b"\n")]
        return [
            event
            for event in events
            if (not kinds or event["what"] in kinds)
            and all(event.get(name) == value for name, value in fields.items())
        ]

    def first(self, *kinds: str, **fields: object) -> Event | None:
        """Return the oldest event that `all` would return, or None."""
        found = self.all(*kinds, **fields)
        return found[0] if found else None

    def wait(self, seconds: float, *kinds: str, **fields: object) -> Event | None:
        """Wait up to `seconds` until `first` finds an event. Return it, or None."""
        if self.file is None:
            return None
        return wait_for(lambda: self.first(*kinds, **fields), seconds)
