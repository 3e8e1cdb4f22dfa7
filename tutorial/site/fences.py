"""Finds our fences in a page, reads their fields, and replaces them."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import yaml

from tutorial.problem import Problem

OPENING = re.compile(r"(?P<indent> *)(?P<marks>`{3,}|~{3,}) *(?P<info>.*?) *")


# A directive such as <!-- ask: What is a broker? -->. It tells the test of a page what
# to do.
DIRECTIVE = re.compile(r" *<!-- (?!-->)\S((?!-->).)* -->")


@dataclass(frozen=True)
class Fence:
    """A fence of a page: its place, its marks, and the text after the opening marks."""

    first: int  # the index of its opening line
    last: int  # the index of its closing line; without one, the number of lines
    indent: str
    marks: str
    info: str

    @property
    def kind(self) -> str:
        """The kind of fence, or "" if the fence has more than three marks.

        Such a fence shows its content as text.
        """
        return self.info if len(self.marks) == 3 else ""

    def body(self, lines: Sequence[str]) -> str:
        """Return the text inside the fence; `lines` are the lines of the page."""
        inner = lines[self.first + 1 : self.last]
        return "\n".join(line.removeprefix(self.indent) for line in inner)


def scan(lines: Sequence[str]) -> Iterator[Fence]:
    """Yield the fences of a page. A fence inside another fence counts as text."""
    at = 0
    while at < len(lines):
        if opening := OPENING.fullmatch(lines[at]):
            last = _closing(lines, at + 1, opening["marks"])
            yield Fence(at, last, opening["indent"], opening["marks"], opening["info"])
            at = last
        at += 1


def expand(
    text: str, kinds: Collection[str], render: Callable[[str, str], list[str]]
) -> str:
    """Replace each fence of these `kinds` in `text` by `render(kind, body)`.

    A fence inside another fence is text and stays unchanged. Directives are removed.
    Raises Problem if a fence of these kinds has no end.
    """
    lines = text.split("\n")
    result: list[str] = []
    at = 0
    for fence in scan(lines):
        result += _without_directives(lines[at : fence.first])
        at = fence.last + 1
        if fence.kind not in kinds:
            result += lines[fence.first : at]
        elif fence.last == len(lines):
            raise Problem(f"the fence ```{fence.kind} has no end")
        else:
            new = ["", *render(fence.kind, fence.body(lines)), ""]
            result += [fence.indent + line if line else "" for line in new]
    return "\n".join([*result, *_without_directives(lines[at:])])


def fields(kind: str, body: str, known: Collection[str]) -> dict:
    """Return the fields of a fence, which are written as YAML in its `body`.

    Raises Problem if the YAML is not valid, or if a field is not in `known`.
    """
    try:
        found = yaml.safe_load(body) or {}
    except yaml.YAMLError as error:
        raise Problem(f"a {kind} fence cannot be read: {_one_line(error)}") from None
    if not isinstance(found, dict):
        raise Problem(f'a {kind} fence holds fields such as "step: 3", not: {body!r}')
    for name in found:
        if name not in known:
            raise Problem(
                f'a {kind} fence has no field "{name}"; it knows {", ".join(known)}'
            )
    return found


def names(value: object) -> list[str]:
    """Return a field's value as a list of names, even if it is a single name."""
    if value is None:
        return []
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def _without_directives(lines: Sequence[str]) -> list[str]:
    """Remove the directives: in Markdown, a comment would end a paragraph."""
    return [line for line in lines if not DIRECTIVE.fullmatch(line)]


def _closing(lines: Sequence[str], at: int, marks: str) -> int:
    """Return the index of the closing line, or the number of lines if there is none."""
    while at < len(lines):
        line = lines[at].strip()
        if len(line) >= len(marks) and set(line) == {marks[0]}:
            break
        at += 1
    return at


def _one_line(error: yaml.YAMLError) -> str:
    return re.sub(r"\s+", " ", str(error)).replace('"<unicode string>", ', "")
