"""The searches of a running project: how far each has come, and what it has left there.

A journey is one search. It consists of hops: what happened, at which stage, when, and
what could be seen of it. All of it comes from the observer's events.
"""

import itertools
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tutorial.observer.events import Event

KEPT = 50  # journeys
MOST_HOPS = 60  # of a journey; further chunks are counted in the last one
MOST_LOOSE = 500  # events whose search is not known yet

# The name of a field whose value is not shown.
SECRET = re.compile(r"(?i)csrf|passw|secret|token|api_?key|\bkey\b|card")

# The kinds of hops of which one follows the other while an answer grows.
REPEATED = ("row", "broadcast", "got", "frame")

# The states of a journey from which it does not go on by itself.
ENDED = ("arrived", "failed", "refused", "cancelled")


@dataclass
class Hop:
    """Something that happened to a search."""

    stage: int  # 1 to 7
    kind: str
    time: float  # in seconds since 1970
    text: str  # a sentence
    facts: dict[str, str] = field(default_factory=dict)
    at: str | None = None  # the project's line, such as "search/tasks.py:33"
    process: str = ""  # "web" or "worker"
    pid: int = 0
    failed: bool = False
    count: int = 1  # how many of the same kind it stands for
    until: float = 0.0  # when the last of them happened

    def data(self) -> dict[str, Any]:
        """The hop as the page gets it."""
        return {
            "stage": self.stage,
            "kind": self.kind,
            "time": self.time,
            "until": self.until or self.time,
            "text": self.text,
            "facts": self.facts,
            "at": self.at,
            "process": self.process,
            "pid": self.pid,
            "failed": self.failed,
            "count": self.count,
        }


@dataclass
class Journey:
    """A search, from the form on."""

    number: int
    started: float
    question: str = ""
    ids: list[str] = field(default_factory=list)  # of its tasks
    hops: list[Hop] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)  # what the hops were made of
    is_dropped: bool = False  # it was a request of another kind
    state: str = "travelling"  # or "waiting", "stuck", or one of ENDED
    halt: dict[str, Any] | None = None  # where and why it does not get further

    @property
    def stage(self) -> int:
        """The stage that it has reached."""
        return max((hop.stage for hop in self.hops), default=1)

    @property
    def last(self) -> float:
        """When something happened to it last."""
        return max((hop.until or hop.time for hop in self.hops), default=self.started)

    def first(self, *kinds: str) -> Event | None:
        """Its oldest event of these kinds."""
        return next((event for event in self.events if event["what"] in kinds), None)

    def latest(self, *kinds: str) -> Event | None:
        """Its newest event of these kinds."""
        found = (event for event in reversed(self.events) if event["what"] in kinds)
        return next(found, None)

    def data(self) -> dict[str, Any]:
        """The journey as the page gets it."""
        return {
            "number": self.number,
            "started": self.started,
            "question": self.question or "(a question that cannot be seen from here)",
            "id": self.ids[0] if self.ids else "",
            "state": self.state,
            "stage": self.stage,
            "halt": self.halt,
            "hops": [hop.data() for hop in self.hops],
        }


class Sockets:
    """The open WebSockets, and the groups that they have joined."""

    def __init__(self) -> None:
        self.open: dict[tuple[int, int], Event] = {}  # by process and socket
        self.groups: dict[str, dict[str, int]] = {}  # channels and processes, by group
        self.ever = False  # whether any was opened
        self.joined_ever = False

    def add(self, event: Event) -> None:
        """Take notice of an event."""
        what = event["what"]
        if what == "consumer starts" and event.get("path"):
            self.open[event["pid"], event["socket"]] = event
            self.ever = True
        elif what == "consumer ends":
            self.open.pop((event["pid"], event["socket"]), None)
            self._leave(event.get("channel", ""))
        elif what == "group_add":
            channels = self.groups.setdefault(event["group"], {})
            channels[event["channel"]] = event["pid"]
            self.joined_ever = True
        elif what == "group_discard":
            self._leave(event["channel"], event["group"])
        elif what == "observer starts":
            self.ended(event["pid"])

    def ended(self, pid: int) -> None:
        """Forget the sockets of a process that has ended."""
        for key in [key for key in self.open if key[0] == pid]:
            del self.open[key]
        for group, channels in list(self.groups.items()):
            for channel in [name for name, owner in channels.items() if owner == pid]:
                self._leave(channel, group)

    def _leave(self, channel: str, group: str | None = None) -> None:
        for name in [group] if group else list(self.groups):
            channels = self.groups.get(name, {})
            channels.pop(channel, None)
            if not channels:
                self.groups.pop(name, None)

    def of(self, group: str) -> tuple[int, int]:
        """How many processes and how many sockets get the messages of the group."""
        channels = self.groups.get(group, {})
        return len(set(channels.values())), len(channels)


