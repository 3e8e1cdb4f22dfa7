"""`Keyboard` types the lines of a page's listings into the files of a folder."""

from pathlib import Path

import pytest
from sybil.example import SybilFailure

from support.folders import make
from support.learner import Page
from support.learner.keyboard import Keyboard
from tutorial.problem import Problem
from tutorial.site.pair import find_pair

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

```step
file: search/management/commands/show_queue.py
```
"""
MIGRATION = "search/migrations/0001_initial.py"


def keyboard_for(step: str, folder: Path) -> Keyboard:
    """Return a keyboard that types a step's page into a copy of the previous step."""
    return Keyboard(find_pair(step), make(folder / "my-search", str(int(step) - 1)))


def type_page(text: str, folder: Path) -> Keyboard:
    """Type the listings of a page for step 3. `text` is the Markdown of the page."""
    path = folder / "example.md"
    path.write_text(text)
    keyboard = keyboard_for("3", folder)
    Page(path).go_down(lambda action: keyboard.type(action.argument))
    return keyboard


def test_typing_all_listings_makes_the_step(tmp_path):
    type_page(STEP_3, tmp_path).compare()


def test_a_missing_listing_is_reported(tmp_path):
    text = STEP_3.replace("file: requirements.txt", "file: Procfile\nshow: web")
    text = text[: text.rindex("```step")]
    with pytest.raises(Problem) as caught:
        type_page(text, tmp_path).compare()
    for words in (
        *("differ from step 3", "requirements.txt lacks lines (+)", "+redis=="),
        "show_queue.py is missing",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'show: ["if form.is_valid():"]',
            "show: openai_start",
            'search/views.py has no "openai_start"',
        ),
        ("file: config/settings.py", "file: config/setings.py", "no file"),
    ],
    ids=["a function", "a file"],
)
def test_a_name_that_no_longer_exists_is_reported(tmp_path, old, new, words):
    with pytest.raises(SybilFailure) as caught:
        type_page(STEP_3.replace(old, new), tmp_path)
    assert words in str(caught.value)
    assert "example.md, line " in str(caught.value)


def test_the_same_lines_are_typed_only_once(tmp_path):
    keyboard = type_page(STEP_3, tmp_path)
    assert not keyboard.type("file: search/views.py\nshow: openai_index")
    keyboard.compare()


def test_a_change_that_the_page_did_not_make_is_reported(tmp_path):
    keyboard = keyboard_for("3", tmp_path)
    with (keyboard.folder / "config" / "settings.py").open("a") as file:
        file.write("DEBUG = False\n")
    with pytest.raises(Problem, match="changed, but not by a listing") as caught:
        keyboard.type("file: config/settings.py")
    assert "+DEBUG = False" in str(caught.value)


def test_a_file_that_a_command_has_written_may_have_another_format(tmp_path):
    """Django writes a migration with other quotation marks and line breaks."""
    keyboard = keyboard_for("4", tmp_path)
    path = keyboard.folder / MIGRATION
    path.parent.mkdir()
    ours = (find_pair("4").new / MIGRATION).read_text()
    path.write_text(ours.replace('"', "'").replace(",\n                ]", "]"))
    assert keyboard.type(f"file: {MIGRATION}") is False


def test_a_file_is_reported_if_a_command_has_written_other_code(tmp_path):
    keyboard = keyboard_for("4", tmp_path)
    path = keyboard.folder / MIGRATION
    path.parent.mkdir()
    ours = (find_pair("4").new / MIGRATION).read_text()
    path.write_text(ours.replace("unique=True", ""))
    with pytest.raises(
        Problem, match="already exists, but differs from what the page shows"
    ):
        keyboard.type(f"file: {MIGRATION}")
