"""The engine of the site: excerpts, their places, notes, overviews, and its errors."""

import re
from itertools import pairwise

import markdown
import pytest

from tutorial import steps
from tutorial.environment import ROOT
from tutorial.problem import Problem
from tutorial.stepdocs import glossary, overview
from tutorial.stepdocs.extension import Page, step_of
from tutorial.stepdocs.listing import LANGUAGES, fenced
from tutorial.stepdocs.pair import Pair

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


@pytest.fixture
def project(tmp_path):
    """A function that makes two neighbouring steps of the files' texts."""

    def make(new: dict[str, str], old: dict[str, str] | None = None) -> Pair:
        folders = []
        for name, texts in (("old", old), ("new", new)):
            folders.append(tmp_path / name)
            folders[-1].mkdir(exist_ok=True)
            for path, text in (texts or {}).items():
                (folders[-1] / path).parent.mkdir(parents=True, exist_ok=True)
                (folders[-1] / path).write_text(text)
        return Pair("step 9", folders[0] if old is not None else None, folders[1])

    return make


def expand(pair: Pair, body: str, kind: str = "step") -> str:
    """What a page that holds one fence becomes."""
    page = Page("steps/9-nine.md", "9", lambda name: pair)
    return page.expand(f"```{kind}\n{body}\n```").strip("\n")


def listing(pair: Pair, body: str) -> list[str]:
    """The lines of the first block of code that a fence becomes."""
    return re.search(r"```.*\n((?:.*\n)*?) *```", expand(pair, body))[1].splitlines()


@pytest.mark.parametrize(
    ("path", "name", "first", "last"),
    [
        ("views.py", "docstring", '"""Stage 2."""', '"""Stage 2."""'),
        ("views.py", "imports", "import logging", "from .forms import Form"),
        ("views.py", "logger", "logger = logging.getLogger(__name__)", None),
        ("views.py", "index", "# The door.", "    return form"),
        ("views.py", "Consumer", "class Consumer:", "        self.accept()"),
        ("views.py", "Consumer.name", '    name = "a"', None),
        ("views.py", "Consumer.connect", "    def connect(self):", None),
        ("views.py", "form = Form(", "    form = Form(request.POST)", None),
        ("page.html", "<form", '  <form id="one">', "  </form>"),
        ("page.html", "form.query", "    {{ form.query }}", "    {{ form.query }}"),
        ("page.html", "empty", '  <p class="empty">Nothing</p>', None),
        ("style.css", "h1", "h1,", "}"),
        ("style.css", "p {", "p {", "}"),
        ("search.js", "function show", "function show(text) {", "}"),
        ("search.js", "if (text)", "  if (text) {", "  }"),
        ("search.js", "const form", "const form = 1;", "const form = 1;"),
        ("Procfile", "worker", "worker: celery", "worker: celery"),
        ("pyproject.toml", "name", "name = 1", "name = 1"),
    ],
)
def test_a_part_is_found_by_its_name(project, path, name, first, last):
    lines = listing(project(FILES), f"file: {path}\nshow: {name!r}")
    assert lines[0] == first
    if last:
        assert lines[-1] == last
    elif name == "Consumer.connect":
        assert lines[1:] == ["        self.accept()"]
    else:
        assert len(lines) == 1


def test_parts_that_touch_are_one_and_a_gap_is_marked(project):
    pair = project(FILES)
    assert listing(pair, "file: views.py\nshow: [imports, docstring]") == [
        *('"""Stage 2."""', "", "import logging", "", "from .forms import Form")
    ]
    assert listing(pair, "file: views.py\nshow: [docstring, Consumer.name]") == [
        *('"""Stage 2."""', "    # …", '    name = "a"')
    ]
    assert "  <!-- … -->" in listing(pair, "file: page.html\nshow: [button, empty]")


def test_a_whole_file_is_shown_as_it_is(project):
    pair = project(FILES)
    for path, text in FILES.items():
        if text:
            assert "\n".join(listing(pair, f"file: {path}")) + "\n" == text


