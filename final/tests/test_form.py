import pytest

from search.forms import SearchForm


@pytest.mark.parametrize(
    "query", ["What is a broker?", "x" * 200, "<b>é ∑ 你好 👩‍🚀</b>"]
)
def test_a_valid_question_is_accepted(query):
    form = SearchForm({"query": query})
    assert form.is_valid()
    assert form.cleaned_data["query"] == query


@pytest.mark.parametrize(
    "pasted",
    [
        "  What is a broker?\n",
        "What\tis a broker?",
        "What is\r\na\n\n  broker?",
        "What is" + " " * 100 + "a broker?",
    ],
    ids=ascii,
)
def test_whitespace_in_a_pasted_question_is_cleaned(pasted):
    form = SearchForm({"query": pasted})
    assert form.is_valid()
    assert form.cleaned_data["query"] == "What is a broker?"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Type a question first."),
        ("  \t ", "Type a question first."),
        ("x" * 201, "at most 200 characters"),
        ("a\x00b", "not allowed"),
        ("a\x7fb", "Control characters are not allowed"),
        ("a\x1bb", "Control characters are not allowed"),
        ("a\x9bb", "Control characters are not allowed"),
    ],
)
def test_an_invalid_question_is_rejected(query, message):
    form = SearchForm({"query": query})
    assert not form.is_valid()
    assert message in " ".join(form.errors["query"])
