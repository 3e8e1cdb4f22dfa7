"""MkDocs' hooks: `docs` builds again when a step changes, or what shows it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from watchdog.observers.polling import PollingObserverVFS

ROOT = Path(__file__).resolve().parent.parent.parent
WATCHED = ("steps", "final", "tutorial")


def on_config(config):
    """Read this package anew: it may be what has changed."""
    for name in [name for name in sys.modules if name.startswith("tutorial.")]:
        del sys.modules[name]
    return config


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
    from tutorial.steps import LEFTOVER_SUFFIXES, LEFTOVERS

    with os.scandir(folder) as found:
        for entry in found:
            is_leftover = entry.name in LEFTOVERS or entry.name.endswith(
                LEFTOVER_SUFFIXES
            )
            if not is_leftover:
                yield entry