def test_an_empty_file_is_told(project):
    text = expand(project(FILES), "file: empty.py")
    assert text == "**`empty.py`** · new file, empty\n{: .place }"


@pytest.mark.parametrize(
    ("path", "old", "new", "show", "place"),
    [
        ("a.py", None, "x = 1\n", "", "new file"),
        ("a.py", None, "import os\n\nx = 1\n", "x", "new file, after the imports"),
        ("a.py", None, "import os\n\nx = 1\n", "imports", "new file, in the imports"),
        ("a.py", "", "x = 1\n", "", "empty so far"),
        ("a.py", "x = 1\n", "x = 1\n\ny = 2\n", "", "after `x`"),
        ("a.py", "x = 1\n", "import os\n\nx = 1\n", "", "in the imports"),
        ("a.py", "x = 1\n", '"""Text."""\nx = 1\n', "", "at the top"),
        (
            "a.py",
            "A = [\n    1,\n]\n",
            "A = [\n    0,\n    1,\n]\n",
            "",
            "in `A`, at the start",
        ),
        ("a.py", "x = 1\ny = 2\n", "x = 1\n", "", "without `y`"),
        ("a.py", "x = 1\nz = 3\n", "y = 2\nz = 3\n", "", "in place of `x`"),
        (
            "a.py",
            "class A:\n    x = 1\n",
            "class A:\n    x = 1\n\n    def b(self):\n        pass\n",
            "",
            "in `A`, after `x`",
        ),
        (
            "a.py",
            "def a():\n    b()\n",
            "def a():\n    b()\n    c()\n",
            "",
            "in `a`, at the end",
        ),
        (
            "a.py",
            "import os\n\nx = 1\n",
            "import os\nimport re\n\nx = 1\n\ny = 2\n",
            "",
            "in the imports; after `x`",
        ),
        (
            "a.py",
            "import os\n\nx = 1\n",
            "import os\nimport re\n\nx = 1\n\ny = 2\n",
            "y",
            "after `x`",
        ),
        ("a.py", "x = 1\ny = 2\n", "x = 1\ny = 3\n", "x", "as it was"),
        ("Procfile", "web: a\n", "web: a\nworker: b\n", "", "at the end"),
        (
            "a.css",
            "p {\n  x: 1;\n}\nq {\n}\n",
            "p {\n  x: 1;\n}\nr {\n}\nq {\n}\n",
            "",
            "after `p`",
        ),
        (
            "a.html",
            "<main>\n  <form>\n  </form>\n</main>\n",
            "<main>\n  <form>\n  </form>\n  <p>New</p>\n</main>\n",
            "",
            "in `<main>`, after `</form>`",
        ),
        (
            "a.js",
            "a(`b`);\n",
            "a(`b`);\nc();\n\nd();\n",
            "c()",
            "after ``a(`b`);``",
        ),
    ],
)
def test_the_place_of_what_changes(project, path, old, new, show, place):
    before = {} if old is None else {path: old}
    body = f"file: {path}" + (f"\nshow: {show!r}" if show else "")
    first, second, *_ = expand(project({path: new}, before), body).splitlines()
    assert (first, second) == (f"**`{path}`** · {place}", "{: .place }")


OLD = "import os\n\nx = 1\n\n\ndef a():\n    b()\n    c()\n"
NEW = "import os\nimport re\n\nx = 1\n\n\ndef a():\n    c(\n        1,\n    )\n"


def test_a_file_that_changes_has_two_tabs(project):
    text = expand(project({"a.py": NEW}, {"a.py": OLD}), "file: a.py\nshow: a")
    assert text.splitlines()[2:] == [
        *("", '=== "The file"', ""),
        *('    ```python hl_lines="2 3 4"', "    def a():"),
        *("        c(", "            1,", "        )", "    ```", ""),
        *('=== "What changes"', "", "    ```diff", "    --- a/a.py", "    +++ b/a.py"),
        *("    @@ -4,5 +5,6 @@", "     ", "     ", "     def a():"),
        *(
            "    -    b()",
            "    -    c()",
            "    +    c(",
            "    +        1,",
            "    +    )",
        ),
        "    ```",
    ]