class Journeys:
    """Makes journeys of events. The newest KEPT are kept."""

    def __init__(self) -> None:
        self.all: OrderedDict[int, Journey] = OrderedDict()
        self.sockets = Sockets()
        self.changed: set[int] = set()  # the numbers of those that changed
        self.path: str | None = None  # the address to which questions are sent
        self.total = 0
        self._numbers = itertools.count(1)
        self._of: OrderedDict[str, Journey] = OrderedDict()  # by trail, id and digest
        self._loose: OrderedDict[str, list[Event]] = OrderedDict()  # by trail or digest

    def take_changed(self) -> list[Journey]:
        """The journeys that have changed since the last call."""
        numbers, self.changed = sorted(self.changed), set()
        return [self.all[number] for number in numbers if number in self.all]

    def add(self, event: Event) -> None:
        """Take notice of an event."""
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
            return None  # eager: the request is known in a moment
        return self._known_by_text(event)

    def _known_by_path(self, event: Event) -> Journey | None:
        """A search that the request names, such as one that is to be cancelled."""
        for part in str(event.get("path", "")).split("/"):
            if len(part) > 8 and part in self._of:
                return self._of[part]
        return None

    def _known_by_text(self, event: Event) -> Journey | None:
        """A search whose id, or question, is in the event's text."""
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
        journey = Journey(next(self._numbers), event["time"])
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
        """The events of this key belong to the journey: those that came before."""
        if key is None or str(key) in self._of:
            return
        self._of[str(key)] = journey
        while len(self._of) > 40 * KEPT:
            self._of.popitem(last=False)
        yield from self._loose.pop(str(key), ())

    def _follow(self, journey: Journey, event: Event) -> None:
        """Add the event, and those that it links with the journey."""
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

    # --- what becomes of it ----------------------------------------------------------

    def _note(self, journey: Journey, event: Event) -> None:
        what = event["what"]
        if what == "group_send":
            event["processes"], event["sockets"] = self.sockets.of(event["group"])
        journey.events.append(event)
        if len(journey.events) > 400:
            del journey.events[200]
        if what == "response" and self._is_of_another_kind(journey, event):
            journey.is_dropped = True
            self.all.pop(journey.number, None)
            self.total -= 1
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
        """Whether it is no search, but a log-in for example."""
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
    """The longest text among the values: most probably what was asked."""
    texts = [one for one in values if isinstance(one, str) and not _is_id(one)]
    return max(texts, key=len, default="")[:200]


def _is_id(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f-]{32,36}|\d*", text.strip(), re.I))


def _append(journey: Journey, hop: Hop) -> None:
    """Add a hop, or count it with an earlier one, if only such hops are between."""
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


def shown(values: dict[str, Any], most: int = 300) -> dict[str, str]:
    """Fields and their values as text, without what nobody may see."""
    return {
        name: "(not shown)" if SECRET.search(name) else _cut(value, most)
        for name, value in values.items()
    }


def hidden(text: str) -> str:
    """The text without passwords in addresses, and without keys of the API."""
    return re.sub(r"\bsk-[\w-]{6,}", "sk-…", re.sub(r"://[^/\s@]*@", "://", text))


def _cut(value: Any, most: int = 300) -> str:
    text = hidden(str(value))
    if len(text) <= most:
        return text
    # Not in the middle of a word, unless there is only one.
    return f"{text[:most].rpartition(' ')[0] or text[:most]} …"


# --- an event in words --------------------------------------------------------------


