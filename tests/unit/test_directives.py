"""The actions of a page are read from its fences, and from directives in comments."""

import re
from pathlib import Path

import pytest
from sybil.example import SybilFailure

from support.learner import Page
from support.learner.page import COMMANDS, Action


def read(tmp_path: Path, text: str) -> list[Action]:
    (tmp_path / "example.md").write_text(text)
    return Page(tmp_path / "example.md").actions()


def test_the_actions_of_a_page_are_read_in_order(tmp_path):
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
        ("<!-- look -->", "there is no directive “look”"),
        ("<!-- Open -->", "there is no directive “Open”"),
        ("<!-- ask -->", "“ask” needs an argument"),
        ("<!-- open: it -->", "“open” takes no argument"),
        ("Then <!-- open -->", "a directive needs a line of its own"),
        ("<!-- not run: why -->\nText", "right above a console block"),
        ("<!-- fails: why -->\n```step\nfile: a\n```", "right above a console block"),
        ("<!-- not run: why -->", "right above a console block"),
        ("<!-- terminal not: a -->", "“terminal not” is never checked"),
        ("<!-- terminal not: a -->\n<!-- open -->", "is never checked"),
    ],
)
def test_a_wrong_directive_is_reported(tmp_path, text, words):
    with pytest.raises(SybilFailure, match=re.escape(words)):
        read(tmp_path, f"# A page\n\n{text}\n")
