"""Each page is followed as a learner would: typed, run, and looked at in a browser.

The listings of a step's page are typed in the page's order, each as far as it is shown;
at the end the folder has to be the step. Every console block runs where it stands, and
has to print what the page shows. What the learner does in the browser stands in the
page's comments: see tests/learner/page.py.
"""

import re
from pathlib import Path

import pytest
from sybil.example import SybilFailure

from support.learner import Learner, Page, follow, printed
from support.learner.keyboard import Keyboard
from support.learner.page import COMMANDS, LISTING, Action
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.site import console
from tutorial.site.pair import find_pair

DOCS = ROOT / "docs"
PAGES = [Page(path) for path in sorted(DOCS.rglob("*.md"))]
STEPS = {step.name for step in steps.steps()}


def name_of(page: Page) -> str:
    return page.path.relative_to(DOCS).as_posix()


def has_work(page: Page) -> bool:
    """Whether there is something to follow on a page."""
    return page.step in STEPS or "console" in page.fences()


@pytest.fixture
def terminal(monkeypatch):
    """What a learner's terminal does not know: pytest-django's own variable."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)


@pytest.mark.parametrize(
    "the_page",
    [
        pytest.param(
            page,
            id=name_of(page),
            marks=[
                pytest.mark.xdist_group(f"page {name_of(page)}"),
                pytest.mark.long,
            ],
        )
        for page in PAGES
        if has_work(page)
    ],
)
def test_who_follows_the_page_gets_there(the_page, root, chromium, terminal):
    follow(the_page, root, chromium)


@pytest.mark.parametrize("the_page", PAGES, ids=name_of)
def test_its_hands_are_known(the_page):
    """Also on a page that nobody has finished."""
    for action in the_page.actions():
        if action.name == COMMANDS:
            console.read(action.argument)


# What no test can type: it is for another machine, or would change this one.
ELSEWHERE = (
    r"git clone ADDRESS tutorial|cd tutorial",
    r"python3 --version",
    r"sudo apt (update|install( [a-z0-9-]+)+)|brew install( [a-z0-9-]+)+",
    r"wsl --install",
    r"docker run [-\w: ]+",
    r"cp \.env\.example \.env|docker compose up --build",
    r"pip install -r requirements\.txt|export SECRET_KEY=.*",
    r"python manage\.py (migrate|collectstatic --no-input)",
    r"python3 -m tutorial (test -m fault|bench( --json > docs/recorded/bench\.json)?)",
    r"pytest( e2e --base-url \S+ --browser chromium)?|playwright install chromium",
    r"export (OPENAI_API_KEY=sk-\.\.\.|OPENAI_MODEL=\S+|OPENAI_BASE_URL=\S+)",
    r"python3 -m tutorial (propagate \d|test|pictures)|requirements/compile",
)
# The two ways to start with a step, of which a page follows neither.
START = re.compile(r"python3 -m tutorial new \.\./my-search (\d)(?: --catch-up)?")


@pytest.mark.parametrize("the_page", PAGES, ids=name_of)
def test_what_is_typed_elsewhere_is_known(the_page):
    """A command that a test can run stands in a console block."""
    for line in filter(None, the_page.lines_of("sh")):
        command = line.partition("  #")[0].strip()
        start = START.fullmatch(command)
        if start and the_page.step in STEPS:
            assert int(start[1]) == int(the_page.step) - 1, line
        else:
            assert any(re.fullmatch(known, command) for known in ELSEWHERE), line


@pytest.mark.parametrize("the_page", PAGES, ids=name_of)
def test_every_command_is_told_as_one(the_page):
    """A fence of another kind would be a way around the two tests above."""
    others = re.compile(
        r"(bash|shell|zsh|powershell|shell-session|console|sh)\b.+|bash"
    )
    assert not [info for info in the_page.fences() if others.fullmatch(info)]


# The machinery itself, which has to fail where it should.

STEP_3 = """\
---
step: 3
---
# Step 3

