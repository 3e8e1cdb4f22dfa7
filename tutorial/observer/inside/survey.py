"""Looks at a project from inside: what its settings, addresses and apps come to.

Started as `python survey.py OUTPUT SETTINGS [migrate] [-- manage.py ...]` in the
project's folder, with the project's own Python; writes one JSON object to the file
OUTPUT. A part that raises has the exception in its place:
{"error": ..., "message": ..., "at": "file:line"}.

Then it becomes the command of manage.py, if one is given. So the imports, which take
longest, are done once for both. A project with an error starts the command in a fresh
Python, because half an import would hide how the error shows itself.
"""

import importlib
import inspect
import json
import os
import re
import runpy
import sys
from pathlib import Path

# The observer stays within reach, whatever PYTHONPATH says.
sys.path[:1] = [str(Path.cwd()), str(Path(__file__).resolve().parent)]

from tutorial_observer.notes import is_own, problem, short, source_of  # noqa: E402


def part(function):
    """What `function` returns, or what it raised."""
    try:
        return function()
    except BaseException as error:  # a settings file may even call sys.exit
        return problem(error)


def look_at_modules():
    """How many modules the project's packages hold, once each could be read.

    Django and Celery read only those that something imports.
    """
    folder = Path.cwd()
    modules = [
        path
        for path in sorted(folder.rglob("*.py"))
        if (path.parent / "__init__.py").exists()
        and not re.search(r"/tests?[/_.]", f"/{path.relative_to(folder)}")
    ]
    for path in modules:
        compile(path.read_bytes(), path, "exec", dont_inherit=True)
    return {"read": len(modules)}


def look_at_settings():
    """The settings that the flow depends on."""
    from django.conf import settings

    layers = getattr(settings, "CHANNEL_LAYERS", {})
    default = layers.get("default", {})
    return {
        "apps": list(settings.INSTALLED_APPS),
        "middleware": list(settings.MIDDLEWARE),
        "asgi": getattr(settings, "ASGI_APPLICATION", None),
        "layer": default.get("BACKEND"),
        "layers": list(layers),
        "debug": settings.DEBUG,
        "celery": {
            name: str(getattr(settings, name))
            for name in dir(settings)
            if name.startswith("CELERY_") and "PASSWORD" not in name
        },
    }


def start_django():
    """Run what every command of Django runs first."""
    import django

    django.setup()
    return "done"


def look_at_urls():
    """Each address, the place of its view, and whether it has parameters."""
    from django.urls import get_resolver

    found = []

    def walk(patterns, prefix):
        for pattern in patterns:
            text = prefix + str(pattern.pattern).strip("^$")
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, text)
            else:
                view = getattr(pattern.callback, "view_class", pattern.callback)
                has_parts = any(sign in text for sign in "<(*+?[")
                place = None if has_parts else place_of(view)
                entry = {"path": "/" + text, "at": place, "has_parts": has_parts}
                found.append(entry)

    walk(get_resolver().url_patterns, "")
    return found


def place_of(thing):
    """The file and line of a class or function of the project, else None."""
    thing = inspect.unwrap(thing)
    if inspect.isclass(thing):
        try:
            file = inspect.getsourcefile(thing)
            if file and is_own(str(Path(file).resolve())):
                line = inspect.getsourcelines(thing)[1]
                return short(str(Path(file).resolve()), line)
        except (OSError, TypeError):
            pass  # a class that a library has made, which no file holds
        return None
    return source_of(thing)


def look_at_celery():
    """The Celery app that `shared_task` gets in a process that started Django."""
    from celery import current_app

    app = current_app._get_current_object()
    return {
        "is_default": app.main in (None, "default"),
        "name": app.main,
        "broker": app.connection_for_write().as_uri(),
        "eager": bool(app.conf.task_always_eager),
    }


def look_at_asgi():
    """The routes of the ASGI application's WebSocket side, and the consumers there."""
    from django.conf import settings

    path = getattr(settings, "ASGI_APPLICATION", None)
    if not path:
        return {"routes": [], "application": None}
    module, _, name = path.rpartition(".")
    application = getattr(importlib.import_module(module), name)
    mapping = getattr(application, "application_mapping", {})
    wrappers, inner = [], mapping.get("websocket")
    routes = []
    while inner is not None:
        wrappers.append(type(inner).__name__)
        if hasattr(inner, "routes"):
            routes = list(look_at_routes(inner))
        inner = getattr(inner, "inner", None) or getattr(inner, "application", None)
    return {
        "application": type(application).__name__,
        "protocols": sorted(mapping),
        "wrappers": wrappers,
        "routes": routes,
    }


def look_at_routes(router, prefix=""):
    """The routes of a URLRouter, and of those that stand in it."""
    for route in router.routes:
        inner = route.callback
        if hasattr(inner, "routes"):
            yield from look_at_routes(inner, prefix + str(route.pattern).strip("^$"))
        else:
            yield look_at_route(route, prefix)


def look_at_route(route, prefix):
    kind = getattr(route.callback, "consumer_class", None)
    return {
        "path": "/" + prefix + str(route.pattern).strip("^$"),
        "consumer": getattr(kind, "__name__", repr(route.callback)),
        "at": place_of(kind) if kind else None,
        "methods": [
            name
            for base in getattr(kind, "__mro__", [object])[:-1]
            if place_of(base)
            for name, value in vars(base).items()
            if callable(value) and name[0] != "_"
        ],
    }


def migrate():
    """Make a new database. Only where the project has none yet."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return "done"


def look_at_migrations():
    """Migrations that the database lacks, and models that no migration knows."""
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    loader = MigrationLoader(None)
    changes = MigrationAutodetector(
        loader.project_state(), ProjectState.from_apps(apps)
    ).changes(graph=loader.graph)
    own = [
        label
        for label in changes
        if is_own(str(Path(apps.get_app_config(label).path).resolve() / "models.py"))
    ]
    # An app whose `migrations` is no package has none, as Django sees it.
    own += [
        label
        for label in loader.unmigrated_apps
        if apps.get_app_config(label).models
        and is_own(str(Path(apps.get_app_config(label).path).resolve() / "models.py"))
    ]
    return {
        "unapplied": [f"{m.app_label}.{m.name}" for m, _ in plan],
        "without_migration": own,
    }


def split(arguments):
    """Our own arguments, and the command that comes after them."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def main(output, settings, *rest):
    """Look at each part, in the order in which they depend on one another."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    found = {"modules": part(look_at_modules), "settings": part(look_at_settings)}
    if "error" not in found["settings"]:
        found["django"] = part(start_django)
    if found.get("django") == "done":
        found["celery"] = part(look_at_celery)
        found["urls"] = part(look_at_urls)
        if "migrate" in rest:
            found["migrate"] = part(migrate)
        found["migrations"] = part(look_at_migrations)
        if found["settings"]["asgi"]:
            found["asgi"] = part(look_at_asgi)
    # In two steps: a reader waits for the file, and must not find half of it.
    Path(f"{output}.new").write_text(json.dumps(found, default=repr))
    Path(f"{output}.new").replace(output)
    return found


def become(command, found):
    """Go on as `python manage.py ...`, in this process if all is well."""
    if any("error" in part for part in found.values() if isinstance(part, dict)):
        os.execv(sys.executable, [sys.executable, *command])
    from django.db import connections

    connections.close_all()
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    survey_arguments, command = split(sys.argv[1:])
    found = main(*survey_arguments)
    if command:
        become(command, found)
