"""The diff explorer: a page for each two steps, made when the site is built.

`pages` gives the pages as Markdown, for MkDocs to make files of. The diffs themselves
are HTML, which `fill` puts into a page once its Markdown is HTML, too: that spares
Python-Markdown a megabyte to read. `overview` is what `docs/diff.md` shows.
"""

from tutorial.site.explorer.pages import anchors, fill, overview, pages

__all__ = ["anchors", "fill", "overview", "pages"]
