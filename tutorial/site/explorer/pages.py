"""Renders the pages of the diff explorer from the templates."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    select_autoescape,
)

from tutorial.problem import Problem
from tutorial.project.steps import Step, every
from tutorial.site import fences
from tutorial.site.explorer import views
from tutorial.site.explorer.comparison import (
    Comparison,
    comparisons,
    name_in_text,
    neighbours,
)

FOLDER = "diff"  # the folder of the pages, below docs/

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)

# A sentence that a page adds to the advice of `tutorial diff`.
WITHOUT_RUN = (
    "Without `python3 -m tutorial run`, start this process in a separate terminal."
)
COMMANDS = ("Install", "Migrate")
PROCESS = re.compile(r"(\S+) \((.*)\)")


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path below `docs/` and the Markdown of each page of the explorer."""
    for path, comparison in _by_path().items():
        yield path, _page(comparison)


def fill(path: str, html: str) -> str:
    """Return the `html` of a page, with its diffs if it is a page of the explorer."""
    comparison = _by_path().get(path)
    if comparison is None:
        return html
    files = TEMPLATES.get_template("files.html").render(
        comparison=comparison,
        name=name_in_text,
        unified=views.unified,
        side_by_side=views.side_by_side,
    )
    return html + files


def anchors(path: str) -> set[str]:
    """Return the anchors of the diffs on the page at `path`: the paths of the files."""
    comparison = _by_path().get(path)
    return {change.path for change in comparison.changes} if comparison else set()


def overview(body: str) -> list[str]:
    """Return the `pairs` fence with this `body` as Markdown.

    Raises Problem if its `show` is not one of OVERVIEWS.
    """
    asked = str(fences.fields("pairs", body, ("show",)).get("show"))
    if asked not in OVERVIEWS:
        raise Problem(f"a pairs fence shows one of {', '.join(OVERVIEWS)}, not {asked}")
    return OVERVIEWS[asked]().splitlines()


def _chooser() -> str:
    first = neighbours()[0]
    template = TEMPLATES.get_template("choose.html")
    form = template.render(chosen=first, steps=every(), root="./", label=_label)
    return f'{form}\n<script src="../assets/diff.js"></script>\n'


def _neighbours() -> str:
    template = TEMPLATES.get_template("neighbours.md")
    return template.render(pairs=neighbours())


def _table() -> str:
    template = TEMPLATES.get_template("table.md")
    by_steps = {(pair.old, pair.new): pair for pair in comparisons()}
    return template.render(steps=every(), pairs=by_steps)


OVERVIEWS: dict[str, Callable[[], str]] = {
    "choose": _chooser,
    "neighbours": _neighbours,
    "table": _table,
}


def _page(comparison: Comparison) -> str:
    return TEMPLATES.get_template("pair.md").render(
        pair=comparison,
        chosen=comparison,
        steps=every(),
        root="../",
        label=_label,
        name=name_in_text,
        page=_page_of,
        advice=[*_advice(comparison.advice)],
        before=comparison.moved(-1),
        after=comparison.moved(1),
    )


def _by_path() -> dict[str, Comparison]:
    return {f"{FOLDER}/{pair.name}.md": pair for pair in comparisons()}


def _label(step: Step) -> str:
    """Return the label of a step in the form: its name in commands, and its stage."""
    return f"{step.name} · {step.stage}" if step.stage else "final · the finished app"


def _page_of(step: Step) -> str:
    """Return the address of a step's page, for a link on a page of the explorer."""
    return f"../steps/{step.name}-{step.stage}.md" if step.stage else "../final.md"


def _advice(sentences: Sequence[str]) -> Iterator[str]:
    """Yield the advice of `tutorial diff` as Markdown; one line names all packages."""
    parts = [sentence.partition(": ")[::2] for sentence in sentences]
    for title, group in groupby(parts, key=itemgetter(0)):
        texts = [text for _, text in group]
        if title == "New package":
            packages = ", ".join(f"`{text}`" for text in texts)
            yield f"**{title}{'s' * (len(texts) > 1)}:** {packages}"
        else:
            yield from (_sentence(title, text) for text in texts)


def _sentence(title: str, text: str) -> str:
    if process := PROCESS.fullmatch(text):
        text = f"{process[1]}, `{process[2]}`"
    elif title in COMMANDS:
        text = f"`{text}`"
    if title == "New process":
        return f"**{title}:** {text}. {WITHOUT_RUN}"
    if title == "Restart":
        is_one = " and " not in text.partition(", because")[0]
        title += " this process" if is_one else " these processes"
    return f"**{title}:** {text}"