def said(error: str) -> str:
    """An exception at the end of a sentence."""
    return error.rstrip(". ")


def hops_of(event: Event, journey: Journey) -> Iterator[Hop]:
    """What an event means for its search; nothing, if it only explains others."""
    make = HOPS.get(event["what"])
    if make is None:
        return
    for stage, kind, text, facts in make(event, journey):
        yield Hop(
            stage,
            kind,
            # A message that is sent is heard before the call returns.
            event.get("begun") or event["time"],
            hidden(text),
            {name: _cut(value) for name, value in facts.items() if value != ""},
            event.at,
            event["process"],
            event["pid"],
            failed="failed" in kind,
        )


Found = Iterator[tuple[int, str, str, dict[str, Any]]]


def _request(event: Event, journey: Journey) -> Found:
    if journey.ids:
        yield 2, "request", f"{event['method']} {event['path']} about this search", {}
        return
    text = f"The browser sent the form: {event['method']} {event['path']}."
    yield 1, "form", text, {"request": f"{event['method']} {event['path']}"}


def _frame_received(event: Event, journey: Journey) -> Found:
    yield 1, "form", "The browser sent a frame.", {"frame": event["text"]}


def _response(event: Event, journey: Journey) -> Found:
    if fields := shown(event["fields"]):
        first = next((hop for hop in journey.hops if hop.kind == "form"), None)
        if first:
            first.facts |= fields
    status = event["status"]
    facts = {
        "status": status,
        "to": event["location"],
        "user": "" if event["user"] is None else event["user"],
        "took": f"{event['seconds'] * 1000:.0f} ms",
    }
    kind = "response failed" if status >= 400 else "response"
    text = f"The view answered with status {status}, after {facts['took']}."
    yield 2, kind, text, facts


def _request_failed(event: Event, journey: Journey) -> Found:
    yield (
        2,
        "view failed",
        f"The view raised {said(event.error)}.",
        {"error": event.error},
    )


def _refused(event: Event, journey: Journey) -> Found:
    text = f"{event['form']} refused the question."
    yield 2, "form refused", text, event["errors"]


def _enqueued(event: Event, journey: Journey) -> Found:
    task = event["task"].rpartition(".")[2]
    facts = {
        "task": event["task"],
        "arguments": event["arguments"],
        "id": event.get("id") or "",
        "broker": event["broker"],
    }
    if event["eager"]:
        return
    if event["process"] == "worker":
        yield 4, "message", f"The task sent a further message, for {task}.", facts
        return
    yield 3, "message", f"The view left a message for {task} in the queue.", facts


def _enqueue_failed(event: Event, journey: Journey) -> Found:
    facts = {"error": event.error, "broker": event["broker"]}
    yield 3, "message failed", f"The message was not sent: {said(event.error)}.", facts


def _received(event: Event, journey: Journey) -> Found:
    text = f"The worker with process id {event['pid']} took the message."
    yield 4, "taken", text, {"worker": f"process {event['pid']}"}


def _started(event: Event, journey: Journey) -> Found:
    if event["process"] == "web":
        text = "The task runs inside the web process (eager mode): the page waits."
        yield 2, "eager", text, {"task": event["task"]}
        return
    others = {one["pid"] for one in journey.events if one["what"] == "task started"}
    again = " again" if len(others) > 1 else ""
    yield 4, "started", f"The task started{again}.", {"task": event["task"]}