```step
file: requirements.txt
```

```step
file: config/settings.py
```

```step
file: search/views.py
show: ["if form.is_valid():"]
```

```step
file: search/management/__init__.py
```

```step
file: search/management/commands/__init__.py
```

```console
# Terminal 1
$ python3 -m tutorial run ../my-search
Starting ../my-search
  Redis   redis://127.0.0.1:6379/0
…
Ready in 2.5 s: http://127.0.0.1:8000 (Ctrl-C ends everything)
```

Now look into it.
<!-- open -->
<!-- terminal not: stage 3 -->
<!-- badge: Offline -->
<!-- ask: What is a broker? -->
<!-- sees: Search has started! -->
<!-- status: 200 -->
<!-- console: stage 1 · template -->
<!-- terminal not: stage 4 · worker -->
<!-- terminal: 12:00:00,000 stage 3 · queue · 7d0c2f4a · the message waits -->
<!-- reload -->
<!-- sees not: Search has started! -->

```step
file: search/management/commands/show_queue.py
```

```console
# Terminal 2
$ python3 -m tutorial manage \\
>     ../my-search show_queue
1 waiting in the queue

task       search.tasks.fetch_openai_results_task
…
id         …
```

<!-- Ctrl-C -->
"""
RUN = """
```console
# Terminal 1
$ python3 -m tutorial run ../my-search
```
"""
SHOW_QUEUE = """
```step
file: search/management/commands/show_queue.py
```
"""
# The listings of step 3, and what else they come with.
TYPED = STEP_3[: STEP_3.index("```console")]


@pytest.fixture
def learner_of(tmp_path, root, chromium, terminal):
    """A function (text) that gives a page with this text to a learner."""
    learners = []

    def give(text: str) -> Learner:
        path = tmp_path / "example.md"
        path.write_text(text)
        learners.append(Learner(Page(path), root, chromium))
        return learners[-1]

    yield give
    for learner in learners:
        learner.leave()


def follow_to_the_end(learner: Learner, impatient_at: str = "") -> None:
    """Go down the page; from a hand on, do not wait for long."""

    def do(action: Action) -> None:
        if impatient_at and impatient_at == f"{action.name}: {action.argument}":
            learner.hurry(5)
        learner.do(action)

    learner.page.go_down(do)
    learner.finish()


def misleads(learner: Learner, *words: str, impatient_at: str = "") -> None:
    """Who follows the page gets stuck, and the message has these words."""
    with pytest.raises((SybilFailure, Problem)) as caught:
        follow_to_the_end(learner, impatient_at)
    for word in ("example.md", *words):
        assert word in str(caught.value)


def line_of(text: str, part: str) -> str:
    return f"line {text[: text.index(part)].count(chr(10)) + 1},"


def test_a_page_that_is_right(learner_of):
    follow_to_the_end(learner_of(STEP_3))


def test_a_listing_that_is_missing(learner_of):
    text = TYPED.replace("file: requirements.txt", "file: Procfile\nshow: web")
    misleads(
        learner_of(text),
        "at its end",
        "is not step 3",
        "requirements.txt lacks (+)",
        "+redis==",
        "show_queue.py is missing",
    )


def test_a_command_before_its_listing(learner_of):
    command = "```console\n$ python3 -m tutorial manage ../my-search show_queue\n```\n"
    text = TYPED + command + SHOW_QUEUE
    misleads(learner_of(text), line_of(text, command), "Unknown command: 'show_queue'")


def test_a_listing_in_the_wrong_order(learner_of):
    """A page that has the address lead to a view which is not there yet.

    Django's server waits for one of its files to change. A new one is none of them.
    """
    names = "config/celery.py config/__init__.py config/settings.py requirements.txt"
    names += " config/urls.py search/tasks.py search/forms.py search/guests.py"
    names += " search/views.py"
    listings = [f"```step\nfile: {name}\n```\n" for name in names.split()]
    text = "---\nstep: 2\n---\n" + "\n".join([RUN, *listings, "<!-- open -->"])
    learner = learner_of(text)
    misleads(
        learner,
        line_of(text, "<!-- open"),
        "the server does not answer",
        "No module named 'search.views'",
        impatient_at="open: ",
    )


def test_a_worker_that_nobody_restarts(learner_of):
    names = "requirements.txt config/settings.py search/signals.py search/tasks.py"
    names += " search/handlers.py search/apps.py"
    names += " search/management/commands/show_groups.py"
    listings = [f"```step\nfile: {name}\n```\n" for name in names.split()]
    hands = [f"<!-- {hand} -->" for hand in ("open", "ask: Who?", "terminal: stage 4")]
    end = ["<!-- terminal: stage 5 -->", ""]
    head = "---\nstep: 5\n---\n"
    text = head + "\n".join([RUN, *listings, *hands, *end])
    misleads(
        learner_of(text),
        line_of(text, end[0]),
        "the terminal has not printed “stage 5”",
        "stage 4 · worker",
        impatient_at="terminal: stage 5",
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'show: ["if form.is_valid():"]',
            "show: openai_start",
            'search/views.py has no "openai_start"',
        ),
        ("file: config/settings.py", "file: config/setings.py", "no file"),
        ("Now look into it.", "<!-- look -->", "nobody knows the hand “look”"),
    ],
    ids=["a function", "a file", "a hand"],
)
def test_a_name_that_is_gone(learner_of, old, new, words):
    text = (TYPED + "Now look into it.\n").replace(old, new)
    with pytest.raises(SybilFailure) as caught:
        follow_to_the_end(learner_of(text))
    assert words in str(caught.value)
    assert "example.md, line " in str(caught.value)


def test_the_same_lines_are_typed_once(learner_of):
    twice = "```step\nfile: search/views.py\nshow: openai_index\n```\n\n"
    learner = learner_of(TYPED + twice + SHOW_QUEUE + twice)
    follow_to_the_end(learner)
    other = "```step\nfile: search/models.py\nstep: 4\n```\n"
    learner.do(Action(LISTING, "file: search/models.py\nstep: 4"))
    assert not (learner.folder / "search" / "models.py").exists(), other


def test_what_another_has_changed_is_not_typed_over(learner_of):
    learner = learner_of("---\nstep: 3\n---\n")
    with (learner.folder / "config" / "settings.py").open("a") as file:
        file.write("DEBUG = False\n")
    with pytest.raises(Problem, match="not as the page has left it") as caught:
        learner.do(Action(LISTING, "file: config/settings.py"))
    assert "+DEBUG = False" in str(caught.value)


def test_what_a_command_has_made_is_compared(learner_of):
    learner = learner_of("---\nstep: 4\n---\n")
    keyboard = Keyboard(find_pair("4"), learner.folder)
    path = learner.folder / "search" / "migrations" / "0001_initial.py"
    path.parent.mkdir()
    ours = (find_pair("4").new / "search/migrations/0001_initial.py").read_text()
    fence = "file: search/migrations/0001_initial.py"
    path.write_text(ours.replace('"', "'").replace(",\n                ]", "]"))
    assert keyboard.type(fence) is False
    path.write_text(ours.replace("unique=True", ""))
    with pytest.raises(Problem, match="is there already, and not as the page shows it"):
        Keyboard(find_pair("4"), learner.folder).type(fence)


def commands(*lines: str) -> Action:
    return Action(COMMANDS, "\n".join(lines))


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (commands("$ echo one", "two"), "shows this line, and it was not printed"),
        (commands("$ echo one; echo two", "one"), "more was printed than the page"),
        (commands("$ echo one", "one", "two"), "not printed there:\n  two"),
        (commands("$ echo no; exit 3"), "has failed, with exit status 3"),
        (commands("$ echo no; exit 3", "…"), "does not show the line that says so"),
        (commands("$ cd steps"), "changes the terminal, which the test forgets"),
        (commands("$ python3 -m tutorial test"), "<!-- not run: why -->"),
        (Action(COMMANDS, "$ true", fails=True), "no command of this block fails"),
        (Action("open"), "no program runs"),
        (Action("terminal", "stage 1"), "no program runs"),
        (Action("sees", "Search"), "no page is open yet"),
        (Action("Ctrl-C"), "no program runs"),
    ],
)
def test_what_is_not_as_the_page_says(learner_of, action, words):
    with pytest.raises(Problem, match=re.escape(words)):
        learner_of("# A page\n").do(action)


def test_a_project_that_does_not_run_has_no_redis(learner_of):
    learner = learner_of("# A page\n")
    learner.do(Action("my-search", "3"))
    command = "$ python3 -m tutorial manage ../my-search show_queue"
    learner.do(commands(command, "CommandError: Redis does not answer: …"))


def test_a_failure_that_the_page_shows(learner_of):
    learner = learner_of("# A page\n")
    learner.do(commands("$ echo 1; echo no; exit 3", "…", "no"))
    learner.do(commands("$ echo FAILED  2 view; echo more; exit 1", "FAILED …", "…"))
    learner.do(Action(COMMANDS, "$ exit 3", fails=True))
    learner.do(commands("$ test -z $DJANGO_SETTINGS_MODULE && python3 -V", "Python …"))


def test_a_run_is_watched(learner_of):
    """What the hands say of a program that runs, right and wrong."""
    learner = learner_of("# A page\n")
    learner.do(Action("my-search", "1"))
    run = "$ python3 -m tutorial run ../my-search --port 8001"
    learner.do(commands("# Terminal 1", run, "Ready in … s: http://127.0.0.1:8001 …"))
    learner.do(commands("# Terminal 2", "$ echo free", "free"))
    learner.do(Action("open"))
    learner.do(Action("badge", "Offline"))
    learner.hurry(2)
    wrong = {
        Action("my-search", "2"): "Ctrl-C comes first",
        commands("# Terminal 1", "$ echo busy"): "nobody can type there before Ctrl-C",
        Action("sees", "Search has started!"): "it shows:\n  Real-time search",
        Action("sees not", "Your question"): "the page shows “Your question”",
        Action("badge", "Live"): "it says: Offline",
        Action("status", "405"): "came with status 200, not 405",
        Action("console", "stage 7"): "no console line has “stage 7”",
        Action("frame", "task_id"): "no frame line has “task_id”",
        Action("terminal", "stage 2"): "has not printed “stage 2”",
    }
    for action, words in wrong.items():
        with pytest.raises((Problem, TimeoutError)) as caught:
            learner.do(action)
        assert words in str(caught.value)
    learner.hurry(60)
    learner.do(Action("ask", "What is a broker?"))
    learner.do(Action("status", "405"))
    learner.do(
        Action("console", "the form sends “What is a broker?”".translate(QUOTES))
    )
    learner.do(Action("terminal not", "POST / … 405"))
    with pytest.raises(Problem, match="the terminal has printed “POST / … 405”"):
        learner.do(Action("terminal", "405"))


QUOTES = str.maketrans("“”", '""')


def test_a_run_that_does_not_start(learner_of):
    learner = learner_of("# A page\n")
    learner.do(Action("my-search", "1"))
    (learner.folder / "config" / "settings.py").write_text("import nothing\n")
    run = "$ python3 -m tutorial run ../my-search"
    learner.do(commands(run, "…ModuleNotFoundError: No module named 'nothing'"))
    with pytest.raises(Problem, match="Then it has ended"):
        learner.do(commands(run))


def test_a_folder_that_no_command_has_made(learner_of):
    learner = learner_of("# A page\n")
    assert not learner.folder.exists()
    learner.do(Action("my-search", "5 handler_not_imported"))
    assert "ready" not in (learner.folder / "search" / "apps.py").read_text()
    learner.do(Action("my-search", "5"))
    assert "ready" in (learner.folder / "search" / "apps.py").read_text()
    with pytest.raises(Problem, match="There is no step"):
        learner.do(Action("my-search", "9"))


@pytest.mark.parametrize(
    ("shown", "output", "found"),
    [
        ("a\nb", "a\nb", {0, 1}),
        ("a\nb", "\na\nb\n\n", {1, 2}),
        ("a", "a\nb", None),
        ("a\nb", "a", None),
        ("b\na", "a\nb", None),
        ("…\nb", "a\nb", {1}),
        ("a\n…", "a\nb\nc", {0}),
        ("a\n…\nc", "a\nc", {0, 1}),
        ("…\nb\n…\nb", "b\na\nb", {0, 2}),
        ("…\nb\n…\nb", "a\nb", None),
        ("…", "", set()),
        ("a …", "a b\n  c\n    d", {0}),
        ("a …\n  d", "a b\n  c\n  d", {0, 2}),
        ("a …", "a b\nc", None),
        ("a …\nc", "a b\n\nc", None),
        ("a", "\x1b[1ma\x1b[0m  ", {0}),
        ("at 12:00:00,000", "at 23:59:59,123", {0}),
        ("in 2.5 s", "in 17 s", {0}),
        ("7d0c2f4a", "0123abcd", {0}),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:41234/0", {0}),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001", None),
        ("http://127.0.0.1:8000", "http://127.0.0.1:41234", None),
        ("1 waiting", "2 waiting", None),
        ("a.c", "abc", None),
    ],
)
def test_what_is_printed_is_compared(shown, output, found):
    lines = output.split("\n")
    if found is None:
        with pytest.raises(printed.Differs):
            printed.compare(shown.split("\n"), lines)
    else:
        assert printed.compare(shown.split("\n"), lines) == found


@pytest.mark.parametrize(
    ("shown", "missing"),
    [("a\nc", None), ("…\nb\n…", None), ("b\na", "a"), ("a\na", "a"), ("d", "d")],
)
def test_what_a_program_has_said_so_far(shown, missing):
    assert printed.first_unseen(shown.split("\n"), ["a", "b", "c"]) == missing


def read(tmp_path: Path, text: str) -> list[Action]:
    (tmp_path / "example.md").write_text(text)
    return Page(tmp_path / "example.md").actions()


def test_what_a_page_asks_for(tmp_path):
    text = """\
