"""A program that reads a project's settings, addresses and apps from inside.

It is started as `python survey.py OUTPUT SETTINGS [migrate] [-- manage.py ...]` in the
project's folder, with the project's own Python, and writes a JSON object to the file
OUTPUT. The object contains the result of each part of the survey. If a part raises an
exception, its result is {"error": ..., "message": ..., "at": "file:line"}.

If the arguments contain a command of manage.py, the program then runs this command in
the same process. So the imports, which take most of the time, are done only once. But
if the project has an error, the command starts in a new Python, because modules that
are half imported would change how the error appears.
"""

import importlib
import inspect
import json
import os
import re
import runpy
import sys
from pathlib import Path

# Find the observer, whatever PYTHONPATH contains.
sys.path[:1] = [str(Path.cwd()), str(Path(__file__).resolve().parent)]

from tutorial_observer.notes import is_own, problem, short, source_of  # noqa: E402


def part(function):
    """Return what `function` returns, or the exception that it raises, as data."""
    try:
        return function()
    except BaseException as error:  # a settings file may even call sys.exit
        return problem(error)


def look_at_modules():
    """Parse every module of the project's packages, and return their number.

    Django and Celery read only modules that something imports.
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
    """Return the values of the settings that the flow depends on."""
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
    """Set up Django, as every Django command does at its start."""
    import django

    django.setup()
    return "done"


def look_at_urls():
    """Return each address, its view's file and line, and whether it has parameters."""
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
    """Return the file and line of a class or function of the project, or None."""
    thing = inspect.unwrap(thing)
    if inspect.isclass(thing):
        try:
            file = inspect.getsourcefile(thing)
            if file and is_own(str(Path(file).resolve())):
                line = inspect.getsourcelines(thing)[1]
                return short(str(Path(file).resolve()), line)
        except (OSError, TypeError):
            pass  # a class that a library created at run time, without a file
        return None
    return source_of(thing)


def look_at_celery():
    """Describe the Celery app that `shared_task` uses after Django has been set up."""
    from celery import current_app

    app = current_app._get_current_object()
    return {
        "is_default": app.main in (None, "default"),
        "name": app.main,
        "broker": app.connection_for_write().as_uri(),
        "eager": bool(app.conf.task_always_eager),
    }


def look_at_asgi():
    """Describe the ASGI application: its WebSocket routes and their consumers."""
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
    """Yield the routes of a URLRouter, including those of nested URLRouters."""
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
    """Create the database. The caller asks for this only if the project has none."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return "done"


def look_at_migrations():
    """Find migrations that the database lacks, and apps that lack a migration."""
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
    # For Django, an app whose `migrations` is not a package has no migrations.
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
    """Split the arguments into those of this program and the command after them."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def main(output, settings, *rest):
    """Look at each part of the project, and write what was found to `output`.

    A part comes after the parts that it depends on.
    """
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
    # Write a temporary file and rename it, so that a reader never finds half a file.
    Path(f"{output}.new").write_text(json.dumps(found, default=repr))
    Path(f"{output}.new").replace(output)
    return found


def become(command, found):
    """Run `python manage.py ...`: in this process, unless the project has an error."""
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
