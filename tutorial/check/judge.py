"""Judges a stage: the verdict comes from outside, and the observer explains it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tutorial.check.inside import stage_0_start as inside_0
from tutorial.check.inside import stage_1_template as inside_1
from tutorial.check.inside import stage_2_view as inside_2
from tutorial.check.inside import stage_3_queue as inside_3
from tutorial.check.inside import stage_4_worker as inside_4
from tutorial.check.inside import stage_5_signal as inside_5
from tutorial.check.inside import stage_6_consumer as inside_6
from tutorial.check.inside import stage_7_browser as inside_7
from tutorial.check.places import place_of
from tutorial.check.report import FAILED, PASSED, Diagnosis, Result, stage_name
from tutorial.check.scene import Scene, last_words
from tutorial.check.stages import stage_0_start as stage_0
from tutorial.check.stages import stage_1_template as stage_1
from tutorial.check.stages import stage_2_view as stage_2
from tutorial.check.stages import stage_3_queue as stage_3
from tutorial.check.stages import stage_4_worker as stage_4
from tutorial.check.stages import stage_5_signal as stage_5
from tutorial.check.stages import stage_6_consumer as stage_6
from tutorial.check.stages import stage_7_browser as stage_7
from tutorial.check.unmet import Unmet
from tutorial.visitor.visitor import NoForm


@dataclass(frozen=True)
class Stage:
    """A stage, 1 to 7, or 0 for the start; see `stages` and `inside`."""

    number: int
    look: Callable[[Scene], str]
    findings: Callable[[Scene], Iterator[Unmet]]
    explain: Callable[[Scene, Unmet], Unmet]
    findings_inside: Callable[[Scene], Iterator[Unmet]]

    @property
    def name(self) -> str:
        """Such as "template"."""
        return stage_name(self.number)


STAGES = tuple(
    Stage(number, stage.look, stage.findings, inside.explain, inside.findings)
    for number, (stage, inside) in enumerate(
        (
            (stage_0, inside_0),
            (stage_1, inside_1),
            (stage_2, inside_2),
            (stage_3, inside_3),
            (stage_4, inside_4),
            (stage_5, inside_5),
            (stage_6, inside_6),
            (stage_7, inside_7),
        )
    )
)


def judge(scene: Scene, stage: Stage) -> Result:
    """Look at a stage: passed with its evidence, or failed with a diagnosis.

    For now, a finding fails the stage as well.
    """
    scene.stage_events = scene.events.mark()
    try:
        evidence, unmet = _look(scene, stage)
    except OSError as error:
        # The web process is gone, or does not answer any more.
        evidence, unmet = "", _gone(scene, error)
    except Exception as error:
        # A mistake of ours, in something that no project had until now.
        seen = f"{type(error).__name__}: {error}".splitlines()[0]
        evidence, unmet = "", Unmet("check-fails", seen, stage=stage.number)
    if unmet:
        unmet.at = unmet.at or place_of(unmet.mistake, scene.code)
        return Result(stage.number, stage.name, FAILED, diagnosis=Diagnosis.of(unmet))
    return Result(stage.number, stage.name, PASSED, evidence)


def _look(scene: Scene, stage: Stage) -> tuple[str, Unmet | None]:
    """The stage's evidence, and why it does not hold, or the first finding."""
    try:
        evidence = stage.look(scene)
        for finding in stage.findings(scene):
            return evidence, stage.explain(scene, finding)
    except Unmet as unmet:
        return "", stage.explain(scene, unmet)
    except NoForm as error:
        if error.answer.status >= 500:
            return "", stage_1.page_raises(scene.path, error.answer)
        return "", Unmet("no-form", str(error))
    return evidence, next(stage.findings_inside(scene), None)


def _gone(scene: Scene, error: OSError) -> Unmet:
    if scene.has_ended("web"):
        words, place = scene.last_words("web"), scene.place_in(scene.lines("web"))
        return Unmet("web-ends", words, expected="a web process that goes on", at=place)
    words = last_words(scene.lines("web"))
    return Unmet("web-ends", f"{error}; web says: {words}")