---
step: 3
---
Open it.
<!-- open -->
<!-- ask:     -->
<!-- To do: a comment of the author's -->
`<!-- sees: a comment in code -->`

    ```console
    $ indented
    ```

````
```console
$ text
```
<!-- nor this -->
````

<!-- not run: it needs a key -->
```console
$ not run
```

<!-- fails: it has to -->

```console
$ false
```

```sh
brew install python
```
"""
    assert read(tmp_path, text) == [
        Action("open"),
        Action("ask", "   "),
        Action(COMMANDS, "$ indented"),
        Action(COMMANDS, "$ false", fails=True),
    ]
    assert Page(tmp_path / "example.md").lines_of("sh") == ["brew install python"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!-- look -->", "nobody knows the hand “look”"),
        ("<!-- Open -->", "nobody knows the hand “Open”"),
        ("<!-- ask -->", "“ask” needs something behind it"),
        ("<!-- open: it -->", "“open” takes nothing behind it"),
        ("Then <!-- open -->", "a hand needs a line of its own"),
        ("<!-- not run: why -->\nText", "right above a console block"),
        ("<!-- fails: why -->\n```step\nfile: a\n```", "right above a console block"),
        ("<!-- not run: why -->", "right above a console block"),
        ("<!-- terminal not: a -->", "“terminal not” is never checked"),
        ("<!-- terminal not: a -->\n<!-- open -->", "is never checked"),
    ],
)
def test_hands_that_are_wrong(tmp_path, text, words):
    with pytest.raises(SybilFailure, match=re.escape(words)):
        read(tmp_path, f"# A page\n\n{text}\n")
