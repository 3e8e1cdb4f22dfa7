"""`tutorial manage`: runs manage.py of a project, with the Redis that `run` started."""

import argparse
import os
import subprocess

from tutorial.commands.arguments import Commands, add_project
from tutorial.project.steps import find_project
from tutorial.runtime import environment
from tutorial.runtime.project import Project, redis_url_file


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "manage", "Run manage.py of a step (manage 3 show_queue)", manage
    )
    add_project(parser, "step")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")


def manage(options: argparse.Namespace) -> int:
    """Run manage.py, and return its exit status."""
    step = find_project(options.step)
    environment.ensure("run")
    project = Project(step.folder, 8000)
    running = redis_url_file(step.folder)
    if "REDIS_URL" not in os.environ and running.exists():
        project.environment["REDIS_URL"] = running.read_text()
    command = ["python", "manage.py", *options.arguments]
    return subprocess.call(command, cwd=project.folder, env=project.environment)
