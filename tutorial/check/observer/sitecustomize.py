"""Runs inside each process of a project that is checked, and writes down what happens.

Python imports a module of this name at its start, where PYTHONPATH leads to it. It
changes nothing that the project does, but for where its services are: Redis, the
database and the OpenAI API are those of the check, so that the learner's stay as they
are. It wraps functions of Celery, Django, Channels and openai when they are imported,
and appends an event, as a line of JSON, to the file that TUTORIAL_EVENTS names.

It stands alone, because the project's processes do not have the `tutorial` package,
and it never raises: what fails here is an event itself.
"""

import contextvars
import functools
import importlib.machinery
import importlib.util
import json
import os
import socket
import sys
import threading
import time

EVENTS = os.environ.get("TUTORIAL_EVENTS", "")
ROOT = os.path.realpath(os.environ.get("TUTORIAL_PROJECT", "")) + os.sep
PROCESS = os.environ.get("TUTORIAL_PROCESS", "")
HERE = os.path.dirname(os.path.realpath(__file__))

# Where the code of the project called into the library, across asgiref's threads.
caller = contextvars.ContextVar("caller", default=None)
unsaved = threading.local()


def note(what, **fields):
    """Append an event."""
    event = {"what": what, "process": PROCESS, "pid": os.getpid(), "time": time.time()}
    line = json.dumps(event | fields, default=repr) + "\n"
    file = os.open(EVENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def is_own(filename):
    """Whether the file is the project's, and not a package's in its own .venv."""
    return (
        filename.startswith(ROOT)
        and "site-packages" not in filename
        and os.path.basename(filename) != "manage.py"
    )


def short(filename, line):
    return f"{filename.removeprefix(ROOT)}:{line}"


def where():
    """The innermost line of the project on the stack: "search/tasks.py:33" or None."""
    frame = sys._getframe(1)
    while frame:
        if is_own(frame.f_code.co_filename):
            return short(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return caller.get()


def problem(error):
    """What an exception says, and the innermost line of the project in its trace."""
    place, trace = None, error.__traceback__
    while trace:
        if is_own(trace.tb_frame.f_code.co_filename):
            place = short(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename and is_own(error.filename):
        place = short(error.filename, error.lineno)
    return {"error": type(error).__name__, "message": str(error)[:300], "at": place}


def guarded(function):
    """A function of the observer whose own failure is an event, and nothing more."""

    @functools.wraps(function)
    def inner(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception as error:
            note("observer failed", of=function.__name__, why=repr(error))
            return None

    return inner


def in_transaction():
    django_db = sys.modules.get("django.db")
    return bool(django_db) and django_db.connection.in_atomic_block


def source_of(function):
    code = getattr(function, "__code__", None)
    while code is None and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
        code = getattr(function, "__code__", None)
    if code and is_own(code.co_filename):
        return short(code.co_filename, code.co_firstlineno)
    return None


# --- where the services are ---------------------------------------------------------


def watch_settings(module):
    load = module.Settings.__init__

    @functools.wraps(load)
    def __init__(self, settings_module):
        load(self, settings_module)
        move_database(self)

    module.Settings.__init__ = __init__


@guarded
def move_database(settings):
    """Lead a database outside of the project's copy to a copy or a new one."""
    database = getattr(settings, "DATABASES", {}).get("default") or {}
    is_sqlite = database.get("ENGINE") == "django.db.backends.sqlite3"
    name = str(database.get("NAME") or "")
    if not name or ":memory:" in name or not database.get("ENGINE"):
        return
    if is_sqlite and os.path.realpath(name).startswith(ROOT):
        return
    target = os.environ["TUTORIAL_DATABASE"]
    if is_sqlite and os.path.exists(name) and not os.path.exists(target):
        import sqlite3

        with sqlite3.connect(name) as old, sqlite3.connect(target) as new:
            old.backup(new)
    kept = database.get("OPTIONS", {}) if is_sqlite else {}
    settings.DATABASES["default"] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": target,
        "OPTIONS": kept,
        "ATOMIC_REQUESTS": database.get("ATOMIC_REQUESTS", False),
    }


def watch_redis(module):
    """Lead the learner's own Redis to the check's: the usual port, or a live one."""
    connection = module.Connection
    connect = connection._connect

    def move(self):
        host, port = os.environ["TUTORIAL_REDIS"].rsplit(":", 1)
        here = {"127.0.0.1", "localhost", "::1", "0.0.0.0"}
        if (self.host, str(self.port)) == (host, port):
            return
        if self.host in here and self.port == 6379 or answers(self.host, self.port):
            self.host, self.port = host, int(port)
            self.username = self.password = None

    @functools.wraps(connect)
    def _connect(self, *args, **kwargs):
        guarded(move)(self)
        return connect(self, *args, **kwargs)

    connection._connect = _connect


@functools.cache
def answers(host, port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        try:
            return probe.connect_ex((host, port)) == 0
        except OSError:
            return False


def watch_openai_client(module):
    for name in ("OpenAI", "AsyncOpenAI"):
        kind = getattr(module, name)

        def wrap(make):
            @functools.wraps(make)
            def __init__(self, *args, **kwargs):
                try:
                    make(self, *args, **kwargs)
                except Exception as error:
                    note("openai", **problem(error) | {"at": where()})
                    raise
                self.base_url = os.environ["OPENAI_BASE_URL"]

            return __init__

        kind.__init__ = wrap(kind.__init__)


def watch_openai(module):
    for name in ("SyncAPIClient", "AsyncAPIClient"):
        wrap_call(getattr(module, name), "request", "openai")


def wrap_call(kind, name, what):
    """Note a call that raises, coroutine functions included."""
    function = getattr(kind, name)

    def noted(error, place):
        note(what, **problem(error) | {"at": place or problem(error)["at"]})

    if importlib.util.find_spec("inspect") and is_coroutine(function):

        async def call(self, *args, **kwargs):
            place = where()
            try:
                return await function(self, *args, **kwargs)
            except Exception as error:
                noted(error, place)
                raise

    else:

        def call(self, *args, **kwargs):
            place = where()
            try:
                return function(self, *args, **kwargs)
            except Exception as error:
                noted(error, place)
                raise

    setattr(kind, name, functools.wraps(function)(call))


def is_coroutine(function):
    import inspect

    return inspect.iscoroutinefunction(function)


# --- Django -------------------------------------------------------------------------


def watch_request_errors(module):
    def on_error(sender, request=None, **kwargs):
        path = getattr(request, "path", "")
        note("request failed", path=path, **problem(sys.exc_info()[1]))

    module.got_request_exception.connect(guarded(on_error), weak=False)


def watch_models(module):
    def on_save(sender, instance, created, **kwargs):
        if not is_own(getattr(sys.modules.get(sender.__module__), "__file__", "")):
            return
        open_ = in_transaction()
        unsaved.rows = getattr(unsaved, "rows", 0) + 1 if open_ else 0
        texts = {
            field.name: str(field.value_from_object(instance))[:2000]
            for field in sender._meta.concrete_fields
        }
        note(
            "saved",
            model=sender.__name__,
            row=texts,
            created=created,
            in_transaction=open_,
            at=where(),
        )

    module.signals.post_save.connect(guarded(on_save), weak=False)


def watch_dispatcher(module):
    signal = module.Signal
    connect = signal.connect

    @functools.wraps(connect)
    def watched_connect(self, receiver, *args, **kwargs):
        result = connect(self, receiver, *args, **kwargs)
        guarded(on_connect)(self, receiver)
        return result

    def on_connect(self, receiver):
        if place := source_of(receiver):
            note("connected", signal=id(self), receiver=name_of(receiver), at=place)

    signal.connect = watched_connect
    for name in ("send", "send_robust"):
        setattr(signal, name, watch_send(getattr(signal, name)))
    for name in ("asend", "asend_robust"):
        setattr(signal, name, watch_asend(getattr(signal, name)))


def name_of(function):
    return getattr(function, "__qualname__", None) or repr(function)


def note_signal(signal, sender, arguments, frame):
    """Note a signal that the project sends; the libraries send theirs all the time."""
    sender = sender[0] if sender else arguments.get("sender")
    live = signal._live_receivers(sender)
    # Since Django 5: those that are plain functions, and those that are not.
    receivers = [*live[0], *live[1]] if isinstance(live, tuple) else live
    note(
        "signal",
        signal=id(signal),
        name=name_of_signal(signal),
        receivers=len(receivers),
        arguments=sorted(arguments),
        in_transaction=in_transaction(),
        at=short(frame.f_code.co_filename, frame.f_lineno),
    )


def name_of_signal(signal):
    for module in list(sys.modules.values()):
        if is_own(getattr(module, "__file__", None) or ""):
            for name, value in list(vars(module).items()):
                if value is signal:
                    return name
    return "a signal"


def watch_send(send):
    @functools.wraps(send)
    def watched(self, *sender, **named):
        frame = sys._getframe(1)
        own = is_own(frame.f_code.co_filename)
        if own:
            guarded(note_signal)(self, sender, named, frame)
        try:
            results = send(self, *sender, **named)
        except Exception as error:
            # A call without its sender fails by itself: no handler has run.
            if own and "Signal.send" not in str(error):
                note("handler failed", **problem(error))
            raise
        if own:
            for receiver, result in results:
                if isinstance(result, Exception):
                    note("handler failed", **problem(result))
                elif is_awaitable(result):
                    at = source_of(receiver)
                    note("handler failed", error="NotAwaited", message="", at=at)
        return results

    return watched


def is_awaitable(value):
    import inspect

    return inspect.isawaitable(value)


def watch_asend(asend):
    @functools.wraps(asend)
    async def watched(self, *sender, **named):
        frame = sys._getframe(1)
        if is_own(frame.f_code.co_filename):
            guarded(note_signal)(self, sender, named, frame)
        try:
            return await asend(self, *sender, **named)
        except Exception as error:
            note("handler failed", **problem(error))
            raise

    return watched


# --- Celery -------------------------------------------------------------------------


def watch_task(module):
    task = module.Task
    apply_async, call, apply = task.apply_async, task.__call__, task.apply

    @functools.wraps(apply_async)
    def watched_apply_async(self, args=None, kwargs=None, *more, **options):
        place = where()
        details = guarded(describe)(self, args, kwargs) or {}
        try:
            result = apply_async(self, args, kwargs, *more, **options)
        except Exception as error:
            found = problem(error)
            found["at"] = place or found["at"]
            note("enqueue failed", **details, **found)
            raise
        note("enqueued", **details, id=getattr(result, "id", None), at=place)
        return result

    def describe(self, args, kwargs):
        app = self._get_app()
        rows = getattr(unsaved, "rows", 0) if in_transaction() else 0
        return {
            "task": self.name,
            "arguments": [*(args or ()), *(kwargs or {}).values()],
            "names": sorted(kwargs or ()),
            "eager": bool(app.conf.task_always_eager),
            "broker": without_password(app),
            "app": app.main or "",
            "rows_in_transaction": rows,
        }

    @functools.wraps(call)
    def __call__(self, *args, **kwargs):
        if PROCESS != "worker":
            note("called directly", task=self.name, at=where())
        return call(self, *args, **kwargs)

    @functools.wraps(apply)
    def watched_apply(self, *args, **kwargs):
        if not self._get_app().conf.task_always_eager and PROCESS != "worker":
            note("called directly", task=self.name, at=where())
        return apply(self, *args, **kwargs)

    task.apply_async, task.__call__, task.apply = (
        watched_apply_async,
        __call__,
        watched_apply,
    )


def without_password(app):
    return app.connection_for_write().as_uri()


def watch_result(module):
    get = module.AsyncResult.get

    @functools.wraps(get)
    def watched(self, *args, **kwargs):
        if place := where():
            note("waits for result", at=place)
        return get(self, *args, **kwargs)

    module.AsyncResult.get = module.AsyncResult.wait = watched


def watch_worker(module):
    def on_ready(sender=None, **kwargs):
        app = sender.app
        tasks = sorted(name for name in app.tasks if not name.startswith("celery."))
        queues = sorted(app.amqp.queues.consume_from)
        uri = without_password(app)
        note("worker ready", app=app.main or "", tasks=tasks, queues=queues, broker=uri)

    def on_unknown(name=None, **kwargs):
        note("unknown task", task=name)

    def on_start(task_id=None, task=None, args=None, kwargs=None, **rest):
        note("task started", id=task_id, task=task.name, at=source_of(task.run))

    def on_failure(task_id=None, exception=None, sender=None, traceback=None, **rest):
        found = problem(exception)
        found["at"] = found["at"] or source_of(sender.run)
        note("task failed", id=task_id, task=sender.name, **found)

    def on_success(sender=None, **kwargs):
        note("task done", id=sender.request.id, task=sender.name)

    for name, function in {
        "worker_ready": on_ready,
        "task_unknown": on_unknown,
        "task_prerun": on_start,
        "task_failure": on_failure,
        "task_success": on_success,
    }.items():
        getattr(module, name).connect(guarded(function), weak=False)


# --- Channels -----------------------------------------------------------------------


def watch_asgiref(module):
    """Remember the line that waits: the coroutine itself runs in another thread."""
    call = module.AsyncToSync.__call__

    @functools.wraps(call)
    def __call__(self, *args, **kwargs):
        token = caller.set(where())
        try:
            return call(self, *args, **kwargs)
        finally:
            caller.reset(token)

    module.AsyncToSync.__call__ = __call__


def watch_layer(name):
    def watch(module):
        layer = getattr(module, name)
        for method in ("group_add", "group_send", "group_discard"):
            setattr(layer, method, watch_group(name, getattr(layer, method)))

    return watch


def watch_group(layer, function):
    send = function.__name__ == "group_send"

    @functools.wraps(function)
    async def watched(self, *args, **kwargs):
        names = ("group", "message" if send else "channel")
        given = dict(zip(names, args, strict=False)) | kwargs
        group, other = given.get("group"), given.get(names[1])
        details = {"layer": layer, "group": group, "at": where()}
        if send and isinstance(other, dict):
            details["type"] = other.get("type")
            details["message"] = repr(other)[:2000]
            details["in_transaction"] = in_transaction()
        else:
            details["channel"] = other
        try:
            result = await function(self, *args, **kwargs)
        except Exception as error:
            found = problem(error)
            fields = {"error": found["error"], "reason": found["message"]}
            note(f"{function.__name__} failed", **details | fields)
            raise
        note(function.__name__, **details)
        return result

    return watched


def watch_consumer(module):
    for kind in (module.AsyncConsumer, module.SyncConsumer):
        # Not as an attribute: the sync one is an object that binds itself.
        kind.dispatch = watch_dispatch(vars(kind)["dispatch"])
    call = module.AsyncConsumer.__call__

    @functools.wraps(call)
    async def __call__(self, scope, receive, send):
        fields = {
            "consumer": type(self).__name__,
            "user": getattr(scope.get("user"), "pk", None),
            "path": scope.get("path"),
            "socket": id(self),
        }

        async def watched_send(message):
            text = message.get("text") or message.get("bytes") or ""
            kind, at = message.get("type"), where()
            note("consumer sends", **fields, type=kind, text=str(text)[:2000], at=at)
            await send(message)

        note("consumer starts", **fields)
        try:
            await call(self, scope, receive, watched_send)
        except Exception as error:
            if type(error).__name__ not in ("StopConsumer", "CancelledError"):
                note("socket failed", **fields, **problem(error))
            raise

    module.AsyncConsumer.__call__ = __call__


def watch_dispatch(dispatch):
    @functools.wraps(dispatch, updated=())
    async def watched(self, message):
        kind = message.get("type")
        if not str(kind).startswith("websocket."):
            note(
                "consumer got",
                consumer=type(self).__name__,
                type=kind,
                has_method=hasattr(self, str(kind).replace(".", "_")),
                user=getattr(self.scope.get("user"), "pk", None),
                at=source_of(getattr(self, str(kind).replace(".", "_"), None)),
            )
        try:
            return await dispatch.__get__(self, type(self))(message)
        except Exception as error:
            if type(error).__module__ != "channels.exceptions":
                consumer = type(self).__name__
                note("consumer failed", consumer=consumer, type=kind, **problem(error))
            raise

    return watched


# --- when they are imported ---------------------------------------------------------

WATCHED = {
    "asgiref.sync": watch_asgiref,
    "celery.app.task": watch_task,
    "celery.result": watch_result,
    "celery.signals": watch_worker,
    "channels.consumer": watch_consumer,
    "channels.layers": watch_layer("InMemoryChannelLayer"),
    "channels_redis.core": watch_layer("RedisChannelLayer"),
    "channels_redis.pubsub": watch_layer("RedisPubSubLoopLayer"),
    "django.conf": watch_settings,
    "django.core.signals": watch_request_errors,
    "django.db.models": watch_models,
    "django.dispatch.dispatcher": watch_dispatcher,
    "openai._base_client": watch_openai,
    "openai._client": watch_openai_client,
    "redis.asyncio.connection": watch_redis,
    "redis.connection": watch_redis,
}


class Finder:
    """Finds the watched modules as the others do, and wraps them once they are run."""

    def __init__(self):
        self._looking = set()

    def find_spec(self, name, path=None, target=None):
        if name not in WATCHED or name in self._looking:
            return None
        self._looking.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking.discard(name)
        if spec and spec.loader:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                guarded(WATCHED[name])(module)

            spec.loader.exec_module = exec_module
        return spec


def import_the_next():
    """The environment's own sitecustomize, which this one hides."""
    paths = [path for path in sys.path if os.path.realpath(path or ".") != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", paths)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if EVENTS:
    sys.meta_path.insert(0, Finder())
    guarded(import_the_next)()
