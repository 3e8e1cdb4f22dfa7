"""Another visitor, who must see nothing of the others' searches."""

import contextlib
import json
from collections.abc import Iterator

from websockets.exceptions import ConnectionClosed

from tutorial.visitor.site import Site

from .person import ENDED, Person


@contextlib.contextmanager
def nobody_else_sees(site: Site) -> Iterator[None]:
    """No other visitor sees what happens in this context, in a page or by a socket."""
    stranger = Person(site)
    frames: list[dict] = []
    with stranger.open_socket() as socket:
        yield
        # Read what was sent so far, also where the socket has closed since.
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            while True:
                frames.append(json.loads(socket.recv(timeout=0)))
    # A search of the stranger's own arrives after any message that is still on its way.
    with stranger.open_socket() as socket:
        own = stranger.search("Is this mine alone?")
        while not frames or frames[-1].get("status") not in ENDED:
            frames.append(json.loads(socket.recv(timeout=20)))
    for frame in frames:
        for search in frame.get("searches", [frame]):
            assert search["task_id"] == own, f"a stranger got {search}"
    assert set(stranger.snapshot()) == {own}
