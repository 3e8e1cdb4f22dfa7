"""One specification per stage: what can be seen from outside once the stage is there.

A specification looks at a running project as a visitor, and at the services around it;
it knows nothing of the project's files. So the same one judges a step, each later step,
`final/`, and a project that somebody else has written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from tutorial.project.steps import Step, steps
from tutorial.visitor.site import Site


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


def _specification(step: Step) -> Specification:
    module = import_module(f"{__name__}.stage_{step.number}_{step.stage}")
    return Specification(step.number, step.stage, module.check, module.MISSING)


SPECIFICATIONS = tuple(map(_specification, steps()))
