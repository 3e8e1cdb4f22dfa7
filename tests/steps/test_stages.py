"""Each step passes its own stages of `check`, and fails the next one.

No observer runs in these processes, so a stage reports only what was seen from outside.
"""

import re
from pathlib import Path

import pytest

from tutorial.check import stages
from tutorial.check.judge import STAGES
from tutorial.check.scene import Scene
from tutorial.check.unmet import Unmet
from tutorial.project import steps
from tutorial.runtime.monitor import monitor
from tutorial.visitor.sockets import wait_in

# For each step: the mistake that the next stage reports, and a part of its message.
MISSING = {
    "1": ("no-view-takes-post", "status 405"),
    "2": ("message-elsewhere", "no message entered Redis"),
    "3": ("no-worker", "the message is still waiting in Redis"),
    "4": ("not-broadcast", "Redis got nothing for a group"),
    "5": ("socket-refused", "/ws/search/ was answered with status 404"),
    "6": ("page-reloads", "the browser left the page"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            step.name,
            marks=[pytest.mark.xdist_group(f"step {step.name}"), pytest.mark.quick],
        )
        for step in steps.every()
    ],
)
def test_a_step_passes_its_own_stages_and_fails_the_next(name, run_step, chromium):
    stack = run_step(name).stack
    number = min(steps.find(name).number, 7)
    with monitor(stack.redis_url) as redis, Scene(stack, redis, chromium) as scene:
        assert redis.sync(), "the monitor does not see what Redis receives"
        for stage in STAGES[: number + 1]:
            assert stage.look(scene)
            found = [str(finding) for finding in stage.findings(scene)]
            assert not found, f"stage {stage.number}"
        assert not [str(finding) for look in scene.pending for finding in look()]
        assert not scene.advice
        if number < 7:
            with pytest.raises(Unmet) as unmet:
                STAGES[number + 1].look(scene)
            mistake, words = MISSING[name]
            assert unmet.value.mistake == mistake
            assert words in unmet.value.seen


def test_no_stage_reads_evidence_from_inside_the_project():
    for path in Path(stages.__file__).parent.glob("*.py"):
        inside = r"scene\.(events|stage_events|observed|survey|code|view)\b"
        assert not re.findall(inside, path.read_text()), path.name


def test_a_condition_can_be_awaited_in_a_page_with_a_content_security_policy(chromium):
    page = chromium.new_page()
    strict = {"Content-Security-Policy": "script-src 'self'"}
    page.route("**/*", lambda route: route.fulfill(body="<p>", headers=strict))
    page.goto("http://127.0.0.1/")
    third_time = "(window.looks = (window.looks ?? 0) + 1) === 3"
    assert wait_in(page, third_time, 10)
    assert not wait_in(page, "window.nothing", 0.1)
