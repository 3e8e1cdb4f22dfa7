"""A visitor who must not see anything of the other visitors' searches."""

import contextlib
import json
from collections.abc import Iterator

from websockets.exceptions import ConnectionClosed

from tutorial.visitor.site import Site

from .person import ENDED, Person


@contextlib.contextmanager
def nobody_else_sees(site: Site) -> Iterator[None]:
    """Check that a stranger sees none of the searches made during the `with` block."""
    stranger = Person(site)
    frames: list[dict] = []
    with stranger.open_socket() as socket:
        yield
        # Read the frames received so far, even if the socket has been closed.
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            while True:
                frames.append(json.loads(socket.recv(timeout=0)))
    # Frames of the stranger's own search arrive after all messages that are still on
    # their way.
    with stranger.open_socket() as socket:
        own = stranger.search("Is this mine alone?")
        while not frames or frames[-1].get("status") not in ENDED:
            frames.append(json.loads(socket.recv(timeout=20)))
    for frame in frames:
        for search in frame.get("searches", [frame]):
            assert search["task_id"] == own, f"a stranger got {search}"
    assert set(stranger.snapshot()) == {own}
