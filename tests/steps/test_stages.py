"""One suite for all stages: what a step can do, and what the step before cannot.

Specification k passes on the steps from k on and on `final/`, and fails on step k - 1,
for the reason that it names.
"""

import pytest

from tutorial.project import steps
from tutorial.specifications import SPECIFICATIONS
from tutorial.visitor.site import Unmet
from tutorial.visitor.sockets import wait_in

LOOK_IN_A_BROWSER = (1, 7)

MATRIX = [
    pytest.param(
        step.name,
        specification,
        id=f"{step.name}-{specification.stage}",
        marks=pytest.mark.xdist_group(f"step {step.name}"),
    )
    for step in steps.every()
    for specification in SPECIFICATIONS
    if specification.number <= step.number + 1
]


@pytest.mark.parametrize(("name", "specification"), MATRIX)
def test_step_meets_the_stages_that_it_has_reached(
    name, specification, run_step, with_browser
):
    running = run_step(name)
    site = running.site
    if specification.number in LOOK_IN_A_BROWSER:
        site = with_browser(site)
    if specification.number <= running.step.number:
        assert specification.check(site)
    else:
        with pytest.raises(Unmet) as unmet:
            specification.check(site)
        assert specification.missing in str(unmet.value)


def test_a_strict_policy_hinders_no_look_into_a_page(chromium):
    page = chromium.new_page()
    strict = {"Content-Security-Policy": "script-src 'self'"}
    page.route("**/*", lambda route: route.fulfill(body="<p>", headers=strict))
    page.goto("http://127.0.0.1/")
    third_time = "(window.looks = (window.looks ?? 0) + 1) === 3"
    assert wait_in(page, third_time, 10)
    assert not wait_in(page, "window.nothing", 0.1)
