"""Judges a stage from outside the project; the observer helps to explain a mistake."""

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
    CANNOT_JUDGE,
    NOT_REACHED,
    PASSED,
    UNKNOWN,
    UNSAFE,
    Diagnosis,
    Result,
    stage_name,
)
from tutorial.check.scene import Scene, last_words
from tutorial.check.stages import browser_findings, browser_search
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
    """A stage (1 to 7, or 0 for the start) and the functions that judge it."""

    number: int
    look: Callable[[Scene], str]
    findings: Callable[[Scene], Iterator[Unmet]]
    explain: Callable[[Scene, Unmet], Unmet]
    findings_inside: Callable[[Scene], Iterator[Unmet]]
    beyond: Callable[[Scene], str] | None  # used if the flow breaks earlier

    @property
    def name(self) -> str:
        """The name of the stage, such as "template"."""
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


# The mistakes that the module of stage 1 explains, whichever stage found them.
OF_THE_SCRIPT = (
    *("no-socket", "script-missing", "socket-address-undefined"),
    "socket-does-not-open",
)


def judge(scene: Scene, stage: Stage) -> tuple[Result, list[Diagnosis]]:
    """Judge a stage. Return its result, and the mistakes that do not break the flow.

    If a finding turns out to break the flow, it becomes the result.
    """
    scene.stage_events = scene.events.mark()
    evidence, found = "", []
    try:
        evidence = stage.look(scene)
    except Unmet as unmet:
        return _broken(scene, stage, _explain(scene, stage, unmet)), []
    except NoForm as error:
        return _broken(scene, stage, _no_form(scene, error)), []
    except Exception as error:
        return _broken(scene, stage, _surprise(scene, stage, error)), []
    try:
        for unmet in stage.findings(scene):
            found.append(_explain(scene, stage, unmet))
        for unmet in stage.findings_inside(scene):
            found.append(unmet)
    except NoForm as error:
        found.append(_as_finding(_no_form(scene, error)))
    except Exception as error:
        found.append(_as_finding(_surprise(scene, stage, error)))
    kinds = list(map(_kind, found))
    for unmet, kind in zip(found, kinds, strict=True):
        if not kind:
            return _broken(scene, stage, unmet), _diagnoses(scene, found, kinds)
    result = Result(stage.number, stage.name, PASSED, evidence)
    return result, _diagnoses(scene, found, kinds)


def judge_in_browser(scene: Scene) -> list[Result]:
    """Search in a browser, and return the results up to the first broken stage."""
    scene.stage_events = scene.events.mark()
    evidence: dict[int, str] = {}
    number = 0
    try:
        for number, words in browser_search.follow(scene):
            evidence.setdefault(number, words)
        number = len(STAGES)
    except Exception as error:
        # After stage 7, the second question starts at stage 1 again.
        number = number % (len(STAGES) - 1) + 1
        stage = STAGES[number]
        if isinstance(error, Unmet):
            unmet = _explain(scene, stage, error)
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


def judge_after_browser(scene: Scene) -> tuple[Result | None, list[Diagnosis]]:
    """Look for findings after a search that worked in a browser.

    These checks can find a broken stage, for example because they let two people search
    at the same moment. The first value is the result of the first broken stage, or None
    if no stage is broken. The second value is the findings.
    """
    found, broken = [], None
    for look, what in browser_findings.LOOKS.items():
        scene.stage_events = scene.events.mark()
        try:
            for unmet in look(scene):
                stage = STAGES[mistakes()[unmet.mistake].stage]
                found.append(_explain(scene, stage, unmet))
                if not _kind(found[-1]):
                    broken = broken or _broken(scene, stage, found[-1])
        except Exception as error:
            # The search worked, so an error here says nothing about the flow.
            scene.advice.append(f"not checked: {what} ({_first_line(error)})")
    return broken, _diagnoses(scene, found, list(map(_kind, found)))


def judge_beyond(scene: Scene, stage: Stage, hint: str) -> Result:
    """Look at what works in a stage that the flow does not reach.

    `hint` is a hint from `glance`, which only reads the project's files.
    """
    scene.stage_events = scene.events.mark()
    seen = [f"it seems that {hint}"] if hint else []
    try:
        if stage.beyond and (evidence := stage.beyond(scene)):
            seen.insert(0, evidence)
    except Unmet as unmet:
        return _broken(scene, stage, _explain(scene, stage, unmet))
    except NoForm:
        pass  # the broken stage has reported this already
    except Exception as error:
        # The broken stage may have caused this error.
        seen.append(f"not seen: {_first_line(error)}")
    return Result(stage.number, stage.name, NOT_REACHED, "; ".join(seen))


