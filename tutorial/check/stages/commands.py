"""Runs the management commands of the steps' pages, if the project has them."""

from collections.abc import Iterator

from tutorial.check.scene import Scene, last_words, squeeze
from tutorial.check.unmet import Unmet

SHOWS_QUEUE, SHOWS_GROUPS = "show_queue", "show_groups"


def command_fails(
    scene: Scene, name: str, wanted: str = "", elsewhere: str = ""
) -> Iterator[Unmet]:
    """Yield a finding if `manage.py NAME` fails, or does not print the `wanted` text.

    If the command does not print the text, the finding ends with `elsewhere`: it says
    where the text is.
    """
    if not any(scene.folder.glob(f"*/management/commands/{name}.py")):
        return
    result = scene.project.manage(name)
    lines = (result.stdout + result.stderr).splitlines()
    if result.returncode:
        seen = f"it ends with: {last_words(lines)}"
    elif wanted not in result.stdout:
        seen = f"it prints: {squeeze(result.stdout)[:120]}{elsewhere}"
    else:
        return
    yield Unmet(
        "command-fails",
        seen,
        expected=f"`python manage.py {name}`, which shows what is in Redis",
        at=scene.place_in(lines),
    )
