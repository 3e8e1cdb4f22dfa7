"""A fence on a page shows mistakes from the catalogue, or describes a new mistake."""

import re

import pytest

from support.troubleshooting import own_entries
from tutorial.problem import Problem
from tutorial.site.extension import Page
from tutorial.site.mistakes import as_markdown


def expand(body: str, kind: str = "mistakes", page: str = "steps/5-signal.md") -> str:
    return Page(page).expand(f"```{kind}\n{body}\n```\n")


def test_a_page_shows_the_chosen_mistakes_with_links_to_their_descriptions():
    text = expand("only: [no-worker, csrf-token-missing]")
    assert text.count("\n- **") == 2
    assert "(../troubleshooting.md#no-worker)" in text
    assert "`{% csrf_token %}`" in text
    at_the_top = expand("only: no-worker", page="flow.md")
    assert "(troubleshooting.md#no-worker)" in at_the_top


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("mistakes", "only: [no-such-id]", 'the catalogue has no mistake "no-such-id"'),
        ("mistakes", "stage: 9", "no mistake of the stage 9"),
        ("mistakes", "", 'either "stage: 5" or'),
        ("mistakes", "stage: 5\nonly: [no-worker]", 'either "stage: 5" or'),
        ("mistakes", "names: [no-worker]", 'has no field "names"'),
        ("mistake", "id: a\ntitle: A\nsymptom: B\ncause: C", 'needs the text "fix"'),
        ("mistake", "id: A b\ntitle: A\nsymptom: B\ncause: C\nfix: D", '"A b" cannot'),
        (
            "mistake",
            "id: no-worker\ntitle: A\nsymptom: B\ncause: C\nfix: D",
            'has a mistake "no-worker" already',
        ),
    ],
)
def test_a_wrong_fence_is_reported_with_the_name_of_the_page(kind, body, words):
    with pytest.raises(Problem, match=r"^steps/5-signal\.md: ") as raised:
        expand(body, kind)
    assert words in str(raised.value)


def test_markdown_outside_of_code_is_escaped():
    text = "*a* _b_ {c} <d> [e](f) 1. & `<g> _h_ {% i %}`"
    assert as_markdown(text) == (
        r"\*a\* \_b\_ \{c\} &lt;d&gt; \[e\]\(f\) 1\. &amp; `<g> _h_ {% i %}`"
    )


def test_the_entries_of_the_troubleshooting_page_use_plain_sentences():
    entries = own_entries()
    assert entries
    for entry in entries.values():
        text = re.sub(r"`[^`]+`", "", " ".join(entry.values()))
        assert not re.findall(r"\b(simply|just|easy|easily|obviously)\b", text, re.I)
        assert "!" not in text
        for part in (entry["cause"], entry["fix"]):
            assert part.strip().endswith((".", ".)")), entry["id"]
