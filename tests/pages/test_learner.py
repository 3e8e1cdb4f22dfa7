"""Check that the simulated learner fails if it follows a page that is wrong."""

import re

import pytest
from sybil.example import SybilFailure

from support.learner import Learner, Page
from support.learner.following import PATIENCE
from support.learner.page import COMMANDS, LISTING, Action
from tutorial.problem import Problem

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
SHOW_QUEUE = "search/management/commands/show_queue.py"
# The part of `STEP_3` before its first command: only listings.
TYPED = STEP_3[: STEP_3.index("```console")]


@pytest.fixture
def learner_of(tmp_path, root, chromium, terminal):
    """Provide a function (text) that returns a learner for a page with this text."""
    learners = []

    def give(text: str) -> Learner:
        path = tmp_path / "example.md"
        path.write_text(text)
        learners.append(Learner(Page(path), root, chromium))
        return learners[-1]

    yield give
    for learner in learners:
        learner.hurry(PATIENCE)  # running programs need time to end
        learner.leave()


def follow_to_the_end(learner: Learner, impatient_at: str = "") -> None:
    """Follow the page. From the directive `impatient_at` on, wait at most a second."""

    def do(action: Action) -> None:
        if impatient_at and impatient_at == f"{action.name}: {action.argument}":
            learner.hurry(1)
        learner.do(action)

    learner.page.go_down(do)
    learner.finish()


def misleads(learner: Learner, *words: str, impatient_at: str = "") -> None:
    """Check that following the page fails with a message that contains these words."""
    with pytest.raises((SybilFailure, Problem)) as caught:
        follow_to_the_end(learner, impatient_at)
    for word in ("example.md", *words):
        assert word in str(caught.value)


def line_of(text: str, part: str) -> str:
    return f"line {text[: text.index(part)].count(chr(10)) + 1},"


def listings(*names: str) -> list[str]:
    """Return fences that show these files completely."""
    return [f"```step\nfile: {name}\n```\n" for name in names]


def directives(*texts: str) -> list[str]:
    return [f"<!-- {text} -->" for text in texts]


def test_a_correct_page_can_be_followed(learner_of):
    follow_to_the_end(learner_of(STEP_3))


def test_a_page_fails_if_a_file_of_the_step_is_missing_at_the_end(learner_of):
    misleads(learner_of(TYPED), "at its end", "show_queue.py is missing")


def test_a_page_fails_if_a_command_comes_before_its_listing(learner_of):
    command = "```console\n$ python3 -m tutorial manage ../my-search show_queue\n```\n"
    text = "\n".join([TYPED + command, *listings(SHOW_QUEUE)])
    misleads(learner_of(text), line_of(text, command), "Unknown command: 'show_queue'")


def test_a_page_fails_if_its_listings_are_in_the_wrong_order(learner_of):
    """The page adds the URL of a view before it adds the view.

    After the error, Django's server waits until one of its files changes. It does not
    notice a new file.
    """
    before = "config/celery.py config/__init__.py config/settings.py requirements.txt"
    before += " search/tasks.py search/forms.py search/guests.py"
    wrong_order = listings("config/urls.py", "search/views.py")
    looks = directives("terminal: No module named 'search.views'", "open")
    text = "\n".join([*listings(*before.split()), RUN, *wrong_order, *looks])
    text = "---\nstep: 2\n---\n" + text
    misleads(
        learner_of(text),
        line_of(text, "<!-- open"),
        "the server does not answer",
        "No module named 'search.views'",
        impatient_at="open: ",
    )


def test_a_page_fails_if_it_does_not_restart_the_worker(learner_of):
    before = "requirements.txt config/settings.py search/signals.py search/handlers.py"
    before += " search/apps.py search/management/commands/show_groups.py"
    looks = directives("open", "ask: Who?", "terminal: stage 4", "terminal: stage 5")
    # `RUN` starts the worker. The last listing changes the code later, and the worker
    # does not notice this change.
    typed = [*listings(*before.split()), RUN, *listings("search/tasks.py")]
    text = "---\nstep: 5\n---\n" + "\n".join([*typed, *looks, ""])
    misleads(
        learner_of(text),
        line_of(text, looks[-1]),
        "the terminal has not printed “stage 5”",
        "stage 4 · worker",
        impatient_at="terminal: stage 5",
    )


