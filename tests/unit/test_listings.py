"""The listings of a page show parts of files, with their places, changes and notes."""

import functools
from itertools import pairwise

import pytest

from support.pairs import FILES, expand, listing, make_pair
from tutorial.project import steps
from tutorial.project.files import files
from tutorial.site import code_html
from tutorial.site.extension import Page
from tutorial.site.listing import LANGUAGES, fenced
from tutorial.site.pair import Pair


@pytest.fixture
def project(tmp_path):
    """Return a function that creates two consecutive steps from the texts of files."""
    return functools.partial(make_pair, tmp_path)


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


def test_adjacent_parts_are_joined_and_a_gap_is_marked(project):
    pair = project(FILES)
    assert listing(pair, "file: views.py\nshow: [imports, docstring]") == [
        *('"""Stage 2."""', "", "import logging", "", "from .forms import Form")
    ]
    assert listing(pair, "file: views.py\nshow: [docstring, Consumer.name]") == [
        *('"""Stage 2."""', code_html.gap(4), '    name = "a"')
    ]
    lines = listing(pair, "file: page.html\nshow: [button, empty]")
    assert code_html.gap(2) in lines


def test_a_whole_file_is_shown_as_it_is(project):
    pair = project(FILES)
    for path, text in FILES.items():
        if text:
            assert "\n".join(listing(pair, f"file: {path}")) + "\n" == text


LONG = "\n".join(f"x{number} = {number}\n" for number in range(20))


def test_the_lines_that_a_step_adds_are_highlighted(project):
    """No listing begins with a blank line.

    Highlighters remove a blank first line, but still count it.
    """
    old = {"a.py": LONG, "b.txt": "a\nb\nc\n"}
    new = {"a.py": LONG + "\ny = 1\n", "b.txt": "a\nb\nc\nd\n"}
    lines = expand(project(new, old), "file: a.py").splitlines()
    code = [line.strip() for line in lines[lines.index('=== "The file"') + 2 :]]
    assert code[0] == '```python hl_lines="2 3"'
    assert code[1:4] == ["x19 = 19", "", "y = 1"]
    # A small file is shown completely.
    assert listing(project(new, old), "file: b.txt") == ["    " + x for x in "abcd"]


def test_an_old_line_stays_until_a_listing_shows_its_replacement(project):
    old = {"a.js": "one();\n\nlisten(first, second, () => {\n  go();\n});\n"}
    new = {
        "a.js": "one();\n\nother();\n\nmore();\n\n"
        "listen(first, second, (event) => {\n  stop();\n  go();\n});\n"
    }
    pair = project(new, old)
    first = expand(pair, "file: a.js\nshow: [other(), more()]")
    assert "-listen(" not in first
    # The old line is still in the file, so the listing shows it after the new lines.
    assert "    more();\n\n    listen(first, second, () => {\n    ```" in first
    last = expand(pair, "file: a.js\nshow: listen(")
    assert "-listen(first, second, () => {" in last
    assert "in place of the line `listen(first, second, () =>`" in last


def test_an_old_decorator_stays_until_a_listing_shows_its_function(project):
    task = "@task\ndef run(first, second):\n    go()\n"
    other = "@cache\ndef make():\n    pass\n"
    new = task.replace("@task", "@task(bind=True)").replace("(first", "(self, first")
    pair = project(
        {"a.py": f"import os\n\n\n{other}\n\n{new}"}, {"a.py": f"import os\n\n\n{task}"}
    )
    text = expand(pair, "file: a.py\nshow: make")
    assert "-@task" not in text
    assert "        pass\n\n\n    @task\n    ```" in text


def test_an_empty_file_is_shown_as_empty(project):
    text = expand(project(FILES), "file: empty.py")
    assert text == "**`empty.py`** · new file, empty\n{: .place }"


