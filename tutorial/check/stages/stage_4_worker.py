"""Stage 4 · worker: the message is taken, the API is called, the answer is saved."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tutorial.check.scene import DONE, START, Scene, Search, first_words, squeeze
from tutorial.check.stages.stage_1_template import page_raises
from tutorial.check.stages.stage_2_view import ANSWERED, form_refuses, is_taken
from tutorial.check.stages.stage_3_queue import ARRIVES
from tutorial.check.unmet import Unmet
from tutorial.runtime.waiting import wait_for
from tutorial.visitor.visitor import Visitor

SHOWN = 2.0  # seconds until a saved answer is on the page
BURST = 10  # the number of visitors who ask at once
TOO_MANY = 429  # the status for a visitor above the rate limit
TAKEN = 5.0  # seconds until a worker that is ready takes a message

# A question that makes the API refuse the request; see `tutorial/standin`.
REFUSED = "simulate: bad key"


def look(scene: Scene) -> str:
    """Check that a worker takes the message, calls the API, and saves the answer."""
    search = scene.search
    look_at_worker(scene)
    answer = look_at_api(scene, search)
    shown = scene.shown = _look_at_answer(scene, search, answer)
    if not shown:
        return "the API was called, and the answer is in the database"
    return f"the API was called, and a reload shows: {shown[:50]}…"


def findings(scene: Scene) -> Iterator[Unmet]:
    """Check who can see the answer, and whether the page reports a failure.

    Only the visitor who asked may see the answer. If many ask at once, each gets an
    answer. If the API fails, the task must still end, and the page must report the
    failure.
    """
    scene.wait_for_end(scene.search)
    still_runs = scene.still_runs(scene.search)
    if still_runs:
        yield does_not_end(scene)
    if not scene.shown:
        page = scene.search.visitor.get()
        yield Unmet(
            "answer-not-on-page",
            f"the row is saved, but a reload shows: {page.page.text[:100]}",
            expected="a page that shows the answer after a reload",
        )
    other = scene.visitor()
    other.get()
    if scene.search.question in other.get().page.text:
        yield Unmet(
            "others-see-it",
            "another visitor's page shows the question, too",
            expected="a page that shows each visitor only their own searches",
        )
    # A task that does not end may block the worker for all other tasks.
    if still_runs:
        return
    yield from _burst(scene)
    refused = scene.ask(REFUSED)
    if refused.answer.status == TOO_MANY:
        scene.advice.append("not checked: whether the page reports an API failure")
    elif not wait_for(lambda: is_taken(scene, refused), ARRIVES):
        found = form_refuses(refused)
        found.finding = "differs"
        found.expected = f"a form that accepts a short question, such as “{REFUSED}”"
        yield found
    else:
        scene.second = refused
        if scene.shown:  # otherwise the page shows no rows at all
            yield from _failure(scene, refused)


def _failure(scene: Scene, search: Search) -> Iterator[Unmet]:
    """Check that the page reports that the API refused the search."""
    if not _failure_is_shown(scene, search):
        yield Unmet(
            "api-error-kept-from-user",
            "the API refused the request (status 401), but the page does not say so,"
            " even after a reload",
            expected="a page that says that the API gave no answer",
        )


def look_at_worker(scene: Scene) -> None:
    """Check that a worker runs and has taken the message."""
    message = scene.message
    if not scene.has_worker:
        raise Unmet(
            "no-worker",
            f"the project starts {', '.join(scene.project.running)};"
            " the message is still waiting in Redis",
            expected="a process that runs `celery ... worker`",
            at="Procfile:1" if (scene.folder / "Procfile").exists() else None,
        )

    def taken() -> bool:
        return not scene.waits(message)

    def ended() -> bool:
        return scene.has_ended("worker")

    wait_for(lambda: ended() or scene.worker_is_ready or taken(), START, scene.pause)
    if scene.worker_is_ready:
        wait_for(lambda: ended() or taken(), TAKEN, scene.pause)
    if ended():
        raise Unmet(
            "worker-ends", scene.last_words("worker"), expected="a worker that is ready"
        )
    if taken():
        return
    words = f"its last line: {(scene.lines('worker') or ['nothing'])[-1]}"
    if not scene.worker_is_ready:
        seen = f"the worker is not ready after {START:g} s; {words}"
        raise Unmet("worker-not-ready", seen, expected="a worker that is ready")
    is_printed = any(" ready." in line for line in scene.lines("worker"))
    state = "is ready" if is_printed else "has connected to its broker"
    raise Unmet(
        "message-not-taken",
        f"the worker {state}, but the message is still waiting in Redis; {words}",
        expected=f"a worker that takes the message for {message.task}",
    )


def look_at_api(scene: Scene, search: Search) -> str:
    """Return the API's answer to the question. Raises Unmet if there is none."""

    def answer() -> str | None:
        request = scene.answered(search.question)
        return request["answer"] if request and request["status"] == 200 else None

    if found := scene.wait(answer, DONE, search):
        return found
    expected = "a request to the API, and its answer"
    requests = scene.site.requests_to_openai()
    # The stand-in does not read a request that it refuses, so it does not know the
    # question.
    refused = [request for request in requests if request["status"] >= 400]
    if refused:
        status = refused[-1]["status"]
        mistake = {401: "api-key-wrong", 404: "api-address"}.get(status, "api-refuses")
        seen = f"the API answered with status {status} at {refused[-1]['path']}"
        raise Unmet(mistake, seen, expected=expected)
    if requests:
        raise Unmet(
            "api-asked-other",
            f"the API was called with: {requests[-1]['input'][:60]!r}",
            expected=f"the question “{search.question}” in the request",
        )
    seen = "the message was taken, but no request has reached the API"
    raise Unmet("api-not-asked", seen, expected=expected)