def test_all_that_changes_is_shown_where_no_part_is_named(project):
    lines = listing(project({"a.py": NEW}, {"a.py": OLD}), "file: a.py")
    assert lines == ["    " + line if line else "" for line in NEW.splitlines()]


def test_a_diff_shows_no_line_of_this_step_as_an_old_one(project):
    old = "x = 1\n"
    new = "x = 1\ny = 2\nz = 3\nw = 4\n"
    text = expand(project({"a.py": new}, {"a.py": old}), "file: a.py\nshow: z")
    assert "    +z = 3" in text
    assert "y = 2" not in text
    assert "w = 4" not in text


def test_what_goes_is_shown_once_where_its_successor_is(project):
    old = "import a\n\nx = 1\nz = 3\n"
    new = "import a\n\n\ny = 2\nz = 3\n"
    pair = project({"a.py": new}, {"a.py": old})
    page = Page("p.md", "9", lambda name: pair)
    text = page.expand("```step\nfile: a.py\nshow: imports\n```")
    assert "as it was" in text
    assert not page.shown["step 9", "a.py"].removed
    text = page.expand("```step\nfile: a.py\nshow: y\n```")
    assert "in place of `x`" in text
    assert "    -x = 1\n    +y = 2\n" in text
    assert page.shown["step 9", "a.py"].removed == {2}


def test_what_the_listings_hold(project):
    pair = project({"a.py": NEW}, {"a.py": OLD})
    page = Page("p.md", "9", lambda name: pair)
    page.expand("```step\nfile: a.py\nshow: imports\n```")
    found = page.shown["step 9", "a.py"]
    assert (found.added, found.removed) == ({1}, set())
    page.expand("```step\nfile: a.py\nshow: a\n```")
    file = pair.file("a.py")
    assert (found.added, found.removed) == (file.comes(), file.goes())


@pytest.mark.parametrize(
    ("path", "text", "marked"),
    [
        ("views.py", "Form(request", "    form = Form(request.POST)# (1)!"),
        ("views.py", "# The door.", "# The door.(1)"),
        ("page.html", "form.query", "    {{ form.query }}<!-- (1)! -->"),
        ("style.css", "color: red", "    color: red;/* (1)! */"),
        ("search.js", "stop()", "    stop();// (1)!"),
        ("pyproject.toml", "name", "name = 1# (1)!"),
        ("requirements.txt", "Django", "Django==5# (1)!"),
        ("Procfile", "worker", "worker: celery# (1)!"),
    ],
)
def test_a_note_stands_behind_its_line(project, path, text, marked):
    shown = expand(project(FILES), f"file: {path}\nnotes:\n  {text!r}: '*Why*.'")
    assert marked in shown.splitlines()
    assert shown.endswith("```\n\n1.  *Why*.")


def test_notes_are_numbered_from_top_to_bottom(project):
    body = "file: views.py\nnotes:\n  accept: Last.\n  import logging: First."
    shown = expand(project(FILES), body)
    assert "import logging# (1)!" in shown
    assert "self.accept()# (2)!" in shown
    assert shown.endswith("1.  First.\n2.  Last.")


