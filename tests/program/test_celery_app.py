"""If a project has no Procfile, the program makes the command of its worker.

With this command, Celery finds the project's app.
"""

import itertools
import subprocess
import sys

from tutorial.project import procfile

NAMES = ("config/celery.py", "config/jobs.py", "jobs.py")
VARIABLES = ("app", "celery_app", "mine")

# A script whose arguments are pairs of a folder and an app. For each pair, it loads the
# app and prints the app's name.
LOAD = """
import sys
from celery.app.utils import find_app

for folder, app in zip(sys.argv[1::2], sys.argv[2::2]):
    sys.path[0] = folder
    for name in {"config", "config.celery", "config.jobs", "jobs"} & sys.modules.keys():
        del sys.modules[name]
    print(find_app(app).main)
"""


def test_celery_finds_the_app_if_a_project_has_no_procfile(tmp_path):
    arguments, names = [], []
    for number, (file, variable) in enumerate(itertools.product(NAMES, VARIABLES)):
        folder = tmp_path / str(number)
        (folder / "config").mkdir(parents=True)
        (folder / "config" / "__init__.py").touch()
        names.append(f"{file}:{variable}")
        code = f"from celery import Celery\n{variable} = Celery('{names[-1]}')\n"
        (folder / file).write_text(code)
        worker = procfile.processes(folder)["worker"]
        arguments += [str(folder), worker.split()[2]]
    result = subprocess.run(
        [sys.executable, "-c", LOAD, *arguments], capture_output=True, text=True
    )
    assert result.stdout.splitlines() == names, result.stderr
