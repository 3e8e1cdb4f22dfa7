"""The WebSockets of a page, kept where a test in the browser finds them."""

# A script for the page, to run before its own.
KEEP_SOCKETS = """
window.socketsOfThePage = [];
window.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options);
    window.socketsOfThePage.push(this);
  }
};
"""

# Whether the page has opened some, and all are open.
ALL_OPEN = (
    "socketsOfThePage.length && socketsOfThePage.every((s) => s.readyState === 1)"
)
