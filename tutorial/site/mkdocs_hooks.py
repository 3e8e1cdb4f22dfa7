"""MkDocs' hooks: the diff explorer's pages, and when to build again.

`docs` builds again when a step changes, or what shows it.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from mkdocs.structure.files import File, InclusionLevel
from watchdog.observers.polling import PollingObserverVFS

ROOT = Path(__file__).resolve().parent.parent.parent
WATCHED = ("steps", "final", "tutorial")


def on_config(config):
    """Read this package anew: it may be what has changed."""
    for name in [name for name in sys.modules if name.startswith("tutorial.")]:
        del sys.modules[name]
    return config


def on_files(files, config):
    """Add the pages of the diff explorer, which no navigation lists."""
    from tutorial.site import explorer

    for path, markdown in explorer.pages():
        level = InclusionLevel.NOT_IN_NAV
        file = File.generated(config, path, content=markdown, inclusion=level)
        files.append(file)
    return files


def on_page_content(html, page, config, files):
    """Put the diffs into the pages of the diff explorer."""
    from tutorial.site import explorer

    path = page.file.src_uri
    # So that MkDocs lets other pages link to a file in a diff.
    page.present_anchor_ids |= explorer.anchors(path)
    return explorer.fill(path, html)


def on_serve(server, config, builder):
    """Look at what the pages are made from, and not at what running a step leaves."""
    own = [config.docs_dir, config.config_file_path]
    for path in own:
        server.unwatch(path)
    server.observer = PollingObserverVFS(os.stat, entries, polling_interval=0.5)
    for path in (*own, *(str(ROOT / name) for name in WATCHED)):
        server.watch(path)
    return server


def entries(folder: str | Path) -> Iterator[os.DirEntry]:
    """What is in a folder, without what running a step leaves there."""
    from tutorial.project.files import LEFTOVER_SUFFIXES, LEFTOVERS

    with os.scandir(folder) as found:
        for entry in found:
            is_leftover = entry.name in LEFTOVERS or entry.name.endswith(
                LEFTOVER_SUFFIXES
            )
            if not is_leftover:
                yield entry
