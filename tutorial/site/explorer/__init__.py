"""The diff explorer: a page for each pair of steps, generated when the site is built.

`pages` returns the pages as Markdown, and `fill` adds the diffs to a page once it is
HTML, so that Python-Markdown does not have to parse a megabyte of diffs. `overview` is
the `pairs` fence of `docs/diff.md`.
"""

from tutorial.site.explorer.pages import anchors, fill, overview, pages

__all__ = ["anchors", "fill", "overview", "pages"]
