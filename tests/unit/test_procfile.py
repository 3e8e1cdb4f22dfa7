"""`procfile` finds a project's processes, its port, and the services that it needs."""

import shlex
from pathlib import Path

import pytest

from support.folders import make
from tutorial import observer
from tutorial.project import procfile, steps


def test_the_usual_processes_are_those_of_our_procfiles(tmp_path):
    for step in steps.every():
        # The worker of step 3 is missing on purpose, and final/ uses other commands.
        if step.name in ("3", "final"):
            continue
        folder = make(tmp_path / step.name, step.name)
        (folder / "Procfile").unlink()
        assert procfile.processes(folder) == procfile.processes(step.folder), step


def write(folder: Path, **texts: str) -> Path:
    """Write files into the folder. The keyword `a__b` stands for the file a/b.py."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("texts", "app"),
    [
        ({"mysite__celery": "app = Celery('x')"}, "mysite"),
        ({"mysite__celery": "queue: Celery = celery.Celery('x')"}, "mysite"),
        ({"mysite__jobs": "app = Celery()"}, "mysite.jobs"),
        ({"jobs": "celery = Celery(\n 'x',\n)"}, "jobs"),
        ({"a__b__celery": "app = Celery()"}, "a.b"),
        ({"a__jobs": "x = Celery()", "config__celery": "app = Celery()"}, "config"),
        ({"config__celery": "app = Celery()", "s": "x = (", "t": "é"}, "config"),
        ({"config__celery": "def make():\n    app = Celery()"}, None),
        ({"config__celery": "# app = Celery()"}, None),
        ({"tests__test_it": "app = Celery()"}, None),
        ({"c": "app = Celery()", "s": "CELERY_TASK_ALWAYS_EAGER = True"}, None),
    ],
)
def test_without_a_procfile_the_worker_uses_the_celery_app_in_the_code(
    tmp_path, texts, app
):
    command = procfile.processes(write(tmp_path, **texts)).get("worker")
    assert command == (procfile.WORKER.format(app) if app else None)


def test_unusual_lines_of_a_procfile_are_read(tmp_path):
    (tmp_path / "Procfile").write_bytes(
        b"\xef\xbb\xbf# web: no\r\n\r\n  django:   python manage.py runserver\r\n"
        b"celery-worker: celery -A x worker # mine\n"
    )
    assert procfile.processes(tmp_path) == {
        "django": "python manage.py runserver",
        "celery-worker": "celery -A x worker # mine",
    }
    roles = [procfile.role(*item) for item in procfile.processes(tmp_path).items()]
    assert roles == ["web", "worker"]


def test_the_last_of_several_lines_with_the_same_name_counts(tmp_path):
    (tmp_path / "Procfile").write_text(
        "web: celery -A x worker\n\nworker: celery -A x worker\nweb: daphne x:y\n"
    )
    assert procfile.processes(tmp_path)["web"] == "daphne x:y"
    [(lost, other)] = procfile.replaced(tmp_path)
    assert (lost.number, lost.name, lost.role) == (1, "web", "worker")
    assert (other.number, other.role) == (4, "web")


@pytest.mark.parametrize(
    ("command", "started"),
    [
        ("PYTHONPATH=. python x", "PYTHONPATH={}:. python x"),
        ("env A=1 PYTHONPATH='a b' x", "env A=1 PYTHONPATH={}:'a b' x"),
        ("export PYTHONPATH=; x", "export PYTHONPATH={}; x"),
        ('PYTHONPATH="" x', 'PYTHONPATH={}"" x'),
        ("PYTHONPATH=$PYTHONPATH:src x", "PYTHONPATH={}:$PYTHONPATH:src x"),
        ("MY_PYTHONPATH=. x", "MY_PYTHONPATH=. x"),
    ],
)
def test_the_observer_comes_first_in_a_pythonpath_of_the_procfile(command, started):
    inside = shlex.quote(str(observer.INSIDE))
    assert observer.in_front(command) == started.format(inside)


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("python manage.py runserver ${PORT:-8000}", None),
        ("python manage.py runserver 0.0.0.0:$PORT", None),
        ("python manage.py runserver", 8000),
        ("python manage.py runserver -v 2 --noreload", 8000),
        ("python manage.py runserver 9000 # mine", 9000),
        ("python manage.py runserver localhost:9000", 9000),
        ("python manage.py runserver [::]:9000", 9000),
        ("daphne config.asgi:application", 8000),
        ("daphne -p 9000 config.asgi:application", 9000),
        ("uvicorn --port=9000 config.asgi:application", 9000),
        ("gunicorn --bind 0.0.0.0:9000 config.wsgi", 9000),
        ("gunicorn config.wsgi", None),
        ("./serve", None),
    ],
)
def test_a_fixed_port_is_found_in_the_procfile(tmp_path, command, port):
    (tmp_path / "Procfile").write_text(f"web: {command}\n")
    assert procfile.fixed_port(tmp_path) == port


@pytest.mark.parametrize(
    ("requirements", "code", "needs"),
    [
        ("Django\n", "", set()),
        ("redis\n", "", {"redis"}),
        ("Channels_Redis>=4,<5 ; python_version > '3'\n", "", {"redis"}),
        ("celery[redis]~=5.0\n", "", {"redis"}),
        ("celery  # with redis, later\n# openai\n", "import celery", set()),
        ("OpenAI @ file:///x\n", "", {"openai"}),
        ("-r base.txt\ngit+ssh://redis\n", "", set()),
        ("Django==5.2\n", "from openai import OpenAI", {"openai"}),
        ("Django==5.2\n", "REDIS_URL = 'redis://127.0.0.1'", {"redis"}),
        (None, "import celery", {"redis"}),
        (None, "from channels_redis.core import X\nimport openai", {"redis", "openai"}),
        (None, "# import redis\nimport django", set()),
    ],
)
def test_the_services_that_a_project_needs_are_found(
    tmp_path, requirements, code, needs
):
    if requirements is not None:
        (tmp_path / "requirements.txt").write_text(requirements)
    write(tmp_path, config__settings=code)
    assert procfile.needs(tmp_path) == needs


def test_each_step_needs_the_expected_services():
    needs = [procfile.needs(step.folder) for step in steps.every()]
    both = {"redis", "openai"}
    assert needs == [set(), set(), {"redis"}, both, both, both, both, both]
