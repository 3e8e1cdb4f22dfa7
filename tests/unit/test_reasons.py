"""The live map names a cause only if events and files rule out the other causes."""

import itertools

import pytest

from tutorial.live_map.journeys import Journeys
from tutorial.live_map.stuck import judge
from tutorial.live_map.world import World
from tutorial.observer.events import Event

ID = "0f4d2a51-0000-4000-8000-000000000001"
SIGNALS = "from django.dispatch import Signal\n\nsearch_completed = Signal()\n"
HANDLER = "def tell(sender, **kwargs):\n    async_to_sync(layer.group_send)('a', {})\n"
SCRIPT = 'const socket = new WebSocket("/ws/");\n'


class Story:
    """A search that has reached the worker, and the files of its project."""

    def __init__(self, folder, *, is_saved=True, arguments=("Why?", 1)) -> None:
        self.folder = folder
        self.arguments = list(arguments)
        self.journeys = Journeys()
        self.world = World(sockets=self.journeys.sockets, folder=folder)
        self.times = itertools.count(1000)
        self.web("request", trail="t1", method="POST", path="/")
        self.web("enqueued", trail="t1", id=ID, task="x.fetch", eager=False)
        given = {"path": "/", "status": 302, "location": "/", "seconds": 0.1}
        self.web("response", trail="t1", fields={"query": "Why?"}, user=1, **given)
        self.worker("task started", id=ID, task="x.fetch")
        if is_saved:
            self.worker("saved", model="Result", row={"id": 1})

    def web(self, what: str, **fields) -> None:
        self.tell(what, "web", **fields)

    def worker(self, what: str, **fields) -> None:
        self.tell(what, "worker", trail=ID, **fields)

    def tell(self, what: str, process: str, **fields) -> None:
        common = {"what": what, "process": process, "pid": 7}
        common |= {"arguments": self.arguments}
        common |= {"time": next(self.times), "broker": "redis://r", "app": "config"}
        event = Event(common | fields)
        self.journeys.add(event)
        if what == "connected":
            self.world.receivers.append(event)

    def broadcast(self, group: str = "user_1", **fields) -> None:
        layer, kind = "RedisPubSubLoopLayer", "send_search_result"
        fields = {"digest": "d", "at": "handlers.py:2"} | fields
        self.worker("group_send", layer=layer, group=group, type=kind, **fields)
        self.worker("task done")

    def signal(self, *modules: str) -> None:
        fields = {"signal": 5, "name": "search_completed", "receivers": 0}
        self.worker("signal", **fields, modules=list(modules), at="tasks.py:9")
        self.worker("task done")

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.folder / name.replace("_", ".")).write_text(text)

    def socket(self, what: str, **fields) -> None:
        given = {"consumer": "C", "socket": 3, "user": 1, "handshake": "h1"}
        self.web(what, **(given | fields))

    @property
    def halt(self) -> dict:
        (journey,) = self.journeys.all.values()
        judge(journey, self.world, next(self.times) + 5)
        assert journey.halt, journey.state
        return journey.halt


@pytest.fixture
def story(tmp_path) -> Story:
    return Story(tmp_path)


@pytest.mark.parametrize(
    ("decorator", "modules", "mistake"),
    [
        ("", ["handlers.py"], "handler-missing"),
        ("@receiver(search_completed)\n", ["tasks.py"], "handler-not-imported"),
        ("@receiver(search_completed)\n", ["handlers.py"], "handler-missing"),
        ("@receiver(other)\n", ["handlers.py"], "handler-on-other-signal"),
    ],
    ids=["no decorator", "not imported", "not reached", "another signal"],
)
def test_the_cause_is_named_if_a_signal_has_no_handler(
    story, decorator, modules, mistake
):
    story.write(signals_py=SIGNALS, handlers_py=decorator + HANDLER)
    story.signal(*modules)
    assert (story.halt["stage"], story.halt["mistake"]) == (5, mistake)


@pytest.mark.parametrize(
    ("sender", "mistake"), [(None, "handler-lost"), ("'x'", "sender-differs")]
)
def test_the_cause_is_named_if_a_connected_handler_is_not_called(
    story, sender, mistake
):
    story.tell("connected", "worker", signal=5, receiver="tell", sender=sender)
    story.signal("handlers.py")
    assert story.halt["mistake"] == mistake


NO_ROUTE = "No route found for path 'ws/'."
NO_PROTOCOL = "No application configured for scope type 'websocket'"


