"""Watches Django: requests, refused forms, saved rows, and signals."""

import functools
import json
import re
import sys
import threading
import time

from .notes import ROOT, caller, guarded, is_own, note, problem, short, source_of, where
from .of_sockets import note_plain_request
from .trail import new, trail

unsaved = threading.local()


def in_transaction():
    django_db = sys.modules.get("django.db")
    return bool(django_db) and django_db.connection.in_atomic_block


def rows_in_transaction():
    """Return how many rows this thread has saved in its open transaction."""
    return getattr(unsaved, "rows", 0) if in_transaction() else 0


def watch_request_errors(module):
    def on_error(sender, request=None, **kwargs):
        path = getattr(request, "path", "")
        note("request failed", path=path, **problem(sys.exc_info()[1]))

    module.got_request_exception.connect(guarded(on_error), weak=False)


SAFE = ("GET", "HEAD", "OPTIONS")
# The names of fields whose values are secret.
SECRET = re.compile(r"(?i)csrf|passw|secret|token|key|card")


def watch_requests(module):
    """Watch requests that send data, and their responses."""
    handler = module.BaseHandler
    get_response, get_response_async = handler.get_response, handler.get_response_async

    def begin(request):
        if request.method in SAFE:
            note_plain_request(request)
            return
        note("request", method=request.method, path=request.path)

    def end(request, response, started):
        if request.method in SAFE:
            return
        note(
            "response",
            method=request.method,
            path=request.path,
            status=response.status_code,
            location=response.headers.get("Location", ""),
            seconds=time.monotonic() - started,
            fields=fields_of(request),
            user=user_of(request),
        )

    @functools.wraps(get_response)
    def watched(self, request):
        token, started = trail.set(new()), time.monotonic()
        try:
            guarded(begin)(request)
            response = get_response(self, request)
            guarded(end)(request, response, started)
            return response
        finally:
            trail.reset(token)

    @functools.wraps(get_response_async)
    async def watched_async(self, request):
        token, started = trail.set(new()), time.monotonic()
        try:
            guarded(begin)(request)
            response = await get_response_async(self, request)
            guarded(end)(request, response, started)
            return response
        finally:
            trail.reset(token)

    handler.get_response, handler.get_response_async = watched, watched_async


def fields_of(request):
    """Return the request's fields that the project has read. Hide secret values."""
    found = request.__dict__
    if found.get("_post"):
        pairs = found["_post"].items()
    elif "json" in request.headers.get("Content-Type", "") and "_body" in found:
        content = json.loads(found["_body"])
        pairs = content.items() if isinstance(content, dict) else []
    else:
        return {}
    return {
        name: "(not shown)" if SECRET.search(name) else str(value)[:500]
        for name, value in pairs
        if not name.startswith("csrf")
    }


def user_of(request):
    """Return the user's primary key, or None if the project has not loaded the user."""
    return getattr(request.__dict__.get("_cached_user"), "pk", None)


def watch_updates(module):
    """Watch rows that change without `save`: post_save does not report them."""
    update = module.QuerySet.update

    @functools.wraps(update)
    def watched(self, **values):
        rows = update(self, **values)
        guarded(note_update)(self.model, values, rows)
        return rows

    watched.alters_data = True
    module.QuerySet.update = watched
    bulk_create = module.QuerySet.bulk_create

    @functools.wraps(bulk_create)
    def watched_create(self, *args, **kwargs):
        rows = bulk_create(self, *args, **kwargs)
        guarded(note_rows)(self.model, rows)
        return rows

    watched_create.alters_data = True
    module.QuerySet.bulk_create = watched_create


def is_of_project(model):
    module = sys.modules.get(model.__module__)
    return is_own(getattr(module, "__file__", "") or "")


def note_rows(model, rows):
    if is_of_project(model):
        note("created in bulk", model=model.__name__, rows=len(rows), at=where())


def note_update(model, values, rows):
    if not is_of_project(model):
        return
    texts = {
        name: str(value)[:2000]
        for name, value in values.items()
        if not hasattr(value, "resolve_expression")
    }
    if texts:
        note("updated", model=model.__name__, values=texts, rows=rows, at=where())


