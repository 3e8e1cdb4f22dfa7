"""The learner's browser: one window, in which the page stays open."""

import contextlib
from collections.abc import Callable, Iterator

from playwright.sync_api import Browser, Error, Response, WebSocket

from support.learner.printed import pattern, regular
from tutorial.problem import Problem
from tutorial.runtime.waiting import pause_in, wait_until

# Chrome's error for a response without a body. Chrome then shows a page of its own.
NO_PAGE = "ERR_HTTP_RESPONSE_CODE_FAILURE"


class Window:
    """A page in a real browser, with its console and frames since the last search."""

    def __init__(self, browser: Browser, url: str, patience: float) -> None:
        self.url = url
        self.patience = patience  # the longest wait, in seconds
        self._page = browser.new_page()
        self._status = 0
        self._navigations = 0
        self.is_open = False
        self.console: list[str] = []
        self.frames: list[str] = []
        self._page.on("console", lambda message: self.console.append(message.text))
        self._page.on("websocket", self._listen)
        self._page.on("response", self._note)
        self._page.on("framenavigated", self._count)

    def close(self) -> None:
        """Close the window."""
        self._page.close()

    def open(self) -> None:
        """Load the page. The server may need a moment to start."""
        self._forget()
        self.is_open = True

        def is_loaded() -> bool:
            try:
                self._page.goto(self.url, wait_until="load", timeout=self._timeout)
            except Error as error:
                # After a refused connection, Chromium shows its own page, and soon
                # loads the address again by itself. Both can interrupt a new attempt.
                refused = ("ERR_CONNECTION_REFUSED", "is interrupted by another")
                if any(sign in error.message for sign in refused):
                    return False
                if NO_PAGE not in error.message:
                    raise
            return True

        with _plainly("open"):
            self._wait(is_loaded, lambda: "the server does not answer")

    def reload(self) -> None:
        """Reload the page."""
        with _plainly("reload"):
            try:
                self._page.reload(wait_until="load", timeout=self._timeout)
            except Error as error:
                if NO_PAGE not in error.message:
                    raise

    def ask(self, question: str) -> None:
        """Type a question into the form, send it, and wait for the response."""
        self._forget()
        navigations = self._navigations
        with _plainly(f"ask: {question}"):
            timeout = self._timeout
            field = self._page.get_by_label("Your question")
            field.fill(question, timeout=timeout)
            button = self._page.get_by_role("button", name="Search")
            with self._page.expect_response(_is_post, timeout=timeout) as caught:
                button.click(timeout=timeout)
            if caught.value.request.is_navigation_request():
                self._wait(
                    lambda: self._navigations > navigations,
                    lambda: "no page has come after the form was sent",
                )
                self._page.wait_for_load_state("load", timeout=timeout)

    def see(self, text: str) -> None:
        """Wait until the page shows the text."""
        fitting = pattern(" ".join(text.split()))
        self._wait(
            lambda: fitting.search(self.text()),
            lambda: f"the page does not show “{text}”; it shows:\n  {self.text()}",
        )

    def see_not(self, text: str) -> None:
        """Raise Problem if the page shows the text."""
        # Wait until the browser has drawn everything that has arrived.
        drawn = "() => new Promise(r => requestAnimationFrame(() => setTimeout(r)))"
        with _plainly("sees not"):
            self._page.evaluate(drawn)
        if pattern(" ".join(text.split())).search(self.text()):
            raise Problem(f"the page shows “{text}”:\n  {self.text()}")

    def badge(self, text: str) -> None:
        """Wait until the badge shows a text that starts with `text`."""
        fitting = pattern(text)

        def said() -> str:
            with _plainly("badge"):
                badge = self._page.locator("#socket-state")
                return badge.inner_text() if badge.count() else "(no badge)"

        self._wait(
            lambda: fitting.match(said()),
            lambda: f"the badge does not say “{text}”; it says: {said()}",
        )

    def status(self, text: str) -> None:
        """Wait until the page that was loaded last has this HTTP status."""
        self._wait(
            lambda: str(self._status) == text.strip(),
            lambda: f"the page came with status {self._status}, not {text}",
        )

    def hear(self, what: str, text: str) -> None:
        """Wait until a line of the browser's console, or a frame, contains the text.

        `what` is "console" or "frame".
        """
        lines = {"console": self.console, "frame": self.frames}[what]
        fitting = pattern(text)

        def otherwise() -> str:
            seen = "".join(f"\n  {line[:300]}" for line in lines) or " nothing"
            return f"no {what} line has “{text}”; seen so far:{seen}"

        self._wait(
            lambda: any(fitting.search(regular(line)) for line in list(lines)),
            otherwise,
        )

    def text(self) -> str:
        """Return the text of the page, in one line."""
        with _plainly("sees"):
            return " ".join(self._page.locator("body").inner_text().split())

    def _wait(
        self, condition: Callable[[], object], otherwise: Callable[[], str]
    ) -> None:
        def text() -> str:
            heard = "".join(f"\n  {line}" for line in self.console)
            return otherwise() + (f"\nin its console:{heard}" if heard else "")

        wait_until(
            condition,
            seconds=self.patience,
            otherwise=text,
            # The browser's events arrive only while Playwright waits.
            pause=pause_in(self._page),
        )

    @property
    def _timeout(self) -> float:
        """The patience in milliseconds, for Playwright."""
        return self.patience * 1000

    def _forget(self) -> None:
        self.console.clear()
        self.frames.clear()

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.frames.append(str(frame)))

    def _note(self, response: Response) -> None:
        request = response.request
        if request.is_navigation_request() and request.frame == self._page.main_frame:
            self._status = response.status

    def _count(self, frame: object) -> None:
        self._navigations += frame == self._page.main_frame


def _is_post(response: Response) -> bool:
    return response.request.method == "POST"


@contextlib.contextmanager
def _plainly(what: str) -> Iterator[None]:
    """Turn the errors of Playwright into Problems."""
    try:
        yield
    except Error as error:
        raise Problem(f"{what}: {error.message.splitlines()[0]}") from error
