"""MkDocs' hooks: they add the pages of the diff explorer, and watch more folders.

`tutorial docs` rebuilds the site when a page, a step or the program changes. MkDocs
loads this file only once. So a function that needs the current code of the program
imports that code each time it is called.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from mkdocs.structure.files import File, InclusionLevel
from watchdog.observers.polling import PollingObserverVFS

from tutorial.paths import ROOT
from tutorial.project.files import LEFTOVER_SUFFIXES, LEFTOVERS

WATCHED = ("steps", "final", "tutorial")


def on_config(config):
    """Remove the program's modules from `sys.modules`: their code may have changed."""
    for name in [name for name in sys.modules if name.startswith("tutorial.")]:
        del sys.modules[name]
    return config


def on_files(files, config):
    """Add the pages of the diff explorer, which are not in the navigation."""
    from tutorial.site import explorer

    for path, markdown in explorer.pages():
        level = InclusionLevel.NOT_IN_NAV
        file = File.generated(config, path, content=markdown, inclusion=level)
        files.append(file)
    return files


def on_page_content(html, page, config, files):
    """Move the signs of gaps and removed lines out of the code, and add the diffs."""
    from tutorial.site import code_html, explorer

    path = page.file.src_uri
    # Without these anchors, MkDocs rejects links from other pages to a file in a diff.
    page.present_anchor_ids |= explorer.anchors(path)
    return explorer.fill(path, code_html.finish_listings(html))


def on_post_page(output, page, config):
    """Mark the page's code as not to be translated, and set `--indent` on its lines."""
    from tutorial.site import code_html

    return code_html.finish(output)


def on_serve(server, config, builder):
    """Watch the sources of the pages, but not the files that a running step creates.

    If other machines can reach the site, print its addresses, too.
    """
    from tutorial.runtime import addresses

    host, port = config.dev_addr
    if host != addresses.HERE:
        found = addresses.urls(host, port)
        # MkDocs prints `server.url`. Other machines cannot open a URL with 0.0.0.0.
        server.url = found[0]
        print("The site is at", ", ".join(found), flush=True)
        print(
            "Every machine that can reach this machine can read the site, but no other"
            " files.",
            flush=True,
        )
    own = [config.docs_dir, config.config_file_path]
    for path in own:
        server.unwatch(path)
    server.observer = PollingObserverVFS(os.stat, entries, polling_interval=0.5)
    for path in (*own, *(str(ROOT / name) for name in WATCHED)):
        server.watch(path)
    return server


def entries(folder: str | Path) -> Iterator[os.DirEntry]:
    """Yield the entries of a folder, except those that a running step creates there."""
    with os.scandir(folder) as found:
        for entry in found:
            is_leftover = entry.name in LEFTOVERS or entry.name.endswith(
                LEFTOVER_SUFFIXES
            )
            if not is_leftover:
                yield entry
