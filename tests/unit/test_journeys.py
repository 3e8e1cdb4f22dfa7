"""The live map turns the observer's events into the journeys of searches."""

import json
import time

import pytest

from tutorial.live_map.document import SCRIPTS, recording
from tutorial.live_map.hops import hidden, shown
from tutorial.live_map.journeys import KEPT, Journeys
from tutorial.live_map.stuck import judge
from tutorial.live_map.world import Process, World
from tutorial.observer.events import Event, Tail
from tutorial.project.steps import find

ID = "0f4d2a51-0000-4000-8000-000000000001"
QUESTION = "What is a broker?"


class Story:
    """Adds events to the journeys, each 0.1 seconds after the previous event."""

    def __init__(self) -> None:
        self.journeys = Journeys()
        self.now = 1000.0

    def tell(self, what: str, process: str = "web", **fields) -> None:
        self.now += 0.1
        event = {"what": what, "process": process, "pid": 7, "time": self.now}
        self.journeys.add(Event(event | fields))

    def ask(self, trail: str = "t1", task_id: str = ID) -> None:
        self.tell("request", trail=trail, method="POST", path="/")
        self.tell(
            "enqueued",
            trail=trail,
            id=task_id,
            task="search.tasks.fetch",
            arguments=[QUESTION, 1],
            broker="redis://127.0.0.1:6379/0",
            app="config",
            eager=False,
        )
        self.answer(trail)

    def answer(self, trail: str = "t1", **fields) -> None:
        given = {"method": "POST", "path": "/", "status": 302, "location": "/"}
        given |= {"seconds": 0.1, "fields": {"query": QUESTION}, "user": 1}
        self.tell("response", trail=trail, **given | fields)

    def broadcast(self, digest: str, trail: str = ID) -> None:
        self.tell(
            "group_send",
            "worker",
            trail=trail,
            layer="RedisPubSubLoopLayer",
            group="user_1",
            type="send_search_result",
            message="{}",
            digest=digest,
        )

    def frame(self, digest: str, text: str = "{}") -> None:
        self.tell(
            "consumer got",
            heard=digest,
            consumer="C",
            socket=1,
            type="t",
            has_method=True,
        )
        self.tell(
            "consumer sends",
            heard=digest,
            consumer="C",
            socket=1,
            type="websocket.send",
            text=text,
        )

    @property
    def searches(self) -> list[dict]:
        return [journey.data() for journey in self.journeys.all.values()]


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_frame_belongs_to_its_search_even_if_its_message_is_recorded_later(story):
    story.ask()
    story.frame("d1")
    story.broadcast("d1")
    (search,) = story.searches
    kinds = [hop["kind"] for hop in search["hops"]]
    assert kinds.count("frame") == kinds.count("broadcast") == 1


def test_a_task_belongs_to_its_search_even_if_it_starts_before_delay_returns(story):
    story.tell("request", trail="t1", method="POST", path="/")
    story.tell("task started", "worker", id=ID, task="x.fetch")
    story.tell("saved", "worker", trail=ID, model="Result", row={"id": 1})
    story.ask("t1")
    assert "row" in [hop["kind"] for hop in story.searches[-1]["hops"]]


def test_chunks_are_counted_in_one_hop_and_the_last_message_has_a_separate_hop(story):
    story.ask()
    for number in range(30):
        story.broadcast(f"d{number}")
        story.frame(f"d{number}")
    story.tell(
        "signal",
        "worker",
        trail=ID,
        name="done",
        receivers=1,
        handlers=["tell"],
        arguments=[],
    )
    story.broadcast("last")
    hops = story.searches[0]["hops"]
    counts = [hop["count"] for hop in hops if hop["kind"] == "broadcast"]
    assert counts == [30, 1]
    assert [hop["count"] for hop in hops if hop["kind"] == "frame"] == [30]


def test_the_events_of_two_searches_are_not_mixed(story):
    other = ID.replace("1", "2")
    story.ask("t1")
    story.ask("t2", other)
    story.broadcast("d1", trail=ID)
    story.broadcast("d2", trail=other)
    story.frame("d2")
    first, second = story.searches
    assert "frame" not in [hop["kind"] for hop in first["hops"]]
    assert "frame" in [hop["kind"] for hop in second["hops"]]


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "/login/", "fields": {"username": "ada", "password": "(not shown)"}},
        {"path": "/admin/search/", "fields": {"query": "x"}},
        {"path": "/logout/", "fields": {}},
    ],
    ids=["log-in", "admin", "log-out"],
)
def test_other_forms_do_not_count_as_searches(story, fields):
    story.tell("request", trail="t1", method="POST", path=fields["path"])
    assert len(story.searches) == 1, "the request may be a search"
    story.answer("t1", **fields)
    assert story.searches == []
    assert story.journeys.total == 0
    story.ask("t2")
    assert [one["number"] for one in story.searches] == [1], "the numbers have no gap"


