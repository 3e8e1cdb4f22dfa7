"""The output of a program is compared with the output that a page shows."""

import pytest

from support.learner import printed


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
def test_the_shown_lines_are_found_in_the_output_or_a_difference_is_raised(
    shown, output, found
):
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
def test_the_first_line_that_is_not_printed_yet_is_found(shown, missing):
    assert printed.first_unseen(shown.split("\n"), ["a", "b", "c"]) == missing