def test_a_folded_listing(project):
    shown = expand(project(FILES), "file: style.css\ncollapse: true").splitlines()
    assert shown[0] == '??? note "`style.css`: 12 lines"'
    assert all(line.startswith("    ") for line in shown[1:] if line)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("step", "file: viws.py", 'step 9 has no file "viws.py"'),
        ("step", "show: index", "needs a file"),
        ("step", "file: views.py\nshow: indx", 'views.py has no "indx"'),
        ("step", "file: views.py\nshow: Consumer.leave", 'no "Consumer.leave"'),
        ("step", "file: twice.py\nshow: x", '"x" is there 2 times in twice.py'),
        ("step", "file: page.html\nshow: nowhere", '"nowhere" is in no line'),
        (
            "step",
            "file: style.css\nshow: margin",
            '"margin" is in 2 lines of style.css',
        ),
        ("step", "file: same.py", "same.py does not change in step 9"),
        (
            "step",
            "file: views.py\nnotes:\n  ghost: A.",
            'the note on "ghost" fits no line',
        ),
        (
            "step",
            "file: views.py\nnotes:\n  return: A.\n  self: A.",
            "fits 2 of the lines",
        ),
        ("step", "file: views.py\nshow: logger\nnotes:\n  accept: A.", "fits no line"),
        (
            "step",
            "file: views.py\nnotes:\n  Form(: A.\n  request.POST: B.",
            "has a note",
        ),
        (
            "step",
            "file: text.py\nnotes:\n  middle: A.",
            "cannot stand behind this line",
        ),
        ("step", "file: views.py\nnotes: A.", "notes are pairs"),
        ("step", "file: views.py\nshwo: index", 'no field "shwo"'),
        ("step", "file: views.py\nshow: [", "cannot be read"),
        ("step", "views.py", "holds fields"),
        ("tree", "under: nowhere", 'step 9 has no folder "nowhere"'),
        ("tree", "file: a", 'no field "file"'),
        ("processes", "only: web", 'no field "only"'),
        ("log", "", "no log of step 9 has been recorded"),
    ],
)
def test_what_is_not_there_is_told_with_the_name_of_the_page(
    project, kind, body, words
):
    new = FILES | {
        "twice.py": "x = 1\nx = 2\n",
        "same.py": "x = 1\n",
        "text.py": 'x = """a\nmiddle\nb"""\n',
    }
    with pytest.raises(Problem) as caught:
        expand(project(new, {"same.py": "x = 1\n"}), body, kind)
    assert str(caught.value).startswith("steps/9-nine.md: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_page_without_a_step_is_told():
    with pytest.raises(Problem, match="^home.md: say which step it is about"):
        Page("home.md").expand("```tree\n```")
    with pytest.raises(Problem, match='^home.md: There is no step "8"'):
        Page("home.md").expand("```tree\nstep: 8\n```")


def test_a_fence_without_an_end_is_told():
    with pytest.raises(Problem, match="^home.md: the fence ```step has no end"):
        Page("home.md", "1").expand("```step\nfile: manage.py\n")


def test_a_fence_says_its_own_step():
    page = Page("home.md", "1")
    page.expand("```step\nstep: 2\nfile: search/views.py\n```")
    page.expand("```step\nstep: final\nfile: search/views.py\nshow: imports\n```")
    assert list(page.shown) == [
        ("step 2", "search/views.py"),
        ("final", "search/views.py"),
    ]


def test_the_step_of_the_front_matter():
    assert step_of("---\nstep: 4\n---\n# Four\n") == "4"
    assert step_of("---\nstep: final\ntitle: x\n---\n") == "final"
    assert step_of("---\ntitle: x\n---\n") == step_of("# Four\n") == ""


@pytest.mark.parametrize("marks", ["````", "~~~"])
def test_a_fence_in_a_fence_is_text(marks):
    text = f"{marks}markdown\n```step\nfile: x\n```\n{marks}"
    assert Page("home.md").expand(text) == text
    other = "```python\nx = 1\n```"
    assert Page("home.md").expand(other) == other


def test_a_fence_keeps_its_indentation(project):
    pair = project(FILES)
    page = Page("home.md", "9", lambda name: pair)
    text = page.expand("!!! note\n    ```step\n    file: pyproject.toml\n    ```\n")
    assert "\n    ```toml\n    [tool]\n    name = 1\n    ```\n" in text


def test_backticks_in_a_listing_do_not_end_it():
    assert fenced(["a ``` b"], "text") == ["````text", "a ``` b", "````"]


def test_a_tree(project):
    new = {"config/a.py": "1\n", "config/b.py": "2\n", "manage.py": "3\n"}
    old = {"config/a.py": "1\n", "manage.py": "0\n", "gone.py": "4\n"}
    assert expand(project(new, old), "", "tree").splitlines() == [
        '```text hl_lines="3"',
        "├── config/",
        "│   ├── a.py",
        "│   └── b.py    new",
        "└── manage.py   changes",
        "```",
    ]
    assert expand(project(new, old), "under: config", "tree").splitlines()[1:-1] == [
        *("├── a.py", "└── b.py   new")
    ]
    first = expand(project(new), "", "tree")
    assert "new" not in first, "everything is new in the first step: no need to say"


def test_the_processes(project):
    old = {"Procfile": "web: serve\n", "requirements.txt": "a==1\n"}
    new = {
        "Procfile": "web: serve\nworker: a | b\n",
        "requirements.txt": "a==1\nb==2\n",
    }
    assert expand(project(new, old), "", "processes").splitlines() == [
        "| process | its command in the `Procfile` | at this step |",
        "|---|---|---|",
        "| web | `serve` | as before |",
        r"| worker | `a \| b` | **new** |",
        "",
        "- New package: `b 2`",
        "- Install: `pip install -r requirements.txt`",
        "- Restart: web, because packages came in",
    ]


@pytest.mark.parametrize("step", steps.every(), ids=lambda step: step.name)
def test_the_log_of_a_step(step):
    def log(body: str = "") -> list[str]:
        text = Page("p.md", step.name).expand(f"```log\n{body}\n```")
        return text.strip().splitlines()[1:-1]

    stages = [int(re.search(r"stage (\d)", line)[1]) for line in log()]
    assert stages == list(range(1, min(step.number, 7) + 1))
    assert {line.split()[0] for line in log("only: browser")} == {"browser"}
    assert log("stages: 1") == log()[:1]
    with pytest.raises(Problem, match='no process "redis" speaks'):
        log("only: [redis]")


GLOSSARY = """# Glossary

## Channel layer { #layer }

The **channel layer** lets `web` and [worker](x.md) talk. It is a
post office. Third sentence.

Second paragraph.

## ASGI

An interface.
"""


def test_the_terms_of_the_glossary():
    assert glossary.terms(GLOSSARY) == {
        "Channel layer": "The channel layer lets web and worker talk."
        " It is a post office.",
        "ASGI": "An interface.",
    }


def test_a_term_has_a_tooltip_in_each_of_its_forms_and_not_in_code():
    words = "Channel layer, channel layers, `channel layer`, ASGI, channels"
    definitions = "\n".join(glossary.abbreviations(GLOSSARY))
    html = markdown.markdown(f"{words}\n\n{definitions}", extensions=["abbr"])
    assert re.findall(r"<abbr title=\"[^\"]+\">([^<]+)</abbr>", html) == [
        *("Channel layer", "channel layers", "ASGI")
    ]
    assert "*[" not in html


def test_every_term_of_the_glossary_has_words():
    found = glossary.terms((ROOT / "docs" / "glossary.md").read_text())
    for term, meaning in found.items():
        assert len(meaning) > 40, term
        assert meaning.endswith("."), term


def test_every_kind_of_file_has_a_language():
    for step in steps.every():
        for path in steps.files(step.folder).values():
            assert path.suffix in LANGUAGES, path


@pytest.mark.parametrize(
    ("old", "new"),
    [*pairwise((None, *steps.every()))],
    ids=lambda step: step.name if step else "nothing",
)
def test_listings_of_all_files_hold_all_that_changes(old, new):
    """What no page may miss, the engine can show: in each step, in each file."""
    pair = Pair(new.title, old and old.folder, new.folder)
    page = Page("p.md", "x", lambda name: pair)
    for path, kind in pair.kinds().items():
        if kind != "removed":
            page.expand(f"```step\nfile: {path}\n```")
            file = pair.file(path)
            found = page.shown[new.title, path]
            assert (found.added, found.removed) == (file.comes(), file.goes())


def test_a_recorded_log_has_a_name_of_its_own():
    names = {overview.recorded_name(step.name) for step in steps.every()}
    recorded = {path.name for path in overview.RECORDED.iterdir()}
    assert recorded == names
