"""A TCP proxy on this machine. Its connections can hang without being closed."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Forwards connections to `port` of this machine until they are frozen.

    A frozen connection stays open, but its data is no longer forwarded in either
    direction. New connections are still accepted and forwarded.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        # Setting this event freezes the connections made so far.
        self._frozen = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._server]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """The port on which the proxy listens."""
        return self._server.getsockname()[1]

    def freeze(self) -> None:
        """Freeze the existing connections."""
        frozen, self._frozen = self._frozen, threading.Event()
        frozen.set()

    def close(self) -> None:
        """Close the proxy and all its connections."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the proxy was closed
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    thread = threading.Thread(
                        target=self._forward, args=(*pair, self._frozen), daemon=True
                    )
                    thread.start()

    def _forward(
        self, source: socket.socket, target: socket.socket, frozen: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if frozen.is_set():
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """Run a proxy to `port` of this machine during the `with` block."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
