"""Records when Django's server has looked at all files that it watches.

When Python starts, it imports a module of this name if PYTHONPATH contains its folder.

A learner needs seconds for each action, so the server notices an edit before the next
action. The test of the pages acts at once. The test therefore waits until the server
has looked at the files once more, and has restarted if necessary.

Each server has a separate file in the folder LEARNER_LOOKS. In this file, the server
writes the time at which its last look at all files began.
"""

import contextlib
import functools
import importlib.abc
import importlib.util
import os
import sys
import time
from pathlib import Path

MODULE = "django.utils.autoreload"
PAUSE = 0.2  # seconds between two looks (in Django: 1)


class Finder(importlib.abc.MetaPathFinder):
    """Changes Django's reloader as soon as it is imported."""

    def find_spec(self, name, path, target=None):
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            watch(module.StatReloader)

        spec.loader.exec_module = exec_module
        return spec


def watch(reloader):
    reloader.SLEEP_TIME = PAUSE
    snapshot_files, tick = reloader.snapshot_files, reloader.tick

    @functools.wraps(snapshot_files)
    def without_race(self):
        while True:
            with contextlib.suppress(KeyError):
                return iter(list(snapshot_files(self)))
            # While Django read the list of modules, an import failed in another thread,
            # and Python removed the module from the list. Django's server would end.

    @functools.wraps(tick)
    def wrapped(self):
        looks = tick(self)
        while True:
            started = time.time()
            next(looks)
            note(started)
            yield

    reloader.snapshot_files, reloader.tick = without_race, wrapped


def note(started):
    file = Path(os.environ["LEARNER_LOOKS"]) / str(os.getpid())
    fresh = file.with_suffix(".new")
    fresh.write_text(repr(started))
    fresh.replace(file)


if "LEARNER_LOOKS" in os.environ:
    if MODULE in sys.modules:  # in a forked process, which has already imported it
        watch(sys.modules[MODULE].StatReloader)
    else:
        sys.meta_path.insert(0, Finder())
