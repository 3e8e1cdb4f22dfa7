"""The diff explorer: a page for each pair of steps, generated when the site is built.

`pages` yields the pages as Markdown. `fill` adds the diffs to a page only after the
page has become HTML, so that Python-Markdown does not have to parse a megabyte of
diffs. `overview` renders the `pairs` fences of `docs/diff.md`.
"""

from tutorial.site.explorer.pages import anchors, fill, overview, pages

__all__ = ["anchors", "fill", "overview", "pages"]