def test_a_request_to_cancel_a_search_belongs_to_that_search(story):
    story.ask()
    path = f"/searches/{ID}/cancel/"
    story.tell("request", trail="t9", method="POST", path=path)
    values = {"status": "cancelled"}
    story.tell("updated", trail="t9", model="Result", values=values, rows=1)
    story.answer("t9", path=path, fields={}, status=202)
    (search,) = story.searches
    assert "about this search" in " ".join(hop["text"] for hop in search["hops"])
    journey = story.journeys.all[1]
    judge(journey, World(step=7), story.now)
    assert journey.state == "cancelled"


def test_only_the_newest_searches_are_kept_but_all_are_counted(story):
    for number in range(KEPT + 20):
        story.ask(f"t{number}", f"{number:08}-0000-4000-8000-000000000000")
    assert len(story.searches) == KEPT
    assert story.journeys.total == KEPT + 20
    assert story.searches[-1]["number"] == KEPT + 20


def test_a_search_waits_for_a_busy_worker_but_is_stuck_if_the_worker_is_idle(story):
    story.ask()
    journey = story.journeys.all[1]
    world = World(step=7, processes=[Process("worker", "worker", "running")])
    ready = {"tasks": ["search.tasks.fetch"], "queues": ["celery"]}
    ready["broker"] = "redis://127.0.0.1:6379/0"
    world.workers = {7: Event(ready)}
    world.queues, world.running = {ID: "celery"}, {"other": story.now}
    judge(journey, world, story.now + 1)
    assert journey.state == "travelling", "two seconds have not passed yet"
    judge(journey, world, story.now + 3)
    assert journey.state == "waiting"
    assert "busy with 1 task" in journey.halt["text"]
    world.running = {}
    judge(journey, world, story.now + 3)
    assert (journey.state, journey.halt["mistake"]) == ("stuck", "message-not-taken")


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("redis://user:secret-1@host:6379/0", "secret-1"),
        ("Cannot connect to amqp://guest:secret-2@127.0.0.1", "secret-2"),
        ("Incorrect API key: sk-proj-secret_3-abcdef", "secret_3"),
    ],
)
def test_no_password_and_no_key_is_shown(text, without):
    assert without in text
    assert without not in hidden(text)


def test_values_of_secret_fields_are_not_shown():
    given = {"password": "a", "csrf_token": "b", "api_key": "c", "query": "d"}
    assert [*shown(given).values()] == ["(not shown)"] * 3 + ["d"]


def test_no_event_is_lost_when_the_file_of_events_is_replaced(tmp_path):
    file = tmp_path / "events"
    tail = Tail(file)
    tail.LARGEST = 500

    def write(number: int, end: str = "\n") -> None:
        with file.open("a") as events:
            events.write(json.dumps({"what": "x", "number": number}) + end)

    seen = []
    for number in range(100):
        write(number)
        seen += [event["number"] for event in tail.read()]
    assert tail.read() == []
    write(100, end="")
    assert tail.read() == [], "an incomplete line is left for the next call"
    with file.open("a") as events:
        events.write("\n")
    seen += [event["number"] for event in tail.read()]
    assert seen == list(range(101))
    assert file.stat().st_size <= 1000


def test_a_text_cannot_close_the_script_element_of_a_recording():
    text = "</script><script>alert(1)</script>"
    state = {"now": time.time(), "searches": [], "title": text}
    html = recording(find("7"), state)
    assert text not in html
    assert "import " not in html.rpartition('<script type="module">')[2]
    assert len(SCRIPTS) == 6


def test_a_hop_says_that_another_worker_takes_over_the_search(story):
    story.ask()
    values = {"status": "running"}
    story.tell("updated", "worker", trail=ID, model="R", values=values, rows=1)
    story.journeys.add(
        Event(
            what="updated",
            process="worker",
            pid=8,
            time=story.now + 20,
            trail="~8-1",
            model="R",
            values=values,
            rows=1,
        )
    )
    # The trail of this event names a task of asyncio. Only the message contains the id
    # of the Celery task.
    story.journeys.add(
        Event(
            what="group_send",
            process="worker",
            pid=8,
            time=story.now + 21,
            trail="~8-1",
            layer="L",
            group="user_1",
            message=f"{{'task_id': '{ID}'}}",
            digest="d",
        )
    )
    (search,) = story.searches
    hops = [hop for hop in search["hops"] if hop["kind"] == "taken over"]
    assert ["process id 8" in hop["text"] for hop in hops] == [True]
