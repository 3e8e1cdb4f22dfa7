"""Turns events into the hops of a search: sentences, each with fields to show."""

import re
from collections.abc import Iterator
from typing import Any

from tutorial.live_map.journey import Hop, Journey
from tutorial.observer.events import Event

# The names of fields whose values are secret.
SECRET = re.compile(r"(?i)csrf|passw|secret|token|api_?key|\bkey\b|card")


def shown(values: dict[str, Any], most: int = 300) -> dict[str, str]:
    """Return the values as text, each cut to `most` characters. Hides all secrets."""
    return {
        name: "(not shown)" if SECRET.search(name) else _cut(value, most)
        for name, value in values.items()
    }


def hidden(text: str) -> str:
    """Return the text without API keys, cookies, and the passwords in addresses."""
    text = re.sub(r"://[^/\s@]*@", "://", text)
    text = re.sub(r"\b(sessionid|csrftoken)=[\w-]+", r"\1=…", text)
    return re.sub(r"\bsk-[\w-]{6,}", "sk-…", text)


def _cut(value: Any, most: int = 300) -> str:
    text = hidden(str(value))
    if len(text) <= most:
        return text
    # Cut between words, unless there is only one word.
    return f"{text[:most].rpartition(' ')[0] or text[:most]} …"


# --- an event in words --------------------------------------------------------------


def said(error: str) -> str:
    """Return the text of an exception without a full stop at its end."""
    return error.rstrip(". ")


def sentence(words: str) -> str:
    """Return the words with exactly one full stop at their end."""
    return f"{words.rstrip('. ')}."


def hops_of(event: Event, journey: Journey) -> Iterator[Hop]:
    """Yield the hops of an event: none if the event only explains other events."""
    make = HOPS.get(event["what"])
    if make is None:
        return
    for stage, kind, text, facts in make(event, journey):
        yield Hop(
            stage,
            kind,
            # Prefer the time when the call began: a consumer may receive the message
            # while the call is still running.
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
        address = f"{event['method']} {event['path']}"
        text = f"The browser sent a request about this search: {address}."
        yield 2, "request", text, {}
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
    text = f"The response has status {status}."
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
        yield 4, "message", f"The task sent another message, for {task}.", facts
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
    who = "The task" if stage == 4 else "The view"
    yield stage, "asked", f"{who} calls the API{again} (model {model}).", facts


def _answered(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    asked = journey.latest("api asked")
    facts = {}
    if asked:
        seconds = event["time"] - asked["time"]
        facts = {"model": asked["model"], "took": f"{seconds * 1000:.0f} ms"}
    verb = "begins to answer" if asked and asked["streams"] else "answered"
    yield stage, "answered", f"The API {verb}.", facts


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
        text = f"Another worker, process id {event['pid']}, has taken over the search."
        yield stage, "taken over", text, {"worker": f"process {event['pid']}"}
    yield stage, "row", f"{who} changed the {event['model']}: {names}.", values


def _created_in_bulk(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    count = f"{event['model']} rows ({event['rows']})"
    text = f"bulk_create saved {count} and sent no signal."
    yield stage, "row", text, {}


def _done(event: Event, journey: Journey) -> Found:
    stage = 4 if event["process"] == "worker" else 2
    yield stage, "done", "The Celery task ended.", {}


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
    text = f"group_send sent a message to the group {event['group']}: {reach}."
    yield 5, "broadcast", text, facts


def _group_send_failed(event: Event, journey: Journey) -> Found:
    error = f"{event['error']}: {event.get('reason', '')}"
    text = f"group_send to {event['group']} failed: {error}."
    yield 5, "broadcast failed", text, {"group": event["group"], "error": error}


def _got(event: Event, journey: Journey) -> Found:
    text = f"{event['consumer']} received a message of type {event['type']}."
    kind = "got" if event["has_method"] else "got failed"
    yield 6, kind, text, {"consumer": event["consumer"], "type": event["type"]}


def _consumer_failed(event: Event, journey: Journey) -> Found:
    text = f"{event['consumer']} raised {said(event.error)}."
    yield 6, "consumer failed", text, {"error": event.error}


def _sends(event: Event, journey: Journey) -> Found:
    if event["type"] != "websocket.send":
        return
    text = "The consumer sent a frame through the WebSocket."
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