def judge_pending(scene: Scene) -> list[Diagnosis]:
    """Return the findings of the checks that the stages postponed to the end."""
    found = [unmet for look in scene.pending for unmet in look()]
    return _diagnoses(scene, found, list(map(_kind, found)))


def _explain(scene: Scene, stage: Stage, unmet: Unmet) -> Unmet:
    """Return the mistake with the details that the observer and the code add.

    The files that rendered the page are searched first.
    """
    rendered = [event.at.rpartition(":")[0] for event in scene.events.all("template")]
    scene.code.first = list(dict.fromkeys(reversed(rendered)))
    if stage.number and unmet.mistake in OF_THE_SCRIPT:
        return STAGES[1].explain(scene, unmet)
    return inside_1.no_page(scene, stage.explain(scene, unmet))


def _kind(unmet: Unmet) -> str:
    """Return "unsafe", "differs" or "unknown"; "" if the mistake breaks the flow."""
    return unmet.finding or mistakes()[unmet.mistake].finding


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:80]


def _broken(scene: Scene, stage: Stage, unmet: Unmet) -> Result:
    state = CANNOT_JUDGE if _kind(unmet) == UNKNOWN else BROKEN
    diagnosis = _diagnosis(scene, unmet, UNKNOWN if state == CANNOT_JUDGE else BROKEN)
    return Result(stage.number, stage.name, state, diagnosis=diagnosis)


def _diagnosis(scene: Scene, unmet: Unmet, kind: str) -> Diagnosis:
    """Return the diagnosis, with paths relative to the project's folder."""
    unmet.at = unmet.at or place_of(unmet.mistake, scene.code)
    unmet.seen = unmet.seen.replace(f"{scene.folder.resolve()}/", "")
    return Diagnosis.of(unmet, kind)


def _diagnoses(scene: Scene, found: list[Unmet], kinds: list[str]) -> list[Diagnosis]:
    """Return the diagnoses of the findings, with each mistake only once."""
    diagnoses: dict[str, Diagnosis] = {}
    for unmet, kind in zip(found, kinds, strict=True):
        if kind and kind != UNKNOWN:
            diagnoses.setdefault(unmet.mistake, _diagnosis(scene, unmet, kind))
    return list(diagnoses.values())


def _as_finding(unmet: Unmet) -> Unmet:
    unmet.finding = UNSAFE
    return unmet


def _no_form(scene: Scene, error: NoForm) -> Unmet:
    return inside_1.no_page(scene, _why_no_form(scene, error))


def _why_no_form(scene: Scene, error: NoForm) -> Unmet:
    if error.answer.status == 0:
        found = stage_1.page_hangs(scene.path, error.answer)
        found.at = scene.view
        return found
    if error.answer.status >= 500:
        return stage_1.page_raises(scene.path, error.answer)
    return Unmet("no-form", str(error))


def _surprise(scene: Scene, stage: Stage, error: Exception) -> Unmet:
    """Turn an unexpected exception into the mistake "web-ends" or "check-fails"."""
    is_of_files = isinstance(error, OSError) and error.filename is not None
    if is_of_files or not isinstance(error, OSError):
        seen = f"{type(error).__name__}: {error}".splitlines()[0]
        return Unmet("check-fails", seen, stage=stage.number)
    if scene.has_ended("web"):
        seen = scene.last_words("web")
    else:
        seen = f"{error}; web says: {last_words(scene.lines('web'))}"
    place = scene.place_in(scene.lines("web")) or _exit_in_view(scene)
    expected = "a web process that keeps running"
    return Unmet("web-ends", seen, expected=expected, at=place, stage=stage.number)


def _exit_in_view(scene: Scene) -> str | None:
    """Return the place of a call that ends the web process, or None.

    The call is in the view's file, or in a file that the view's file imports.
    """
    view = (scene.view or "").rpartition(":")[0]
    files = scene.code.imported_from(view)
    return scene.code.find(r"\b(sys\.exit|os\._exit|exit|quit)\(", *sorted(files))
