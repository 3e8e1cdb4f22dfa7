"""What is logged, and in which format."""

import logging
import time

RARELY = 60  # seconds


class PrintableFormatter(logging.Formatter):
    """Replaces control characters: log lines contain text from visitors and the API."""

    def formatMessage(self, record):  # noqa: N802 (logging's name)
        text = super().formatMessage(record)
        return "".join(sign if sign.isprintable() else "?" for sign in text)


class Brief(logging.Filter):
    """Shortens messages to one line, and allows one message of each kind per minute.

    The line names the exception, and has no traceback. The kind is the text before the
    first colon: "consumer: Cannot connect" and "consumer: Connection to broker lost"
    are of the same kind, because both mean that Redis is down.
    """

    def __init__(self):
        super().__init__()
        self._last = {}

    def filter(self, record):
        line = record.getMessage().partition("\n")[0]
        key, now = (record.name, line.partition(":")[0]), time.monotonic()
        if now - self._last.get(key, -RARELY) < RARELY:
            return False
        self._last[key] = now
        if record.exc_info:
            line += f" ({record.exc_info[0].__name__})"
        record.msg, record.args, record.exc_info = line, (), None
        return True


STREAM = {"class": "logging.StreamHandler", "formatter": "line"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": PrintableFormatter, "fmt": "{asctime} {message}", "style": "{"}
    },
    "filters": {"brief": {"()": Brief}},
    "handlers": {"console": STREAM, "brief": {**STREAM, "filters": ["brief"]}},
    "loggers": {
        # Django's own console handler only logs if DEBUG is on.
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # Django logs a traceback for each failed push; the worker's own line is enough.
        "django.dispatch": {"level": "CRITICAL"},
        # Our own layer reports when Redis is down; see config/layer.py.
        "channels_redis": {"level": "CRITICAL"},
        # The next two loggers would write too much: every worker notices a restart of
        # Redis, and anyone can send requests with a wrong host.
        "celery.worker.consumer": {"handlers": ["brief"], "propagate": False},
        "django.security.DisallowedHost": {"handlers": ["brief"], "propagate": False},
        "search": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
