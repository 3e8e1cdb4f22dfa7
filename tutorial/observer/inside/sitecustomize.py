"""Starts the observer inside each process of a project that is checked.

When Python starts, it imports a module of this name if the module's folder is in
PYTHONPATH. The folder also contains the package `tutorial_observer`, a name that no
project uses.
"""

import importlib.machinery
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))


def import_the_next():
    """Import the environment's own sitecustomize, which this module hides."""
    paths = [path for path in sys.path if os.path.realpath(path or ".") != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", paths)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("TUTORIAL_EVENTS"):
    from tutorial_observer.finder import install
    from tutorial_observer.notes import guarded, note

    install()
    guarded(note)("observer starts")
    guarded(import_the_next)()
