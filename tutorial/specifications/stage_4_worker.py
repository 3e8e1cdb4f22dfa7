"""Stage 4 · worker: the message is taken, the API is asked, the answer is saved."""

import uuid

from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site, Unmet
from tutorial.visitor.visitor import Visitor

MISSING = "The message still waits in Redis: no worker takes it"


def check(site: Site) -> str:
    """After a while a reload shows the API's answer, to its user and to nobody else."""
    visitor, other = Visitor(site), Visitor(site)
    question = f"What is a worker? {uuid.uuid4()}"
    other.get()
    visitor.ask(question)

    def asked() -> bool:
        return any(r["input"].endswith(question) for r in site.requests_to_openai())

    def words() -> str:
        return MISSING if site.waiting_messages() else "The API was never asked"

    try:
        wait_until(asked, seconds=8, otherwise=words)
        wait_until(
            lambda: "offline stand-in" in _results(visitor, question),
            seconds=8,
            otherwise="The API was asked, but a reload does not show its answer",
        )
    except TimeoutError as error:
        raise Unmet(str(error)) from error
    if question in other.get().page.text:
        raise Unmet("Another visitor sees the search, too")
    return f"the API was asked, and a reload shows: {_results(visitor, question)[:40]}…"


def _results(visitor: Visitor, question: str) -> str:
    """The page's text from the question on: the answer, once it is there."""
    return visitor.get().page.text.partition(question)[2].strip()
