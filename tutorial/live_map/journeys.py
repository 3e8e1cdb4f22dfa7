"""Finds the searches of a running project in the observer's events."""

import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from tutorial.live_map.hops import SECRET, hops_of
from tutorial.live_map.journey import ENDED, Hop, Journey
from tutorial.live_map.sockets import Sockets
from tutorial.observer.events import Event

KEPT = 50  # how many journeys are kept
# A journey has at most this many hops. After that, a new hop can only raise the count
# of an earlier hop.
MOST_HOPS = 60
# Events that belong to no known search yet are kept under their trail, digest or id.
# This is the largest number of these keys.
MOST_LOOSE = 500

# The kinds of hops that occur again for each piece of an answer that arrives in pieces.
REPEATED = ("row", "broadcast", "got", "frame")


class Journeys:
    """The newest KEPT journeys, found in the events."""

    def __init__(self) -> None:
        self.all: OrderedDict[int, Journey] = OrderedDict()
        self.sockets = Sockets()
        self.changed: set[int] = set()  # the numbers of the journeys that changed
        self.path: str | None = None  # the address to which questions are sent
        self.total = 0
        self._newest = 0  # the number of the newest journey
        # The journey of each trail, id and digest.
        self._of: OrderedDict[str, Journey] = OrderedDict()
        # The events that belong to no known journey yet, by trail, digest or id.
        self._loose: OrderedDict[str, list[Event]] = OrderedDict()

    def take_changed(self) -> list[Journey]:
        """Return the journeys that have changed since the last call."""
        numbers, self.changed = sorted(self.changed), set()
        return [self.all[number] for number in numbers if number in self.all]

    def add(self, event: Event) -> None:
        """Assign an event to the journey that it belongs to."""
        self.sockets.add(event)
        journey = self._find(event)
        if journey is None:
            self._keep_loose(event)
        else:
            self._follow(journey, event)

    # --- which search an event is about ----------------------------------------------

    def _find(self, event: Event) -> Journey | None:
        what = event["what"]
        for key in ("id", "root", "heard", "trail"):
            if event.get(key) and (journey := self._of.get(str(event[key]))):
                return journey
        if what in ("request", "frame received"):
            return self._known_by_path(event) or self._begin(event)
        if what == "enqueued" and event["process"] != "worker":
            return self._begin(event)
        if what == "task started" and event["process"] == "web":
            return None  # in eager mode, another event begins the journey
        return self._known_by_text(event)

    def _known_by_path(self, event: Event) -> Journey | None:
        """Return the search whose id is in the path, or None.

        A request to cancel a search has such a path, for example.
        """
        for part in str(event.get("path", "")).split("/"):
            if len(part) > 8 and part in self._of:
                return self._of[part]
        return None

    def _known_by_text(self, event: Event) -> Journey | None:
        """Return the search whose id or question is in the event's text, or None."""
        text = str(event.get("message") or event.get("question") or "")
        if not text:
            return None
        for journey in reversed(self.all.values()):
            if any(one in text for one in journey.ids):
                return journey
            is_asked = event["what"] == "api asked" and journey.state not in ENDED
            is_new = is_asked and not journey.first("api asked")
            if is_new and journey.question and journey.question in text:
                return journey
        return None

    def _begin(self, event: Event) -> Journey:
        self._newest += 1
        journey = Journey(self._newest, event["time"])
        self.all[journey.number] = journey
        self.total += 1
        while len(self.all) > KEPT:
            self.all.popitem(last=False)
        return journey

    def _keep_loose(self, event: Event) -> None:
        key = event.get("trail") or event.get("heard") or event.get("id")
        if key is None:
            return
        self._loose.setdefault(str(key), []).append(event)
        while len(self._loose) > MOST_LOOSE:
            self._loose.popitem(last=False)

    def _link(self, journey: Journey, key: object) -> Iterator[Event]:
        """Link a key to the journey, and yield the earlier events with that key."""
        if key is None or str(key) in self._of:
            return
        self._of[str(key)] = journey
        while len(self._of) > 40 * KEPT:
            self._of.popitem(last=False)
        yield from self._loose.pop(str(key), ())

    def _follow(self, journey: Journey, event: Event) -> None:
        """Add the event, and the earlier events that share a key with it."""
        earlier = [
            one
            for key in ("trail", "id", "digest")
            for one in self._link(journey, event.get(key))
        ]
        for one in sorted([*earlier, event], key=lambda each: each["time"]):
            self._note(journey, one)
            for key in ("trail", "id", "digest"):
                for other in list(self._link(journey, one.get(key))):
                    self._note(journey, other)

    # --- what the event changes ------------------------------------------------------

    def _note(self, journey: Journey, event: Event) -> None:
        what = event["what"]
        if what == "group_send":
            counts = self.sockets.of(event["group"], event.get("begun"))
            event["processes"], event["sockets"] = counts
        journey.events.append(event)
        if len(journey.events) > 400:
            del journey.events[200]
        if what == "response" and self._is_of_another_kind(journey, event):
            journey.is_dropped = True
            self.all.pop(journey.number, None)
            self.total -= 1
            # Use the number again for the next search, if no newer journey exists.
            if journey.number == self._newest:
                self._newest -= 1
            return
        if what == "enqueued":
            if event.get("id"):
                journey.ids.append(str(event["id"]))
            journey.question = journey.question or _question(event["arguments"])
            if request := journey.first("request"):
                self.path = request["path"]
        if what == "response":
            journey.question = _question(event["fields"].values()) or journey.question
        if what == "frame received":
            journey.question = event["text"][:200]
        for hop in hops_of(event, journey):
            _append(journey, hop)
        if journey.number in self.all:
            self.changed.add(journey.number)

    def _is_of_another_kind(self, journey: Journey, event: Event) -> bool:
        """Whether the request is not a search, but a login, for example."""
        if journey.ids or journey.first("enqueuing", "called directly", "task started"):
            return False
        if len(journey.events) > 2 and journey.first("enqueued"):
            return False
        names, path = event["fields"], event["path"]
        if path.startswith("/admin") or any(SECRET.search(name) for name in names):
            return True
        if self.path is not None and path != self.path:
            return True
        is_refused = event["status"] >= 400
        return not any(map(str.strip, names.values())) and not is_refused


def _question(values: Any) -> str:
    """Return the longest text among the values: most likely, it is the question."""
    texts = [one for one in values if isinstance(one, str) and not _is_id(one)]
    return max(texts, key=len, default="")[:200]


def _is_id(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f-]{32,36}|\d*", text.strip(), re.I))


def _append(journey: Journey, hop: Hop) -> None:
    """Add the hop, or raise the count of an earlier hop of the same kind and stage.

    The count is raised for hops of REPEATED kinds and, if the journey already has
    MOST_HOPS hops, for hops of all kinds. To find the earlier hop, the function goes
    back through the hops of this stage. It stops at a hop of a different kind, unless
    that kind is in REPEATED.
    """
    same = None
    for other in reversed(journey.hops):
        if other.stage != hop.stage:
            continue
        if other.kind == hop.kind:
            same = other
        if same or other.kind not in REPEATED:
            break
    if same and (hop.kind in REPEATED or len(journey.hops) >= MOST_HOPS):
        same.count += 1
        same.until = hop.time
        same.text, same.facts, same.at = hop.text, hop.facts, hop.at
    elif len(journey.hops) < MOST_HOPS:
        journey.hops.append(hop)
