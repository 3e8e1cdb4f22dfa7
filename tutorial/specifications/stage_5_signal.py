"""Stage 5 · signal: the saved answer is broadcast to its user's group."""

import re
import uuid

import msgpack

from tutorial.visitor.site import Site, Unmet
from tutorial.visitor.visitor import Visitor

MISSING = "Nothing was published: no handler heard of the finished search"


def check(site: Site) -> str:
    """When the answer is saved, Redis gets a message for the group `user_<id>`."""
    visitor = Visitor(site)
    question = f"What is a signal? {uuid.uuid4()}"
    with site.watch_redis() as watch:
        visitor.ask(question)
        # The answer to an earlier search may still be on its way.
        published = watch.find(lambda c: question in c and read_broadcast(c), 10)
    if published is None:
        raise Unmet(MISSING)
    channel, event = published
    if not re.search(r"user_\d+$", channel):
        raise Unmet(f"The message went to {channel}, not to the group of a user")
    if event.get("type") != "send_search_result":
        raise Unmet(f'The message has the type "{event.get("type")}"')
    # The database is the truth: whoever hears the news must find the answer there.
    if question not in visitor.get().page.text:
        raise Unmet("The message was published before the answer was saved")
    return f"published on {channel}: {str(event)[:60]}…"


def read_broadcast(command: str) -> tuple[str, dict] | None:
    """The channel and the event that the Redis command publishes for a group."""
    match = re.match(r"PUBLISH (\S*__group__\S+) (.*)", command, re.S)
    if not match:
        return None
    raw = match[2].encode("latin-1").decode("unicode_escape").encode("latin-1")
    return match[1], msgpack.unpackb(raw)
