"""Run two sites on one Redis server. Each site uses a different database number."""

import json

import pytest

from tutorial.project import steps
from tutorial.runtime.services import Service
from tutorial.runtime.stack import Stack
from tutorial.visitor.site import Site
from tutorial.visitor.sockets import open_socket
from tutorial.visitor.visitor import Visitor


def site_of(stack: Stack) -> Site:
    return Site(stack.project.url, stack.redis_url, stack.openai_url)


def frames_up_to(socket, text: str) -> list[str]:
    frames = [""]
    while not (text in frames[-1] and json.loads(frames[-1]).get("answer")):
        frames.append(socket.recv(timeout=10))
    return frames


ROW = pytest.mark.fault(27, "another site uses the same Redis")


@pytest.mark.slow(8)
@pytest.mark.parametrize("name", ["7", pytest.param("final", marks=ROW)])
def test_two_sites_on_one_redis_get_no_messages_from_each_other(name):
    folder = steps.find(name).folder
    with Stack(folder) as first:
        # The second site uses a different database on the same Redis, and the same API.
        variables = first.started["openai"].variables
        services = {
            "redis": lambda _: Service({"REDIS_URL": first.redis_url[:-1] + "1"}),
            "openai": lambda _: Service(variables),
        }
        with Stack(folder, services=services) as second:
            # On both sites, the first user has the id 1.
            mine, other = Visitor(site_of(first)), Visitor(site_of(second))
            mine.get(), other.get()
            with open_socket(mine) as socket, open_socket(other) as others:
                other.ask("What is a signal?")
                frames_up_to(others, "What is a signal?")
                # A message from the other site would have arrived first.
                mine.ask("What is a queue?")
                heard = frames_up_to(socket, "What is a queue?")
    assert not [frame for frame in heard if "What is a signal?" in frame]
