"""The engine of the site expands fences, reads the glossary, and reports errors."""

import functools
import re

import markdown
import pytest

from support.pairs import FILES, expand, make_pair
from tutorial.capture import records
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.site import glossary
from tutorial.site.extension import Page, step_of


@pytest.fixture
def project(tmp_path):
    """Return a function that creates two consecutive steps from the texts of files."""
    return functools.partial(make_pair, tmp_path)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("step", "file: viws.py", 'step 9 has no file "viws.py"'),
        ("step", "show: index", "needs a file"),
        ("step", "file: views.py\nshow: indx", 'views.py has no "indx"'),
        ("step", "file: views.py\nshow: Consumer.leave", 'no "Consumer.leave"'),
        ("step", "file: twice.py\nshow: x", '"x" occurs 2 times in twice.py'),
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
            'the note on "ghost" matches no shown line',
        ),
        (
            "step",
            "file: views.py\nnotes:\n  return: A.\n  self: A.",
            "matches 2 shown lines",
        ),
        (
            "step",
            "file: views.py\nshow: logger\nnotes:\n  accept: A.",
            "matches no shown line",
        ),
        (
            "step",
            "file: views.py\nnotes:\n  Form(: A.\n  request.POST: B.",
            "has a note",
        ),
        (
            "step",
            "file: text.py\nnotes:\n  middle: A.",
            "cannot be added at the end of this line",
        ),
        ("step", "file: views.py\nnotes: A.", "each note needs a text"),
        ("step", "file: views.py\nshwo: index", 'no field "shwo"'),
        ("step", "file: views.py\nshow: [", "cannot be read"),
        ("step", "views.py", "holds fields"),
        ("tree", "under: nowhere", 'step 9 has no folder "nowhere"'),
        ("tree", "file: a", 'no field "file"'),
        ("processes", "only: web", 'no field "only"'),
        ("log", "", "no log of step 9 has been recorded"),
    ],
)
def test_a_wrong_fence_is_reported_with_the_name_of_the_page(
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


def test_a_page_without_a_step_is_reported():
    with pytest.raises(Problem, match="^home.md: this fence needs a step"):
        Page("home.md").expand("```tree\n```")
    with pytest.raises(Problem, match='^home.md: There is no step "8"'):
        Page("home.md").expand("```tree\nstep: 8\n```")


def test_a_fence_without_an_end_is_reported():
    with pytest.raises(Problem, match="^home.md: the fence ```step has no end"):
        Page("home.md", "1").expand("```step\nfile: manage.py\n")


def test_a_fence_may_name_its_own_step():
    page = Page("home.md", "1")
    page.expand("```step\nstep: 2\nfile: search/views.py\n```")
    page.expand("```step\nstep: final\nfile: search/views.py\nshow: imports\n```")
    assert list(page.shown) == [
        ("step 2", "search/views.py"),
        ("final", "search/views.py"),
    ]


def test_the_step_is_read_from_the_front_matter():
    assert step_of("---\nstep: 4\n---\n# Four\n") == "4"
    assert step_of("---\nstep: final\ntitle: x\n---\n") == "final"
    assert step_of("---\ntitle: x\n---\n") == step_of("# Four\n") == ""


@pytest.mark.parametrize("marks", ["````", "~~~"])
def test_a_fence_inside_a_fence_stays_text(marks):
    text = f"{marks}markdown\n```step\nfile: x\n```\n{marks}"
    assert Page("home.md").expand(text) == text
    other = "```python\nx = 1\n```"
    assert Page("home.md").expand(other) == other


def test_a_fence_keeps_its_indentation(project):
    pair = project(FILES)
    page = Page("home.md", "9", lambda name: pair)
    text = page.expand("!!! note\n    ```step\n    file: pyproject.toml\n    ```\n")
    assert "\n    ```toml\n    [tool]\n    name = 1\n    ```\n" in text


def test_a_tree_marks_new_and_changed_files(project):
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
    assert "new" not in first, "all files of the first step are new, so none is marked"


def test_the_overview_of_processes_says_what_changes(project):
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
        "With `python3 -m tutorial run`, you do not have to do anything else."
        " Without `run`, do this yourself:",
        "",
        "- Start: worker, in a separate terminal",
        "- New package: `b 2`",
        "- Install: `pip install -r requirements.txt`",
        "- Restart: web, because the packages have changed",
    ]


@pytest.mark.parametrize("step", steps.every(), ids=lambda step: step.name)
def test_the_log_shows_each_stage_of_the_step_and_can_be_filtered(step):
    def log(body: str = "") -> list[str]:
        text = Page("p.md", step.name).expand(f"```log\n{body}\n```")
        return text.strip().splitlines()[1:-1]

    stages = [int(re.search(r"stage (\d)", line)[1]) for line in log()]
    assert stages == list(range(1, min(step.number, 7) + 1))
    assert {line.split()[0] for line in log("only: browser")} == {"browser"}
    assert log("stages: 1") == log()[:1]
    with pytest.raises(Problem, match='has no line of the process "redis"'):
        log("only: [redis]")


GLOSSARY = """# Glossary

## Channel layer { #layer }

The **channel layer** lets `web` and [worker](x.md) talk. It is a
post office. Third sentence.

Second paragraph.

## ASGI

An interface.
"""


def test_a_term_is_explained_by_the_first_two_sentences_of_its_entry():
    assert glossary.terms(GLOSSARY) == {
        "Channel layer": "The channel layer lets web and worker talk."
        " It is a post office.",
        "ASGI": "An interface.",
    }


def test_a_term_has_a_tooltip_in_each_of_its_forms_but_not_in_code():
    words = "Channel layer, channel layers, `channel layer`, ASGI, channels"
    definitions = "\n".join(glossary.abbreviations(GLOSSARY))
    html = markdown.markdown(f"{words}\n\n{definitions}", extensions=["abbr"])
    assert re.findall(r"<abbr title=\"[^\"]+\">([^<]+)</abbr>", html) == [
        *("Channel layer", "channel layers", "ASGI")
    ]
    assert "*[" not in html


def test_a_word_that_the_pages_also_use_in_its_everyday_sense_has_no_tooltip():
    markdown_text = "## Message\n\nA message has a task.\n\n## Task\n\nA function.\n"
    definitions = glossary.abbreviations(markdown_text)
    assert {line.partition("]")[0] for line in definitions} == {
        *("*[Task", "*[Tasks", "*[task", "*[tasks")
    }


def test_every_term_of_the_glossary_has_a_tooltip_text():
    found = glossary.terms((ROOT / "docs" / "glossary.md").read_text())
    for term, meaning in found.items():
        assert len(meaning) > 40, term
        assert meaning.endswith("."), term


def test_each_step_has_a_recorded_log_and_there_are_no_others():
    names = {records.recorded_name(step.name) for step in steps.every()}
    recorded = {path.name for path in records.RECORDED.glob("*.txt")}
    assert recorded == names
