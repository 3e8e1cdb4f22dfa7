"""Checks one project of a class, as a program: `keeper` starts it.

Its arguments are the step's number and the project's folder. It prints JSON: the report
of `check`, as data and as text, and the last step of which the files hold something.
"""

import json
import sys
import time
from pathlib import Path

from tutorial.check.report import Report
from tutorial.check.session import look
from tutorial.classroom.parts import last_part
from tutorial.problem import Problem


def check(number: int, project: Path) -> dict:
    """The result as data; where there is no report, its one key is `problem`."""
    report, started = Report(project.name, number), time.monotonic()
    try:
        look(project, report, lambda text: None)
        parts = last_part(project)
    except Problem as problem:
        return {"problem": str(problem)}
    except Exception as error:  # of a project such as none had before
        words = (str(error).splitlines() or [""])[0]
        return {"problem": f"check itself fails: {type(error).__name__}: {words}"}
    report.seconds = round(time.monotonic() - started, 1)
    text = "\n".join(report.lines(lambda style, text: text))
    return {"report": report.data(), "text": text, "parts": parts}


if __name__ == "__main__":
    print(json.dumps(check(int(sys.argv[1]), Path(sys.argv[2]))))