def test_a_file_that_a_command_creates_is_marked_as_made_for_you(project):
    pair = project(FILES)
    text = expand(pair, "file: empty.py\nmade: true")
    assert text == "**`empty.py`** · empty, made for you\n{: .place }"
    text = expand(pair, "file: views.py\nmade: true")
    assert text.startswith("**`views.py`** · made for you\n")


@pytest.mark.parametrize(
    ("path", "old", "new", "show", "place"),
    [
        ("a.py", None, "x = 1\n", "", "new file"),
        (
            "a.py",
            None,
            "import os\n\nx = 1\n",
            "x",
            "part of a new file, after the imports",
        ),
        (
            "a.py",
            None,
            "import os\n\nx = 1\n",
            "imports",
            "part of a new file, in the imports",
        ),
        (
            "a.css",
            None,
            "p {\n  x: 1;\n}\nq {\n  y: 2;\n}\nr {\n}\n",
            "q {",
            "part of a new file, after the block that starts with `p`",
        ),
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
            "@task\ndef a():\n    b()\n",
            "@task\nasync def a():\n    b()\n",
            "",
            "in `a`, in place of the line `def a():`",
        ),
        (
            "a.py",
            "import os\n\nx = 1\n",
            "import os\nimport re\n\nx = 1\n\ny = 2\n",
            "",
            "<br>· in the imports<br>· after `x`",
        ),
        (
            "a.py",
            "import os\n\nx = 1\n",
            "import os\nimport re\n\nx = 1\n\ny = 2\n",
            "y",
            "after `x`",
        ),
        (
            "a.css",
            "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n",
            "A\nb\nC\nd\nE\nf\nG\nh\nI\nj\n",
            "",
            "in 5 places",
        ),
        (
            "a.css",
            "p,\nq {\n  x: 1;\n}\n\nz {\n}\n",
            "p,\nq {\n  x: 1;\n}\n\nr {\n}\n\nz {\n}\n",
            "",
            "after the block that starts with `p,`",
        ),
        ("a.py", "x = 1\ny = 2\n", "x = 1\ny = 3\n", "x", "as it was"),
        ("Procfile", "web: a\n", "web: a\nworker: b\n", "", "at the end"),
        (
            "a.css",
            "p {\n  x: 1;\n}\nq {\n}\n",
            "p {\n  x: 1;\n}\nr {\n}\nq {\n}\n",
            "",
            "after the block that starts with `p`",
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
def test_a_listing_names_the_place_of_its_change(project, path, old, new, show, place):
    before = {} if old is None else {path: old}
    body = f"file: {path}" + (f"\nshow: {show!r}" if show else "")
    first, second, *_ = expand(project({path: new}, before), body).splitlines()
    dot = "" if place.startswith("<br>") else " · "
    assert (first, second) == (f"**`{path}`**{dot}{place}", "{: .place }")


OLD = "import os\n\nx = 1\n\n\ndef a():\n    b()\n    c()\n"
NEW = "import os\nimport re\n\nx = 1\n\n\ndef a():\n    c(\n        1,\n    )\n"


def test_a_file_that_changes_has_two_tabs(project):
    text = expand(project({"a.py": NEW}, {"a.py": OLD}), "file: a.py\nshow: a")
    assert text.splitlines()[2:] == [
        *("", '=== "The file"', ""),
        *('    ```python hl_lines="4 5 6"', "    def a():"),
        *(f"    {code_html.gone(line)}" for line in ("    b()", "    c()")),
        *("        c(", "            1,", "        )", "    ```", ""),
        *('=== "What changes"', "", "    ```diff"),
        # The line numbers do not count the import of `re`: no listing has shown it yet.
        *("    @@ -4,5 +4,6 @@", "     ", "     ", "     def a():"),
        *(
            "    -    b()",
            "    -    c()",
            "    +    c(",
            "    +        1,",
            "    +    )",
        ),
        "    ```",
    ]


def test_all_changes_are_shown_if_no_part_is_named(project):
    lines = listing(project({"a.py": NEW}, {"a.py": OLD}), "file: a.py")
    new = NEW.splitlines()
    shown = [*new[:7], code_html.gone("    b()"), code_html.gone("    c()"), *new[7:]]
    assert lines == ["    " + line if line else "" for line in shown]


def test_a_diff_shows_only_the_new_lines_that_its_fence_names(project):
    old = "x = 1\n"
    new = "x = 1\ny = 2\nz = 3\nw = 4\n"
    text = expand(project({"a.py": new}, {"a.py": old}), "file: a.py\nshow: z")
    assert "    +z = 3" in text
    assert "y = 2" not in text
    assert "w = 4" not in text


def test_a_removed_line_is_shown_once_beside_the_line_that_replaces_it(project):
    old = "import a\n\nx = 1\nz = 3\n"
    new = "import a\n\n\ny = 2\nz = 3\n"
    pair = project({"a.py": new}, {"a.py": old})
    page = Page("p.md", "9", lambda name: pair)
    text = page.expand("```step\nfile: a.py\nshow: imports\n```")
    assert "as it was" in text
    assert not page.shown["step 9", "a.py"].removed
    text = page.expand("```step\nfile: a.py\nshow: y\n```")
    assert "in place of `x`" in text
    assert "    -x = 1\n    +\n    +y = 2\n" in text
    assert page.shown["step 9", "a.py"].removed == {2}


def test_the_added_and_removed_lines_of_the_listings_are_recorded(project):
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
def test_a_note_is_at_the_end_of_its_line(project, path, text, marked):
    shown = expand(project(FILES), f"file: {path}\nnotes:\n  {text!r}: '*Why*.'")
    assert marked in shown.splitlines()
    assert shown.endswith("```\n\n1.  *Why*.")


def test_notes_are_numbered_from_top_to_bottom(project):
    body = "file: views.py\nnotes:\n  accept: Last.\n  import logging: First."
    shown = expand(project(FILES), body)
    assert "import logging# (1)!" in shown
    assert "self.accept()# (2)!" in shown
    assert shown.endswith("1.  First.\n2.  Last.")


def test_a_collapsed_listing_says_how_many_lines_it_has(project):
    shown = expand(project(FILES), "file: style.css\ncollapse: true").splitlines()
    assert shown[0] == '??? note "`style.css`: 12 lines"'
    assert all(line.startswith("    ") for line in shown[1:] if line)


def test_a_collapsed_listing_of_a_changed_file_counts_only_its_new_lines(project):
    old = "".join(f"p{n} {{}}\n" for n in range(20))
    pair = project({"a.css": f"{old}q {{}}\nr {{}}\n"}, {"a.css": old})
    shown = expand(pair, "file: a.css\ncollapse: true").splitlines()
    assert shown[0] == '??? note "`a.css`: 2 new lines"'


def test_backticks_in_a_listing_do_not_end_it():
    assert fenced(["a ``` b"], "text") == ["````text", "a ``` b", "````"]


def test_every_kind_of_file_has_a_language():
    for step in steps.every():
        for path in files(step.folder).values():
            assert path.suffix in LANGUAGES, path


def test_a_file_without_a_suffix_is_highlighted_by_its_name(project):
    shown = expand(project({"deploy/switch": "cd /\n"}), "file: deploy/switch")
    assert "```bash" in shown
    assert "```docker" in expand(
        project({"Dockerfile": "USER a\n"}), "file: Dockerfile"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [*pairwise((None, *steps.every()))],
    ids=lambda step: step.name if step else "nothing",
)
def test_the_listings_of_all_files_show_every_change(old, new):
    """A change is a line that the step adds or removes."""
    pair = Pair(new.title, old and old.folder, new.folder)
    page = Page("p.md", "x", lambda name: pair)
    for path, kind in pair.kinds().items():
        if kind != "removed":
            page.expand(f"```step\nfile: {path}\n```")
            file = pair.file(path)
            found = page.shown[new.title, path]
            assert (found.added, found.removed) == (file.comes(), file.goes())
