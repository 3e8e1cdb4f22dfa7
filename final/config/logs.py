"""How a line of the log is written."""

import logging


class PrintableFormatter(logging.Formatter):
    """Leaves out what a terminal would obey: visitors and the API have words in it."""

    def formatMessage(self, record):  # noqa: N802 (logging's name)
        text = super().formatMessage(record)
        return "".join(sign if sign.isprintable() else "?" for sign in text)
