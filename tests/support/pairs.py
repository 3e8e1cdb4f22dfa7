"""Makes two small consecutive steps, and the Markdown of a fence about them."""

import re
from pathlib import Path

from tutorial.site.extension import Page
from tutorial.site.pair import Pair

VIEWS = '''"""Stage 2."""

import logging

from .forms import Form

logger = logging.getLogger(__name__)


# The door.
@decorated
def index(request):
    form = Form(request.POST)
    return form


class Consumer:
    name = "a"

    def connect(self):
        self.accept()
'''
PAGE = """<main>
  <form id="one">
    {{ form.query }}
    <button>Go</button>
  </form>
  <p class="empty">Nothing</p>
</main>
"""
STYLE = """h1,
h2 {
  margin: 0;
}

p {
  margin: 0;

  a {
    color: red;
  }
}
"""
SCRIPT = """const form = 1;

function show(text) {
  if (text) {
    log(`a ${text}`);
  } else {
    stop();
  }
}
"""
FILES = {
    "views.py": VIEWS,
    "page.html": PAGE,
    "style.css": STYLE,
    "search.js": SCRIPT,
    "Procfile": "web: runserver\nworker: celery\n",
    "requirements.txt": "Django==5\n",
    "pyproject.toml": "[tool]\nname = 1\n",
    "empty.py": "",
}


def make_pair(
    folder: Path, new: dict[str, str], old: dict[str, str] | None = None
) -> Pair:
    """Make two steps from the texts of their files, by path.

    Without `old`, the step with the `new` files is the first one.
    """
    folders = []
    for name, texts in (("old", old), ("new", new)):
        folders.append(folder / name)
        folders[-1].mkdir(exist_ok=True)
        for path, text in (texts or {}).items():
            (folders[-1] / path).parent.mkdir(parents=True, exist_ok=True)
            (folders[-1] / path).write_text(text)
    return Pair("step 9", folders[0] if old is not None else None, folders[1])


def expand(pair: Pair, body: str, kind: str = "step") -> str:
    """Return the Markdown into which a page with this single fence is expanded."""
    page = Page("steps/9-nine.md", "9", lambda name: pair)
    return page.expand(f"```{kind}\n{body}\n```").strip("\n")


def listing(pair: Pair, body: str) -> list[str]:
    """Return the lines of the first block of code that a fence with this body shows."""
    return re.search(r"```.*\n((?:.*\n)*?) *```", expand(pair, body))[1].splitlines()