def _look_at_answer(scene: Scene, search: Search, answer: str) -> str:
    """Return the part of the answer that a reload shows.

    Return "" if only the database contains the answer. Raises Unmet if neither the page
    nor the database contains the answer.
    """
    wanted = first_words(answer)

    def shown() -> str | None:
        text = squeeze(search.visitor.get().page.text)
        return text if wanted in text else None

    scene.wait(lambda: shown() or scene.is_in_database(wanted), DONE, search)
    # If the answer comes in pieces, the page may show the row a moment later.
    if text := scene.wait(shown, SHOWN, search):
        return text.partition(search.question)[2].strip() or wanted
    page = search.visitor.get()
    if page.status >= 500:
        raise page_raises(scene.path, page)
    if scene.is_in_database(wanted):
        return ""
    seen = "the API has answered, but the answer is not in the database or on the page"
    raise Unmet("not-saved", seen, expected=f"a row with the answer, “{wanted}…”")


def _burst(scene: Scene) -> Iterator[Unmet]:
    """Check that ten visitors who ask at the same moment all get an answer."""
    about = scene.search.question.partition("?")[0]
    tokens = [secrets.token_hex(3) for _ in range(BURST)]
    visitors = [scene.visitor() for _ in range(BURST)]
    count = answers_to(scene, tokens)
    _, scene.burst = scene.now()

    def ask(visitor: Visitor, token: str) -> Search:
        return scene.ask(f"{about}? {token}", visitor)

    with ThreadPoolExecutor(BURST) as pool:
        searches = list(pool.map(ask, visitors, tokens))
    # A rate limit may refuse some of the questions.
    taken = [one for one in searches if one.answer.status in ANSWERED]
    wait_for(lambda: count() >= len(taken), DONE)
    if count() < len(taken):
        yield burst_fails(f"{len(taken)} visitors asked at once", count())


def answers_to(scene: Scene, tokens: list[str]) -> Callable[[], int]:
    """Return a function that counts the answers to a group of questions.

    Each of these questions contains one of the `tokens`. The function counts the
    answers in the database or, if `check` cannot read it, those that the API gave.
    """
    first = first_words(scene.answered(scene.search.question)["answer"])
    before = scene.times_in_databases([first])

    def count() -> int:
        answers = Counter(
            first_words(request["answer"])
            for request in scene.site.requests_to_openai()
            if request["status"] == 200
            and any(token in request["input"] for token in tokens)
        )
        if not before[first]:
            return answers.total()
        times = scene.times_in_databases(answers)
        # A project may save an answer in several places.
        return sum(
            min(times[text] - before[text], asked) for text, asked in answers.items()
        )

    return count


def burst_fails(asked: str, answered: int) -> Unmet:
    """Return the mistake to report if some simultaneous questions get no answer."""
    return Unmet(
        "burst-fails",
        f"{asked}, and {answered} of them got an answer",
        expected="an answer for each of them",
    )


def does_not_end(scene: Scene) -> Unmet:
    """Return the mistake to report if the task does not end after the API's answer."""
    return Unmet(
        "task-does-not-end",
        f"the API has answered, but {scene.message.task} is still running after"
        f" {DONE:g} s",
        expected="a task that ends",
    )


def _failure_is_shown(scene: Scene, search: Search) -> bool:
    """Whether the reloaded page shows a new text after the search."""

    def words() -> str:
        known = {*search.before, REFUSED}
        pieces = search.visitor.get().page.pieces
        return " ".join(piece for piece in pieces if piece not in known)

    words()  # discard the notice that the search has started; it is shown only once
    scene.wait_for_end(search)
    return bool(scene.wait(words, DONE, search))