def watch_forms(module):
    clean = module.BaseForm.full_clean

    @functools.wraps(clean)
    def watched(self):
        result = clean(self)
        if self.is_bound and self._errors:
            guarded(note_refusal)(self)
        return result

    module.BaseForm.full_clean = watched


def watch_formsets(module):
    clean = module.BaseFormSet.full_clean

    @functools.wraps(clean)
    def watched(self):
        result = clean(self)
        if self.is_bound and (words := self._non_form_errors):
            guarded(note)(
                "form refused",
                form=type(self).__name__,
                errors={"all forms": " ".join(words)},
                at=where(),
            )
        return result

    module.BaseFormSet.full_clean = watched


def note_refusal(form):
    kind = type(form)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    if is_own(file):
        errors = {name: " ".join(words) for name, words in form._errors.items()}
        at = short(file, line_of_class(file, kind.__name__))
        note("form refused", form=kind.__name__, errors=errors, at=at)


def line_of_class(file, name):
    with open(file) as text:
        for number, line in enumerate(text, start=1):
            if line.startswith(f"class {name}"):
                return number
    return 1


def watch_templates(module):
    render = module.Template.render

    @functools.wraps(render)
    def watched(self, context):
        guarded(note_template)(self)
        return render(self, context)

    module.Template.render = watched


def note_template(template):
    path = template.origin.name
    if is_own(path):
        note("template", at=short(path, 1))


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
        guarded(on_connect)(self, receiver, args, kwargs)
        return result

    def on_connect(self, receiver, args, kwargs):
        sender = args[0] if args else kwargs.get("sender")
        if place := source_of(receiver):
            note(
                "connected",
                signal=id(self),
                receiver=name_of(receiver),
                sender=None if sender is None else repr(sender)[:100],
                at=place,
            )

    signal.connect = watched_connect
    for name in ("send", "send_robust"):
        setattr(signal, name, watch_send(getattr(signal, name)))
    for name in ("asend", "asend_robust"):
        setattr(signal, name, watch_asend(getattr(signal, name)))


def name_of(function):
    return getattr(function, "__qualname__", None) or repr(function)


def note_signal(signal, sender, arguments, at):
    """Record a signal that the project sends."""
    sender = sender[0] if sender else arguments.get("sender")
    live = signal._live_receivers(sender)
    # Since Django 5, synchronous and asynchronous receivers are in separate lists.
    receivers = [*live[0], *live[1]] if isinstance(live, tuple) else live
    # If no handler is connected, perhaps the handler's module was not imported.
    modules = {} if receivers else {"modules": own_modules()}
    note(
        "signal",
        signal=id(signal),
        name=name_of_signal(signal),
        receivers=len(receivers),
        handlers=[name_of(receiver) for receiver in receivers],
        arguments=sorted(arguments),
        in_transaction=in_transaction(),
        at=at,
        **modules,
    )


def own_modules():
    """List the project files that this process imported, such as "search/tasks.py"."""
    files = [getattr(module, "__file__", None) or "" for module in modules_now()]
    return sorted({path.removeprefix(ROOT) for path in files if is_own(path)})


def modules_now():
    # Return a copy, because another thread may import a module at the same time.
    return list(sys.modules.values())


names = {}  # a cache: the name of a signal, by its id


def name_of_signal(signal):
    """Return the name that the signal has in a module of the project."""
    if id(signal) not in names:
        names[id(signal)] = find_name(signal)
    return names[id(signal)]


def find_name(signal):
    for module in modules_now():
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
            at = short(frame.f_code.co_filename, frame.f_lineno)
            guarded(note_signal)(self, sender, named, at)
        try:
            results = send(self, *sender, **named)
        except Exception as error:
            # If the sender is missing, the call itself fails and no handler has run.
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
        own = is_own(frame.f_code.co_filename)
        # `async_to_sync(signal.asend)(...)` calls `asend` from a separate event loop.
        at = short(frame.f_code.co_filename, frame.f_lineno) if own else caller.get()
        if at:
            guarded(note_signal)(self, sender, named, at)
        try:
            return await asend(self, *sender, **named)
        except Exception as error:
            note("handler failed", **problem(error))
            raise

    return watched