@pytest.mark.parametrize(
    ("events", "mistake", "words"),
    [
        (
            [("no route", {"routes": ["ws/find/"]}), ("handshake failed", NO_ROUTE)],
            "route-mismatch",
            "The routes are: ws/find/",
        ),
        ([("handshake failed", NO_PROTOCOL)], "no-websocket-protocol", "scope type"),
        ([("handshake failed", "'list' is odd")], "socket-refused", "'list' is odd"),
        (
            [("consumer starts", {}), ("socket failed", "no attribute 'x'")],
            "consumer-raises",
            "C raised",
        ),
        (
            [("consumer starts", {"has_user": False, "user": None}), "close"],
            "socket-without-user",
            "no user in its scope",
        ),
        ([("consumer starts", {}), "close"], "consumer-refuses", "the user 1"),
        (
            [("consumer starts", {"consumer": "WebsocketDenier"}), "close"],
            "origin-refused",
            "origin check",
        ),
        ([("consumer starts", {})], "never-accepted", "neither accepted nor refused"),
        ([("consumer starts", {}), "accept"], "no-group-add", "has joined the group"),
        ([("consumer starts", {}), "accept", "close"], "socket-ends", "had closed"),
        (
            [("consumer starts", {}), "accept", ("group_add", {"group": "user_2"})],
            "group-names-differ",
            "have joined user_2",
        ),
        (
            [("consumer starts", {}), "accept", ("group_add", {"group": "user_None"})],
            "socket-without-user",
            "have joined user_None",
        ),
    ],
)
def test_the_cause_is_named_if_a_message_reaches_nobody(story, events, mistake, words):
    story.socket("handshake", path="/ws/")
    for event in events:
        if isinstance(event, str):
            kind = f"websocket.{event}"
            story.socket("consumer sends", type=kind, text="", path="/ws/")
            continue
        what, fields = event
        if isinstance(fields, str):
            fields = {"error": "ValueError", "message": fields}
        story.socket(what, **({"path": "/ws/", "channel": "c"} | fields))
    if events[-1] == "close":
        story.socket("consumer ends", path="/ws/")
    story.broadcast()
    halt = story.halt
    assert (halt["stage"], halt["mistake"]) == (6, mistake)
    assert words in halt["text"]
    assert halt["others"] == []


def test_several_causes_are_listed_if_no_page_has_asked_for_a_socket(story):
    story.write(search_js=SCRIPT)
    story.broadcast()
    halt = story.halt
    assert halt["mistake"] == "" and halt["at"] == "search.js:1"
    assert len(halt["others"]) == 3
    assert all(one["sign"] and "#" in one["page"] for one in halt["others"])


def test_a_socket_of_another_visitor_is_ignored(story):
    story.socket("handshake", path="/ws/")
    story.socket("consumer starts", user=2)
    story.socket("consumer sends", type="websocket.accept", text="")
    story.socket("group_add", group="user_2", channel="c")
    story.broadcast()
    assert "no page of this visitor has asked" in story.halt["text"]


def test_a_server_without_websockets_is_named_as_the_cause(story):
    story.write(Procfile="web: python manage.py runserver\n")
    story.web("handshake over HTTP", path="/ws/", has_daphne=False)
    story.broadcast()
    assert story.halt["mistake"] == "daphne-missing"


def test_a_socket_that_was_never_accepted_is_named_as_the_cause(story):
    story.socket("handshake", path="/ws/")
    story.socket("consumer starts", path="/ws/")
    story.socket("group_add", group="user_1", channel="c")
    story.broadcast()
    got = {"heard": "d", "type": "t", "has_method": True}
    story.socket("consumer got", **got)
    story.socket("consumer sends", heard="d", type="websocket.send", text="{}")
    assert story.halt["mistake"] == "never-accepted"


def test_a_closed_page_is_reported_but_not_as_a_mistake(story):
    story.socket("handshake", path="/ws/")
    story.socket("consumer starts", path="/ws/")
    story.socket("consumer sends", type="websocket.accept", text="")
    story.socket("consumer ends", channel="c")
    story.broadcast()
    assert "was open, and is closed now" in story.halt["text"]
    assert story.halt["mistake"] == ""


def refused(story, status: int) -> dict:
    """Return why a search stops if the response to its form has this status."""
    story.journeys = Journeys()
    story.web("request", trail="t2", method="POST", path="/")
    given = {"location": "", "seconds": 0.1, "fields": {"query": "Why?"}, "user": 1}
    story.web("response", trail="t2", path="/", status=status, **given)
    return story.halt


@pytest.mark.parametrize("status", [403, 404])
def test_several_causes_are_listed_if_only_the_status_is_known(story, status):
    halt = refused(story, status)
    assert halt["mistake"] == "" and len(halt["others"]) > 1


@pytest.mark.parametrize(
    ("error", "message", "mistake"),
    [
        ("TypeError", "fetch() got an unexpected argument 'x'", "wrong-arguments"),
        ("EncodeError", "User is not JSON serializable", "not-serializable"),
        ("KeyError", "'x'", ""),
        ("OperationalError", "Connection refused", "broker-refuses"),
    ],
)
def test_the_error_shows_why_a_message_was_not_sent(story, error, message, mistake):
    story.journeys = Journeys()
    story.web("request", trail="t2", method="POST", path="/")
    problem = {"error": error, "message": message}
    story.web("enqueue failed", trail="t2", **problem)
    assert story.halt["mistake"] == mistake


@pytest.mark.parametrize(
    ("message", "mistake"),
    [("NOT NULL constraint failed", "none-in-message"), ("odd", "task-raises")],
)
def test_the_argument_none_is_the_cause_only_if_the_error_is_about_null(
    tmp_path, message, mistake
):
    story = Story(tmp_path, is_saved=False, arguments=["Why?", None])
    story.worker("task failed", error="IntegrityError", message=message)
    assert story.halt["mistake"] == mistake
