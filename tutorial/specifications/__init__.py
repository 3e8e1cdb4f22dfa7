"""One specification per stage: what can be seen from outside once the stage is there.

A specification looks at a running project as a visitor, and at the services around it;
it knows nothing of the project's files. So the same one judges a step, each later step,
`final/`, and a project that somebody else has written.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tutorial.specifications import (
    stage_1_template,
    stage_2_view,
    stage_3_queue,
    stage_4_worker,
    stage_5_signal,
    stage_6_consumer,
    stage_7_browser,
)
from tutorial.specifications.site import Site


@dataclass(frozen=True)
class Specification:
    """A stage's number and name, and the function that looks at a site.

    The function returns what it saw, as evidence, or raises Unmet. `missing` is what it
    says where the stage's component is not there.
    """

    number: int
    stage: str
    check: Callable[[Site], str]
    missing: str


SPECIFICATIONS = tuple(
    Specification(
        number, module.__name__.rpartition("_")[2], module.check, module.MISSING
    )
    for number, module in enumerate(
        (
            stage_1_template,
            stage_2_view,
            stage_3_queue,
            stage_4_worker,
            stage_5_signal,
            stage_6_consumer,
            stage_7_browser,
        ),
        start=1,
    )
)
