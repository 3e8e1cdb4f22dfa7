"""Judges a stage: the verdict comes from outside, and the observer explains it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Error

from tutorial.check.inside import stage_0_start as inside_0
from tutorial.check.inside import stage_1_template as inside_1
from tutorial.check.inside import stage_2_view as inside_2
from tutorial.check.inside import stage_3_queue as inside_3
from tutorial.check.inside import stage_4_worker as inside_4
from tutorial.check.inside import stage_5_signal as inside_5
from tutorial.check.inside import stage_6_consumer as inside_6
from tutorial.check.inside import stage_7_browser as inside_7
from tutorial.check.mistakes import mistakes
from tutorial.check.places import place_of
from tutorial.check.report import (
    BROKEN,
    NOT_REACHED,
    PASSED,
    UNSAFE,
    Diagnosis,
    Result,
    stage_name,
)
from tutorial.check.scene import Scene, last_words
from tutorial.check.stages import browser_search
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
    beyond: Callable[[Scene], str] | None  # what it shows where the flow breaks before

    @property
    def name(self) -> str:
        """Such as "template"."""
        return stage_name(self.number)


STAGES = tuple(
    Stage(
        number,
        stage.look,
        stage.findings,
        inside.explain,
        inside.findings,
        getattr(stage, "beyond", None),
    )
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


def judge(scene: Scene, stage: Stage) -> tuple[Result, list[Diagnosis]]:
    """Look at a stage: its result, and what is wrong although the flow goes through."""
    scene.stage_events = scene.events.mark()
    evidence, found = "", []
    try:
        evidence = stage.look(scene)
    except Unmet as unmet:
        return _broken(scene, stage, stage.explain(scene, unmet)), []
    except NoForm as error:
        return _broken(scene, stage, _no_form(scene, error)), []
    except Exception as error:
        return _broken(scene, stage, _surprise(scene, stage, error)), []
    try:
        for unmet in stage.findings(scene):
            found.append(stage.explain(scene, unmet))
        for unmet in stage.findings_inside(scene):
            found.append(unmet)
    except NoForm as error:
        found.append(_as_finding(_no_form(scene, error)))
    except Exception as error:
        found.append(_as_finding(_surprise(scene, stage, error)))
    kinds = [unmet.finding or mistakes()[unmet.mistake].finding for unmet in found]
    for unmet, kind in zip(found, kinds, strict=True):
        if not kind:
            return _broken(scene, stage, unmet), _diagnoses(scene, found, kinds)
    result = Result(stage.number, stage.name, PASSED, evidence)
    return result, _diagnoses(scene, found, kinds)


def judge_in_browser(scene: Scene) -> list[Result]:
    """The stages as a search in a browser finds them, up to one that is broken."""
    scene.stage_events = scene.events.mark()
    evidence: dict[int, str] = {}
    number = 0
    try:
        for number, words in browser_search.follow(scene):
            evidence.setdefault(number, words)
        number = len(STAGES)
    except Exception as error:
        # After stage 7, the second question begins at stage 1.
        number = number % (len(STAGES) - 1) + 1
        stage = STAGES[number]
        if isinstance(error, Unmet):
            unmet = stage.explain(scene, error)
        elif isinstance(error, Error):
            said = str(error).splitlines()[0]
            unmet = Unmet("browser-stuck", said, stage=number)
        else:
            unmet = _surprise(scene, stage, error)
        broken = [_broken(scene, stage, unmet)]
    else:
        broken = []
    passed = [
        Result(stage.number, stage.name, PASSED, evidence[stage.number])
        for stage in STAGES[1:number]
    ]
    return [*passed, *broken]


def judge_beyond(scene: Scene, stage: Stage, hint: str) -> Result:
    """Look at a stage that the flow does not reach, as far as it can be seen alone.

    `hint` is what the files tell of it.
    """
    scene.stage_events = scene.events.mark()
    seen = [f"at first sight, {hint}"] if hint else []
    try:
        if stage.beyond and (evidence := stage.beyond(scene)):
            seen.insert(0, evidence)
    except Unmet as unmet:
        return _broken(scene, stage, stage.explain(scene, unmet))
    except Exception as error:
        # What is broken before this stage may keep it from being seen.
        seen.append(f"not seen: {str(error).splitlines()[0][:80]}")
    return Result(stage.number, stage.name, NOT_REACHED, "; ".join(seen))


def judge_pending(scene: Scene) -> list[Diagnosis]:
    """What the stages have left to look at, because it takes time to be seen."""
    found = [unmet for look in scene.pending for unmet in look()]
    return _diagnoses(scene, found, [mistakes()[one.mistake].finding for one in found])


def _broken(scene: Scene, stage: Stage, unmet: Unmet) -> Result:
    unmet.at = unmet.at or place_of(unmet.mistake, scene.code)
    diagnosis = Diagnosis.of(unmet)
    return Result(stage.number, stage.name, BROKEN, diagnosis=diagnosis)


def _diagnoses(scene: Scene, found: list[Unmet], kinds: list[str]) -> list[Diagnosis]:
    """The findings, each mistake once."""
    diagnoses: dict[str, Diagnosis] = {}
    for unmet, kind in zip(found, kinds, strict=True):
        unmet.at = unmet.at or place_of(unmet.mistake, scene.code)
        if kind:
            diagnoses.setdefault(unmet.mistake, Diagnosis.of(unmet, kind))
    return list(diagnoses.values())


def _as_finding(unmet: Unmet) -> Unmet:
    unmet.finding = UNSAFE
    return unmet


def _no_form(scene: Scene, error: NoForm) -> Unmet:
    if error.answer.status >= 500:
        return stage_1.page_raises(scene.path, error.answer)
    return Unmet("no-form", str(error))


def _surprise(scene: Scene, stage: Stage, error: Exception) -> Unmet:
    """The web process is gone; or a mistake of ours, in what no project had before."""
    if not isinstance(error, OSError):
        seen = f"{type(error).__name__}: {error}".splitlines()[0]
        return Unmet("check-fails", seen, stage=stage.number)
    if scene.has_ended("web"):
        words, place = scene.last_words("web"), scene.place_in(scene.lines("web"))
        return Unmet("web-ends", words, expected="a web process that goes on", at=place)
    words = last_words(scene.lines("web"))
    return Unmet("web-ends", f"{error}; web says: {words}")