def test_a_listing_of_another_step_is_not_typed(learner_of):
    learner = learner_of(TYPED)
    learner.do(Action(LISTING, "file: search/models.py\nstep: 4"))
    assert not (learner.folder / "search" / "models.py").exists()


def commands(*lines: str) -> Action:
    return Action(COMMANDS, "\n".join(lines))


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (commands("$ echo one", "two"), "shows this line, but it was not printed"),
        (commands("$ echo one; echo two", "one"), "printed more than the page"),
        (commands("$ echo one", "one", "two"), "not printed at this place:\n  two"),
        (commands("$ echo no; exit 3"), "has failed, with exit status 3"),
        (commands("$ echo no; exit 3", "…"), "does not show the line with the error"),
        (commands("$ cd steps"), "would have no effect on later commands"),
        (commands("$ python3 -m tutorial test"), "<!-- not run: why -->"),
        (Action(COMMANDS, "$ true", fails=True), "no command of this block fails"),
        (Action("open"), "no program is running"),
        (Action("terminal", "stage 1"), "no program is running"),
        (Action("sees", "Search"), "no page is open yet"),
        (Action("Ctrl-C"), "no program is running"),
    ],
)
def test_a_difference_from_the_page_is_reported(learner_of, action, words):
    with pytest.raises(Problem, match=re.escape(words)):
        learner_of("# A page\n").do(action)


def test_without_a_running_project_a_command_finds_no_redis(learner_of):
    learner = learner_of("# A page\n")
    learner.do(Action("my-search", "3"))
    command = "$ python3 -m tutorial manage ../my-search show_queue"
    learner.do(commands(command, "CommandError: Redis does not answer: …"))


def test_a_command_may_fail_if_the_page_shows_the_failure(learner_of):
    learner = learner_of("# A page\n")
    learner.do(commands("$ echo 1; echo no; exit 3", "…", "no"))
    learner.do(commands("$ echo BROKEN  2 view; echo more; exit 1", "BROKEN …", "…"))
    learner.do(Action(COMMANDS, "$ exit 3", fails=True))
    learner.do(commands("$ test -z $DJANGO_SETTINGS_MODULE && python3 -V", "Python …"))


def test_directives_check_a_running_program(learner_of):
    """Directives check a running program, and report each difference from the page."""
    learner = learner_of("# A page\n")
    learner.do(Action("my-search", "1"))
    run = "$ python3 -m tutorial run ../my-search --port 8001"
    learner.do(commands("# Terminal 1", run, "Ready in … s: http://127.0.0.1:8001 …"))
    learner.do(commands("# Terminal 2", "$ echo free", "free"))
    learner.do(Action("open"))
    learner.do(Action("badge", "Offline"))
    learner.hurry(0.3)
    wrong = {
        Action("my-search", "2"): "write <!-- Ctrl-C --> first",
        commands("# Terminal 1", "$ echo busy"): "runs there: press Ctrl-C first",
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


def test_a_program_may_fail_to_start_only_if_the_page_shows_the_error(learner_of):
    learner = learner_of("# A page\n")
    learner.do(Action("my-search", "1"))
    (learner.folder / "config" / "settings.py").write_text("import nothing\n")
    run = "$ python3 -m tutorial run ../my-search"
    learner.do(commands(run, "…ModuleNotFoundError: No module named 'nothing'"))
    with pytest.raises(Problem, match="Then it has ended"):
        learner.do(commands(run))


def test_a_directive_makes_the_folder_of_the_project(learner_of):
    learner = learner_of("# A page\n")
    assert not learner.folder.exists()
    learner.do(Action("my-search", "5 handler_not_imported"))
    assert "ready" not in (learner.folder / "search" / "apps.py").read_text()
    learner.do(Action("my-search", "5"))
    assert "ready" in (learner.folder / "search" / "apps.py").read_text()
    with pytest.raises(Problem, match="There is no step"):
        learner.do(Action("my-search", "9"))
