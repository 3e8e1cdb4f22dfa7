"""Watches Celery: the worker, and tasks that are called, sent, received and done."""

import contextvars
import functools
import time

from .notes import PROCESS, guarded, note, problem, source_of, where
from .of_django import rows_in_transaction
from .trail import trail

# Whether a task's `apply_async` is running. `apply_async` may call `send_task`. Without
# this variable, the wrappers of both functions would record the same call.
is_calling = contextvars.ContextVar("is_calling", default=False)


def watch_app(module):
    """Watch tasks that are sent by name: by `app.send_task`, or as part of a chain."""
    send_task = module.Celery.send_task

    @functools.wraps(send_task)
    def watched(self, name, args=None, kwargs=None, *more, **options):
        if is_calling.get() or PROCESS == "worker":
            return send_task(self, name, args, kwargs, *more, **options)
        place, details = where(), guarded(describe)(self, name, args, kwargs) or {}
        note("enqueuing", **details, at=place)
        try:
            result = send_task(self, name, args, kwargs, *more, **options)
        except Exception as error:
            found = problem(error)
            found["at"] = place or found["at"]
            note("enqueue failed", **details, **found)
            raise
        note("enqueued", **details, id=getattr(result, "id", None), at=place)
        return result

    module.Celery.send_task = watched


def describe(app, task, args, kwargs):
    return {
        "task": task,
        "arguments": [*(args or ()), *(kwargs or {}).values()],
        "names": sorted(kwargs or ()),
        "begun": time.time(),
        "eager": bool(app.conf.task_always_eager),
        "broker": without_password(app),
        "app": app.main or "",
        "rows_in_transaction": rows_in_transaction(),
    }


def watch_task(module):
    task = module.Task
    apply_async, call, apply = task.apply_async, task.__call__, task.apply

    @functools.wraps(apply_async)
    def watched_apply_async(self, args=None, kwargs=None, *more, **options):
        place = where()
        details = guarded(describe)(self._get_app(), self.name, args, kwargs) or {}
        token = is_calling.set(True)
        note("enqueuing", **details, at=place)
        try:
            result = apply_async(self, args, kwargs, *more, **options)
        except Exception as error:
            found = problem(error)
            found["at"] = place or found["at"]
            note("enqueue failed", **details, **found)
            raise
        finally:
            is_calling.reset(token)
        note("enqueued", **details, id=getattr(result, "id", None), at=place)
        return result

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


addresses = {}  # a cache: the address of the broker, by the id of the app


def without_password(app):
    if id(app) not in addresses:
        addresses[id(app)] = app.connection_for_write().as_uri()
    return addresses[id(app)]


def watch_result(module):
    get = module.AsyncResult.get

    @functools.wraps(get)
    def watched(self, *args, **kwargs):
        if place := where():
            note("waits for result", at=place)
        return get(self, *args, **kwargs)

    module.AsyncResult.get = module.AsyncResult.wait = watched


def watch_worker(module):
    tokens = {}

    def on_ready(sender=None, **kwargs):
        app = sender.app
        tasks = sorted(name for name in app.tasks if not name.startswith("celery."))
        queues = sorted(app.amqp.queues.consume_from)
        uri = without_password(app)
        note("worker ready", app=app.main or "", tasks=tasks, queues=queues, broker=uri)

    def on_unknown(name=None, **kwargs):
        note("unknown task", task=name)

    def on_received(request=None, **kwargs):
        note("task received", id=request.id, task=request.name, root=request.root_id)

    def on_start(task_id=None, task=None, args=None, kwargs=None, **rest):
        note(
            "task started",
            id=task_id,
            task=task.name,
            root=task.request.root_id,
            at=source_of(task.run),
        )
        # In eager mode, the request continues after the end of the task.
        tokens[task_id] = trail.get()
        trail.set(task_id)

    def on_end(task_id=None, **rest):
        note("task ended", id=task_id)
        trail.set(tokens.pop(task_id, None))

    def on_retry(request=None, reason=None, **rest):
        note("task retried", id=request.id, reason=str(reason)[:300])

    def on_failure(task_id=None, exception=None, sender=None, traceback=None, **rest):
        found = problem(exception)
        found["at"] = found["at"] or source_of(sender.run)
        note("task failed", id=task_id, task=sender.name, **found)

    def on_success(sender=None, **kwargs):
        note("task done", id=sender.request.id, task=sender.name)

    for name, function in {
        "worker_ready": on_ready,
        "task_unknown": on_unknown,
        "task_received": on_received,
        "task_prerun": on_start,
        "task_postrun": on_end,
        "task_retry": on_retry,
        "task_failure": on_failure,
        "task_success": on_success,
    }.items():
        getattr(module, name).connect(guarded(function), weak=False)
