"""A console fence on a page shows commands that can be copied, and their output."""

import re

import markdown
import pytest

from tutorial.problem import Problem
from tutorial.site import console
from tutorial.site.extension import Page

SHOW_QUEUE = """\
# Terminal 2
$ python3 -m tutorial manage ../my-search show_queue
1 waiting in the queue

id         …
"""


def expand(text: str) -> str:
    return Page("steps/9-nine.md", "").expand(text)


def fence(body: str) -> str:
    return f"```console\n{body}\n```"


def blocks(body: str) -> list[tuple[str, str]]:
    """Expand a console fence, and return its blocks of code as pairs (head, text)."""
    return re.findall(r"```(\{.*\}| .*)\n((?:.*\n)*?)```", expand(fence(body)))


def html(text: str) -> str:
    extensions = ["pymdownx.highlight", "pymdownx.superfences", "attr_list"]
    return markdown.markdown(expand(text), extensions=extensions)


def test_commands_and_their_output_become_separate_blocks():
    command, output = blocks(SHOW_QUEUE)
    assert command[1] == "python3 -m tutorial manage ../my-search show_queue\n"
    assert 'title="Terminal 2"' in command[0]
    assert output[1] == "1 waiting in the queue\n\nid         …\n"
    assert 'title="prints"' in output[0]


def test_only_the_command_can_be_copied():
    page = html(fence(SHOW_QUEUE))
    command, output = re.findall(r'<div class="([^"]*\bhighlight)"', page)
    assert "no-copy" not in command.split()
    assert "console" in command.split()
    assert {"prints", "no-copy"} <= set(output.split())
    assert '<span class="filename">Terminal 2</span>' in page
    assert "$ " not in page


def test_commands_with_no_output_between_them_form_one_block():
    assert [text for _, text in blocks("$ a\n$ b\n> c\nprinted\n$ d")] == [
        "a\nb\nc\n",
        "printed\n",
        "d\n",
    ]


def test_later_commands_of_a_fence_are_marked_as_continued():
    heads = [head for head, _ in blocks("# T\n$ a\n1\n$ b\n2")]
    assert [".continued" in head for head in heads] == [False, False, True, False]
    assert ['title="T"' in head for head in heads] == [True, False, False, False]


def test_blanks_at_the_end_of_lines_are_removed():
    text = expand(fence("$ a  \n1  \n   \n2\t\n  \n"))
    assert not re.search(r"[ \t]$", text, re.M)
    assert blocks("$ a\n\n1\n\n")[1][1] == "1\n"


def test_a_fence_inside_a_fence_of_four_backticks_is_not_changed():
    text = "````\n```console\n$ a\n```\n````"
    assert expand(text) == text
    assert "$ a" in html(text)


def test_a_fence_in_a_list_keeps_its_indentation():
    text = expand("1.  First\n\n    ```console\n    $ a\n    b\n    ```\n")
    assert "    ```{ .sh .console" in text
    assert "\n    a\n" in text


def test_a_fence_is_read_as_commands_with_output():
    found = console.read("# T\n$ a\n> b\n> not a prompt\n1\n> 2\n")
    assert found == console.Console(
        "T", [console.Exchange("a\nb\nnot a prompt", ["1", "> 2"])]
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("# Terminal 1", "needs a command"),
        ("", "needs a command"),
        ("printed\n$ a", 'not with "printed"'),
        ('# "T"\n$ a', "a quotation mark"),
    ],
)
def test_a_wrong_console_fence_is_reported(body, words):
    with pytest.raises(Problem, match=words) as caught:
        expand(fence(body))
    assert "steps/9-nine.md" in str(caught.value)


def test_comments_on_lines_of_their_own_are_removed():
    text = "Open it.\n<!-- open -->\n  <!-- ask: What? -->\nYou see it."
    assert expand(text) == "Open it.\nYou see it."
    for kept in ("a <!-- open --> b", "<!-- -->", "<!-- a --> b <!-- c -->"):
        assert expand(kept) == kept
    assert "<!-- open -->" in expand("```text\n<!-- open -->\n```")
