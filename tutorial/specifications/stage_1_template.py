"""Stage 1 · template: the page has a form and opens a WebSocket."""

import contextlib

from tutorial.visitor.site import Site, Unmet
from tutorial.visitor.sockets import wait_in
from tutorial.visitor.visitor import NO_FORM, Visitor

MISSING = NO_FORM

# A script for the page, to run before its own: no stage 1 has a server for its socket.
SOCKET_WITH_EVENT = """
window.WebSocket = class extends EventTarget {
  constructor() {
    super();
    setTimeout(() => {
      this.onEVENT?.(new Event("EVENT"));
      this.dispatchEvent(new Event("EVENT"));
      window.socketHadItsEvent = true;
    });
  }
};
"""


def check(site: Site) -> str:
    """The page has a form that is sent by POST, and a script that opens a WebSocket."""
    visitor = Visitor(site)
    answer = visitor.get()
    if answer.status != 200:
        raise Unmet(f"The page was answered with status {answer.status}, not 200")
    form = visitor.form()
    if "csrfmiddlewaretoken" not in form.fields:
        raise Unmet("The form has no CSRF token: Django refuses it")
    sources = answer.page.inline_scripts
    for address in answer.page.scripts:
        script = visitor.get(address)
        if script.status != 200:
            raise Unmet(
                f"The script {address} was answered with status {script.status}"
            )
        sources.append(script.html)
    if not any("new WebSocket(" in source for source in sources):
        raise Unmet("No script of the page opens a WebSocket")
    if site.browser:
        texts = {_text(site, event) for event in ("", "open", "close")}
        if len(texts) < 3:
            raise Unmet("The page does not show whether its WebSocket is open")
    return f'a form with the field "{form.text_field}", and a script with a WebSocket'


def _text(site: Site, event: str) -> str:
    """What the page says once its WebSocket has had the event: open, close, or none."""
    with contextlib.closing(site.browser.new_context()) as context:
        page = context.new_page()
        page.add_init_script(SOCKET_WITH_EVENT.replace("EVENT", event))
        page.goto(site.url)
        if not wait_in(page, "window.socketHadItsEvent", 10):
            raise Unmet("No script of the page opens a WebSocket")
        return page.inner_text("body")