def _asked(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    model = event["model"] or "a model"
    again = " again" if any(hop.kind == "asked" for hop in journey.hops) else ""
    facts = {"model": model, "question": event["question"]}
    yield stage, "asked", f"It asks the API{again}, for {model}.", facts


def _answered(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    asked = journey.latest("api asked")
    facts, took = {}, ""
    if asked:
        seconds = event["time"] - asked["time"]
        facts = {"model": asked["model"], "took": f"{seconds * 1000:.0f} ms"}
        took = f", after {facts['took']}"
    verb = "begins to answer" if asked and asked["streams"] else "answered"
    yield stage, "answered", f"The API {verb}{took}.", facts


def _api_failed(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    yield stage, "api failed", f"The API: {said(event.error)}.", {"error": event.error}


def _saved(event: Event, journey: Journey) -> Found:
    if event["process"] != "worker":
        yield 2, "row", f"The view saved a {event['model']}.", shown(event["row"])
        return
    yield 4, "row", f"The task saved a {event['model']}.", shown(event["row"])


def _updated(event: Event, journey: Journey) -> Found:
    if not event["rows"]:
        return
    values = shown(event["values"])
    stage = 4 if event["process"] == "worker" else 2
    who = "The task" if stage == 4 else "The view"
    names = ", ".join(values)
    workers = [one["pid"] for one in journey.events[:-1] if one["process"] == "worker"]
    if stage == 4 and workers and event["pid"] not in workers:
        text = f"Another worker, process id {event['pid']}, has taken the search over."
        yield stage, "taken over", text, {"worker": f"process {event['pid']}"}
    yield stage, "row", f"{who} changed the {event['model']}: {names}.", values


def _created_in_bulk(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    text = f"{event['rows']} {event['model']} saved at once, without a signal."
    yield stage, "row", text, {}


def _done(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    yield stage, "done", "The task ended.", {}


def _failed(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    yield (
        stage,
        "task failed",
        f"The task raised {said(event.error)}.",
        {"error": event.error},
    )


def _retried(event: Event, journey: Journey) -> Found:
    yield 4, "retried", f"The task will be tried again: {event['reason']}.", {}


def _signal(event: Event, journey: Journey) -> Found:
    count = event["receivers"]
    handlers = ", ".join(event.get("handlers", ())) or "none"
    text = f"{event['name']} was sent to {count} handler{'s' * (count != 1)}."
    yield 5, "signal", text, {"signal": event["name"], "handlers": handlers}


def _handler_failed(event: Event, journey: Journey) -> Found:
    text = f"A handler of the signal raised {said(event.error)}."
    yield 5, "handler failed", text, {"error": event.error}


def _group_send(event: Event, journey: Journey) -> Found:
    processes, sockets = event["processes"], event["sockets"]
    reach = (
        f"{sockets} socket{'s' * (sockets != 1)} in {processes}"
        f" process{'es' * (processes != 1)}"
    )
    facts = {
        "group": event["group"],
        "type": event.get("type") or "",
        "reaches": reach,
        "message": event.get("message", ""),
    }
    text = f"group_send to {event['group']}, which has {reach}."
    yield 5, "broadcast", text, facts


def _group_send_failed(event: Event, journey: Journey) -> Found:
    error = f"{event['error']}: {event.get('reason', '')}"
    text = f"group_send to {event['group']} failed: {error}."
    yield 5, "broadcast failed", text, {"group": event["group"], "error": error}


def _got(event: Event, journey: Journey) -> Found:
    text = f"{event['consumer']} got the message {event['type']}."
    kind = "got" if event["has_method"] else "got failed"
    yield 6, kind, text, {"consumer": event["consumer"], "type": event["type"]}


def _consumer_failed(event: Event, journey: Journey) -> Found:
    text = f"{event['consumer']} raised {said(event.error)}."
    yield 6, "consumer failed", text, {"error": event.error}


def _sends(event: Event, journey: Journey) -> Found:
    if event["type"] != "websocket.send":
        return
    text = "The consumer sent a frame down the WebSocket."
    yield 6, "frame", text, {"frame": event["text"]}


HOPS = {
    "request": _request,
    "frame received": _frame_received,
    "response": _response,
    "request failed": _request_failed,
    "form refused": _refused,
    "enqueued": _enqueued,
    "enqueue failed": _enqueue_failed,
    "task received": _received,
    "task started": _started,
    "api asked": _asked,
    "api answered": _answered,
    "openai": _api_failed,
    "saved": _saved,
    "updated": _updated,
    "created in bulk": _created_in_bulk,
    "task done": _done,
    "task failed": _failed,
    "task retried": _retried,
    "signal": _signal,
    "handler failed": _handler_failed,
    "group_send": _group_send,
    "group_send failed": _group_send_failed,
    "consumer got": _got,
    "consumer failed": _consumer_failed,
    "consumer sends": _sends,
}
