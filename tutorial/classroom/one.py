"""A program that checks one project of a class. `keeper` starts it.

Its arguments are the step's number and the project's folder. It prints JSON: the report
of `check`, as data and as text, and the last step for which the project has code.
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
    """Check the project up to stage `number`, and return the result as data.

    If there is no report, the only key of the result is `problem`.
    """
    report, started = Report(project.name, number), time.monotonic()
    try:
        look(project, report, lambda text: None)
        parts = last_part(project)
    except Problem as problem:
        return {"problem": str(problem)}
    except Exception as error:  # a defect of `check` must not end the class's run
        words = (str(error).splitlines() or [""])[0]
        return {"problem": f"check itself fails: {type(error).__name__}: {words}"}
    report.seconds = round(time.monotonic() - started, 1)
    text = "\n".join(report.lines(lambda style, text: text))
    return {"report": report.data(), "text": text, "parts": parts}


if __name__ == "__main__":
    print(json.dumps(check(int(sys.argv[1]), Path(sys.argv[2]))))
