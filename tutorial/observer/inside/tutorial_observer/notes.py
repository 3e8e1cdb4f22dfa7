"""Records events, and finds the line of the project that caused them."""

import contextvars
import functools
import json
import os
import sys
import time

from .trail import current, handshake, heard

EVENTS = os.environ.get("TUTORIAL_EVENTS", "")
ROOT = os.path.realpath(os.environ.get("TUTORIAL_PROJECT", "")) + os.sep
PROCESS = os.environ.get("TUTORIAL_PROCESS", "")

# The project's line that called a library. asgiref copies it to its own threads.
caller = contextvars.ContextVar("caller", default=None)


def note(what, **fields):
    """Append an event to the file of events."""
    event = {"what": what, "process": PROCESS, "pid": os.getpid(), "time": time.time()}
    known = {"trail": current(), "heard": heard.get(), "handshake": handshake.get()}
    event |= {name: value for name, value in known.items() if value is not None}
    try:
        line = json.dumps(event | fields, default=repr) + "\n"
    except Exception as error:  # a key that is not a string, or a repr that raises
        event |= {"what": "observer failed", "of": what, "why": type(error).__name__}
        line = json.dumps(event) + "\n"
    for secret in secrets():
        line = line.replace(secret, "…")
    try:
        file = os.open(EVENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return  # the folder is gone, or the disk is full: do not disturb the project
    try:
        os.write(file, line.encode(errors="replace"))
    except OSError:
        return
    finally:
        os.close(file)


def secrets():
    """Return the project's keys, which must not occur in the events."""
    found = [os.environ.get("OPENAI_API_KEY", "")]
    settings = getattr(sys.modules.get("django.conf"), "settings", None)
    wrapped = getattr(settings, "__dict__", {}).get("_wrapped")
    found.append(str(getattr(wrapped, "SECRET_KEY", "")))
    return [one for one in found if len(one) > 15]


def is_own(filename):
    """Whether the file belongs to the project, and not to a package in its .venv."""
    return (
        filename.startswith(ROOT)
        and "site-packages" not in filename
        and os.path.basename(filename) != "manage.py"
    )


def short(filename, line):
    return f"{filename.removeprefix(ROOT)}:{line}"


def where():
    """Return the project's innermost line on the stack, or None.

    An example is "search/tasks.py:33".
    """
    frame = sys._getframe(1)
    while frame:
        if is_own(frame.f_code.co_filename):
            return short(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return caller.get()


def problem(error):
    """Return an exception as fields, with the innermost line of the project's code."""
    place, trace = None, error.__traceback__
    while trace:
        if is_own(trace.tb_frame.f_code.co_filename):
            place = short(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename and is_own(error.filename):
        place = short(error.filename, error.lineno)
    return {"error": type(error).__name__, "message": str(error)[:300], "at": place}


def guarded(function):
    """Wrap a function of the observer, so that its exceptions are only recorded."""

    @functools.wraps(function)
    def inner(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception as error:
            note("observer failed", of=function.__name__, why=repr(error))
            return None

    return inner


def source_of(function):
    code = getattr(function, "__code__", None)
    while code is None and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
        code = getattr(function, "__code__", None)
    if code and is_own(code.co_filename):
        return short(code.co_filename, code.co_firstlineno)
    return None
