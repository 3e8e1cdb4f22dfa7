"""The Markdown extension. It chooses the module that renders each fence of a page."""

import re
import xml.etree.ElementTree as etree
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from mkdocs.exceptions import BuildError

from tutorial.problem import Problem
from tutorial.site import (
    benchmark,
    console,
    explorer,
    fences,
    flow,
    glossary,
    listing,
    mistakes,
    pictures,
    step_facts,
    travel,
)
from tutorial.site.listing import Listing
from tutorial.site.pair import Pair, find_pair
from tutorial.site.typed import Typed

FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.S)

# The priority of our preprocessor: it runs after the whitespace is normalized (30),
# and before `superfences` replaces the fences (25).
PRIORITY = 27
# The priority of our other processors: they run after inline Markdown is parsed (20).
LAST = 3

# A word of code with hyphens, such as --loglevel. A browser would break it at a hyphen,
# although it fits on one line of a phone. The second pattern finds it in HTML.
HYPHENATED = re.compile(r"(?<!\S)(?=\S*-)\S{1,24}(?!\S)")
HYPHENATED_IN_HTML = re.compile(r"(?<![^\s>])(?=[^\s<>]*-)[^\s<>&\"'=]{1,24}(?![^\s<])")
# The place after a sign in a path or a name: a browser may break the line there.
SIGN = re.compile(r"(?<=\w[/._={])(?=\w)")
COMMAND = re.compile(r'<div class="language-sh .*?</div>', re.S)

OVERVIEWS: dict[str, Callable[[Pair, str], list[str]]] = {
    "lead": step_facts.lead,
    "tree": step_facts.tree,
    "processes": step_facts.processes,
    "log": step_facts.log,
}


@dataclass
class Shown:
    """For one file, the indexes of the lines that a page shows as added or removed."""

    added: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)


@dataclass
class Page:
    """A page, and the lines that its listings have shown so far."""

    name: str
    step: str = ""  # the step that the front matter names
    find: Callable[[str], Pair] = find_pair
    shown: dict[tuple[str, str], Shown] = field(default_factory=dict)
    # The learner's files, by step and path.
    typed: dict[str, dict[str, Typed]] = field(default_factory=dict)

    def expand(self, text: str) -> str:
        """Return the `text` of the page with its fences replaced by Markdown.

        Raises Problem, with the page's name, if a fence is wrong.
        """
        try:
            kinds = ("step", "steps", "console", "flow", "travel", "pairs", "bench")
            kinds = (*kinds, *mistakes.KINDS, *pictures.KINDS, *OVERVIEWS)
            return fences.expand(text, kinds, self._render)
        except Problem as problem:
            raise Problem(f"{self.name}: {problem}") from None

    def _render(self, kind: str, body: str) -> list[str]:
        if kind == "console":
            return console.render(body)
        if kind in mistakes.KINDS:
            return mistakes.render(kind, body, self.name)
        if kind in pictures.KINDS:
            return pictures.render(kind, body, self.name, self.step)
        if kind == "steps":
            return step_facts.table(body)
        if kind == "pairs":
            return explorer.overview(body)
        if kind == "bench":
            return benchmark.render(body)
        if kind == "flow":
            return flow.flow(self.name, self.step, body)
        if kind == "travel":
            return travel.render(self.name, self.step, body)
        pair = self._pair(body)
        if kind in OVERVIEWS:
            return OVERVIEWS[kind](pair, body)
        found = listing.read(pair, body, self.typed.setdefault(pair.name, {}))
        self._remember(pair, found)
        return listing.render(found)

    def _pair(self, body: str) -> Pair:
        own = re.search(r"^step: *(\S+) *$", body, re.M)
        name = own[1] if own else self.step
        if not name:
            raise Problem(
                "this fence needs a step: in the page's front matter (step: 4),"
                " or in the fence"
            )
        return self.find(name)

    def _remember(self, pair: Pair, found: Listing) -> None:
        shown = self.shown.setdefault((pair.name, found.file.path), Shown())
        shown.added |= found.added()
        shown.removed |= found.removed()
        if not found.is_bare:
            self.typed[pair.name][found.file.path] = found.after


def shown(path: Path) -> dict[tuple[str, str], Shown]:
    """Return the lines that the page at `path` shows, by step ("step 4") and file.

    Raises Problem, with the page's name, if a fence is wrong.
    """
    text = path.read_text()
    page = Page(path.name, step_of(text))
    page.expand(text)
    return page.shown


def step_of(text: str) -> str:
    """Return the step that the front matter of a page names, or "" if it names none."""
    return str(_front_matter(text).get("step", ""))


def _front_matter(text: str) -> dict:
    front = FRONT_MATTER.match(text)
    return (yaml.safe_load(front[1]) if front else None) or {}


class StepDocs(Extension):
    """The extension that Python-Markdown loads."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register our processors."""
        md.preprocessors.register(_Preprocessor(md), "stepdocs", PRIORITY)
        md.treeprocessors.register(_WholeWords(md), "whole words", LAST)
        md.postprocessors.register(_WholeOptions(md), "whole options", LAST)


class _WholeWords(Treeprocessor):
    """Keeps a word of inline code on one line.

    In a table, code may also be a long path or name, which can break after a sign.
    """

    def run(self, root: etree.Element) -> None:
        for cell in root.iter("td"):
            for code in [*cell.iter("code")]:
                first, *rest = SIGN.split(str(code.text or ""))
                if len(code) == 0 and rest:
                    code.text = AtomicString(first)
                    for part in rest:
                        etree.SubElement(code, "wbr").tail = AtomicString(part)
        for code in [*root.iter("code")]:
            if len(code) or not code.text:
                continue
            text, at, last = str(code.text), 0, None
            for word in HYPHENATED.finditer(text):
                before = AtomicString(text[at : word.start()])
                if last is None:
                    code.text = before
                else:
                    last.tail = before
                last = etree.SubElement(code, "span", {"class": "whole"})
                last.text = AtomicString(word.group())
                at = word.end()
            if last is not None:
                last.tail = AtomicString(text[at:])


class _WholeOptions(Postprocessor):
    """Keeps a word of a command on one line, in listings that are already HTML."""

    def run(self, text: str) -> str:
        def wrap(command: re.Match[str]) -> str:
            whole = r'<span class="whole">\g<0></span>'
            return HYPHENATED_IN_HTML.sub(whole, command[0])

        return COMMAND.sub(wrap, text)


class _Preprocessor(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        file = self._file()
        page = Page(file.src_uri, step_of(file.content_string))
        try:
            text = page.expand("\n".join(lines))
        except Problem as problem:
            raise BuildError(str(problem)) from None
        if depth := _front_matter(file.content_string).get("toc_depth"):
            self.md.treeprocessors["toc"].toc_bottom = depth
        if file.src_uri != glossary.GLOSSARY.name:
            # Use one block per term: Markdown is slow if one block contains all terms.
            text = "\n\n".join([text, *glossary.of_site(), ""])
        return text.split("\n")

    def _file(self):
        """Return MkDocs' object for the page.

        MkDocs passes this object only to its link checker.
        """
        return self.md.treeprocessors["relpath"].file
