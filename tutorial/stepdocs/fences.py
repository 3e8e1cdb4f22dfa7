"""Finds the fences of a page that are ours, and puts in their place what they are."""

import re
from collections.abc import Callable, Collection

import yaml

from tutorial.problem import Problem

OPENING = re.compile(r"(?P<indent> *)(?P<marks>`{3,}|~{3,}) *(?P<info>.*?) *")


def expand(
    text: str, kinds: Collection[str], render: Callable[[str, str], list[str]]
) -> str:
    """`text` with each fence of these `kinds` replaced by `render(kind, its body)`.

    A fence inside another one stays what it is: text. Raises Problem where a fence of
    ours has no end.
    """
    lines = text.split("\n")
    result: list[str] = []
    at = 0
    while at < len(lines):
        opening = OPENING.fullmatch(lines[at])
        if not opening:
            result.append(lines[at])
            at += 1
            continue
        end = _closing(lines, at + 1, opening["marks"])
        kind = opening["info"]
        if kind not in kinds or len(opening["marks"]) > 3:
            result += lines[at : end + 1]
        elif end == len(lines):
            raise Problem(f"the fence ```{kind} has no end")
        else:
            indent = opening["indent"]
            body = [line.removeprefix(indent) for line in lines[at + 1 : end]]
            new = ["", *render(kind, "\n".join(body)), ""]
            result += [indent + line if line else "" for line in new]
        at = end + 1
    return "\n".join(result)


def fields(kind: str, body: str, known: Collection[str]) -> dict:
    """What is written in a fence, as YAML.

    Raises Problem for what is no YAML, and for a field that is not `known`.
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
    """A field's value as a list of names; one name alone is a list of one."""
    if value is None:
        return []
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def _closing(lines: list[str], at: int, marks: str) -> int:
    """The index of the line that ends the fence, or that behind the last one."""
    while at < len(lines):
        line = lines[at].strip()
        if len(line) >= len(marks) and set(line) == {marks[0]}:
            break
        at += 1
    return at


def _one_line(error: yaml.YAMLError) -> str:
    return re.sub(r"\s+", " ", str(error)).replace('"<unicode string>", ', "")
