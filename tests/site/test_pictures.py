"""Check that the pictures, the frames and the film show the steps as they are now."""

import contextlib
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageChops
from playwright.sync_api import Page as Window
from playwright.sync_api import Route, expect

from tutorial.capture import (
    all_steps,
    png,
    recording,
    records,
    screenshot_scenes,
    screenshots,
)
from tutorial.capture.screenshot_scenes import SCENES
from tutorial.capture.screenshots import REMEDY, SCHEMES, SHOTS
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.runtime.waiting import wait_until
from tutorial.site import benchmark
from tutorial.site import pictures as fences
from tutorial.site.extension import Page

LARGEST = 64_000  # the limit for the file of a picture, in bytes
WITH_FRAMES = ("6", "7")


# The files in the repository


def test_all_pictures_and_recordings_exist_and_there_are_no_others():
    files = {shot.path(scheme).name for shot in SHOTS for scheme in SCHEMES}
    assert {path.name for path in screenshots.IMAGES.glob("*.png")} == files, REMEDY
    assert set(screenshots.read()) == {shot.key for shot in SHOTS}, REMEDY
    frames = {records.frame_name(name) for name in WITH_FRAMES}
    frames |= {records.journey_name(step.name) for step in steps.steps()}
    kept = {path.name for path in records.RECORDED.glob("*.json")}
    assert kept == frames | {screenshots.RECORD.name, benchmark.RECORD.name}, REMEDY
    assert len({(shot.step, shot.name) for shot in SHOTS}) == len(SHOTS)


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.key)
def test_a_picture_has_the_common_width_and_a_small_file(shot):
    width, _ = shot.size()
    assert width == screenshots.WIDTH
    for scheme in SCHEMES:
        assert shot.path(scheme).stat().st_size < LARGEST
    light, dark = (shot.path(scheme).read_bytes() for scheme in SCHEMES)
    assert light != dark


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.key)
def test_no_page_has_changed_since_its_picture_was_taken(shot):
    assert screenshots.read()[shot.key].digest == shot.digest(), REMEDY


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.key)
def test_the_alternative_text_quotes_words_of_the_page(shot):
    words = screenshots.read()[shot.key].words
    quoted = [text.rstrip(",") for text in re.findall(r'"([^"]+)"', shot.alt)]
    assert quoted
    assert [text for text in quoted if text not in words] == []


def test_the_digest_depends_on_the_files_that_determine_how_a_page_looks(
    tmp_path, monkeypatch
):
    step = steps.find("4")
    copy_project(step.folder, tmp_path)
    moved = replace(step, folder=tmp_path)
    monkeypatch.setattr(screenshots.steps, "find", lambda name: moved)
    shot = screenshots.find("4", "answer")
    seen = {shot.digest()}
    assert seen == {screenshots.read()[shot.key].digest}

    def change(name: str) -> None:
        with (tmp_path / name).open("a") as file:
            file.write("\n")

    search = Path("search")
    for name in (
        search / "templates" / "search" / "openai_index.html",
        search / "static" / "search" / "style.css",
        search / "views.py",
        search / "forms.py",
    ):
        change(name)
        assert shot.digest() not in seen, name
        seen.add(shot.digest())
    assert replace(shot, asks="What is a group?").digest() not in seen
    change(search / "models.py")
    assert shot.digest() in seen


# What a browser sees now


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xdist_group(f"step {name}"))
        for name in SCENES
    ],
)
def test_the_pages_say_what_the_pictures_show(name, run_step, chromium):
    running = run_step(name)
    url, stand_in = running.site.url, running.stand_in
    seen = {
        screenshots.find(name, moment).key: window.words()
        for scene in SCENES[name]
        for moment, window in screenshot_scenes.play(scene, chromium, url, stand_in)
    }
    assert list(seen) == [shot.key for shot in SHOTS if shot.step == name]
    kept = screenshots.read()
    assert seen == {key: kept[key].words for key in seen}, REMEDY


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xdist_group(f"step {name}"))
        for name in WITH_FRAMES
    ],
)
def test_the_recorded_frame_is_the_one_that_a_browser_receives(
    name, run_step, chromium
):
    running = run_step(name)
    heard = recording.listen(
        running.step, chromium.new_page(), running.site.url, lambda: list(running.log)
    )
    kept = (records.RECORDED / records.frame_name(name)).read_text()
    assert heard.frame() == kept, REMEDY
    sent = json.loads(heard.frames[0])
    assert json.loads(kept) == sent | {"task_id": recording.TASK_ID}
    # The recorded log is about the same search as the frame.
    log = recording.normalise(heard.lines)
    assert recording.TASK_ID.startswith(recording.SEARCH_ID)
    assert f"stage 6 · consumer · {recording.SEARCH_ID} " in log


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """Make `tutorial pictures` write all its files into a new folder, and return it."""
    for module in (all_steps, screenshots, recording):
        for name in ("IMAGES", "RECORDED", "RECORD", "FLOW"):
            if hasattr(module, name):
                path = getattr(module, name)
                monkeypatch.setattr(module, name, tmp_path / path.name)
    (tmp_path / "recorded").mkdir()
    return tmp_path


def test_the_command_records_the_log_the_frame_and_the_pictures(elsewhere, monkeypatch):
    """The test records only one step. The recordings must equal the committed ones."""
    step = steps.find("6")
    shot = screenshots.find("6", "live")
    monkeypatch.setattr(all_steps.steps, "every", lambda: (step,))
    kept = {
        name: records.RECORDED / name
        for name in (records.recorded_name("6"), records.frame_name("6"))
    }
    # If only the times in a log differ, the log is not written again.
    log = elsewhere / "recorded" / records.recorded_name("6")
    at_night = kept[log.name].read_text().replace("12:00:00", "01:02:03")
    log.write_text(at_night)
    all_steps.capture()
    assert log.read_text() == at_night
    frame = elsewhere / "recorded" / records.frame_name("6")
    assert frame.read_text() == kept[frame.name].read_text(), REMEDY
    assert "<svg" in (elsewhere / "flow.svg").read_text()
    taken = json.loads((elsewhere / "pictures.json").read_text())
    assert list(taken) == [shot.key]
    assert taken[shot.key]["words"][1] == "Live"
    width, height = shot.size()
    assert width == screenshots.WIDTH
    assert height > 200
    colours = {
        scheme: opened(shot.path(scheme).read_bytes()).getpixel((0, 0))
        for scheme in SCHEMES
    }
    assert sum(colours["light"]) > 700
    assert sum(colours["dark"]) < 100


@pytest.mark.xdist_group("step 6")
def test_the_question_is_asked_again_if_no_page_received_the_answer(run_step, chromium):
    """In step 6, the form loads the page again.

    The answer may be ready before the new page's socket is open.
    """
    running = run_step("6")
    start, scripts = len(running.log), []

    def serve(route: Route) -> None:
        scripts.append(route)
        if len(scripts) == 2:  # the script of the page that the form has loaded
            wait_until(
                lambda: any("stage 5" in line for _, line in running.log[start:]),
                seconds=10,
                otherwise="no answer",
            )
        route.continue_()

    page = chromium.new_page()
    page.route("**/search.js", serve)
    heard = recording.listen(
        running.step, page, running.site.url, lambda: list(running.log)
    )
    assert json.loads(heard.frame())["query"] == recording.QUESTION
    answered = [line for _, line in running.log[start:] if "stage 5" in line]
    assert len(answered) > 1


def test_a_second_frame_and_a_frame_without_an_id_are_reported():
    with pytest.raises(ValueError, match="unpack"):
        recording.Heard(frames=['{"task_id": 1}'] * 2).frame()
    with pytest.raises(ValueError, match="without a task_id"):
        recording.Heard(frames=["{}"]).frame()


# How the files of pictures are made smaller


def as_png(picture: Image.Image) -> bytes:
    """Return the picture as a PNG file, as a browser would write it."""
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def opened(data: bytes) -> Image.Image:
    """Return the picture from the bytes of its file, with RGB colours."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_shrinking_a_picture_of_few_colours_changes_no_pixel():
    parts = (0, 40, 100, 160, 255)
    picture = Image.new("RGB", (23, 17))
    for x in range(23):
        for y in range(17):
            colour = parts[(x * y) % 5], parts[(x + y) % 5], parts[x % 5]
            picture.putpixel((x, y), colour)
    small = png.shrink(as_png(picture))
    assert opened(small).tobytes() == picture.tobytes()
    assert Image.open(io.BytesIO(small)).mode == "P"


def test_shrinking_a_picture_of_many_colours_keeps_at_most_256_colours():
    picture = Image.new("RGB", (86, 52))
    for x in range(86):
        for y in range(52):
            picture.putpixel((x, y), (3 * x, 5 * y, (3 * x * 5 * y) % 256))
    small = opened(png.shrink(as_png(picture)))
    assert small.size == picture.size
    assert 100 < len(small.getcolors(10_000)) <= 256
    difference = ImageChops.difference(small, picture)
    assert max(high for _, high in difference.getextrema()) < 100


# The fences


def expand(kind: str, body: str = "", page: str = "steps/4-worker.md") -> str:
    step = "4" if page.startswith("steps") else ""
    return Page(page, step).expand(f"```{kind}\n{body}\n```")


def test_a_screenshot_fence_shows_a_picture_for_each_theme():
    text = expand("screenshot", "shot: answer\ncaption: After *a* reload.")
    width, height = screenshots.find("4", "answer").size()
    for scheme in SCHEMES:
        address = f"../images/step-4-answer-{scheme}.png#only-{scheme}"
        size = f'width="{width}" height="{height}" loading="lazy"'
        assert f"]({address}){{ {size} }}" in text
    assert '<figcaption markdown="span">After *a* reload.</figcaption>' in text
    assert "figcaption" not in expand("screenshot", "shot: answer")
    other = expand("screenshot", "step: final\nshot: answer", "index.md")
    assert "](images/app-light.png#only-light)" in other


@pytest.mark.parametrize(
    ("kind", "body", "page", "words"),
    [
        (
            "screenshot",
            "shot: nowhere",
            "",
            'step 4 has no shot "nowhere"; its shots: answer',
        ),
        (
            "screenshot",
            "step: 5\nshot: a",
            "",
            'step 5 has no shot "a"; its shots: none',
        ),
        ("screenshot", "step: 9\nshot: a", "", 'There is no step "9"'),
        ("screenshot", "caption: A.", "", "needs a shot"),
        ("screenshot", "shot: answer\nalt: A.", "", 'no field "alt"'),
        ("screenshot", "shot: answer", "index.md", "this fence needs a step"),
        ("frame", "", "", f"no frame of step 4 has been recorded: {REMEDY}"),
        ("frame", "", "index.md", "this fence needs a step"),
        ("film", "step: 7", "", 'no field "step"'),
    ],
)
def test_an_invalid_fence_is_reported_with_the_name_of_the_page(
    kind, body, page, words
):
    page = page or "steps/4-worker.md"
    with pytest.raises(Problem) as caught:
        expand(kind, body, page)
    assert str(caught.value).startswith(f"{page}: ")
    assert words in str(caught.value)


def test_a_missing_picture_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(screenshots, "IMAGES", tmp_path)
    with pytest.raises(Problem, match=f"step-4-answer-light.png is missing: {REMEDY}"):
        expand("screenshot", "shot: answer")


def test_pictures_of_different_sizes_are_reported(tmp_path, monkeypatch):
    images = screenshots.IMAGES
    for moment in ("typed", "started", "answer"):
        for scheme in SCHEMES:
            shutil.copy(images / f"step-7-{moment}-{scheme}.png", tmp_path)
    shot = screenshots.find("7", "typed")
    monkeypatch.setattr(screenshots, "IMAGES", tmp_path)
    for scheme in SCHEMES:
        shutil.copy(images / f"step-1-page-{scheme}.png", shot.path(scheme))
        which = "the film" if scheme == "dark" else "step-7-typed"
        with pytest.raises(Problem, match=f"of {which} differ in size: {REMEDY}"):
            expand("film", page="index.md")


# On the site


def of_theme(window: Window, place: str) -> set[str]:
    """Return a set that contains the theme whose pictures are visible.

    The set is empty if the visible pictures are not exactly those of one theme.
    """
    images = window.locator(f"{place} img")
    assert images.count() > 0
    sources = [image.get_attribute("src") for image in images.all()]
    light = [one for one in sources if one.endswith("-light.png#only-light")]
    dark = [one for one in sources if one.endswith("-dark.png#only-dark")]
    assert [one.replace("light", "dark") for one in light] == dark
    assert len(sources) == 2 * len(light)
    seen = {image.get_attribute("src") for image in images.all() if image.is_visible()}
    return {one for one in SCHEMES if seen == {s for s in sources if s.endswith(one)}}


PLACES = [("", ".film"), ("steps/4-worker/", ".shot")]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("path", "place"), PLACES)
def test_only_the_pictures_of_the_current_theme_are_visible(
    address, chromium, path, place, scheme
):
    """At first, the system's theme applies. Then, the reader chooses each theme."""
    window = chromium.new_page(color_scheme=scheme)
    window.goto(address + path)
    body = window.locator("body")
    names = {"light": "default", "dark": "slate"}
    expect(body).to_have_attribute("data-md-color-scheme", names[scheme])
    assert of_theme(window, place) == {scheme}
    for chosen in SCHEMES:
        window.locator("label.md-header__button[for^=__palette]:visible").click()
        expect(body).to_have_attribute("data-md-color-scheme", names[chosen])
        assert of_theme(window, place) == {chosen}
    window.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(("path", "place"), PLACES)
def test_a_picture_that_loads_late_does_not_change_the_layout(
    address, chromium, path, place, width
):
    window = chromium.new_page(viewport={"width": width, "height": 900})
    window.route("**/*.png", lambda route: None)  # make requests for pictures wait
    image = window.locator(f"{place} img:visible").first
    with window.expect_request("**/*.png"):
        window.goto(address + path)
        image.scroll_into_view_if_needed()
    before = image.bounding_box()
    assert image.evaluate("image => image.naturalWidth") == 0
    assert before["width"] <= min(620, width)
    window.unroute_all()  # also continues the waiting requests
    window.wait_for_function(
        "image => image.naturalWidth === 1520", arg=image.element_handle()
    )
    after = image.bounding_box()
    assert (after["width"], after["height"]) == (before["width"], before["height"])
    window.close()


def test_the_frame_is_shown_as_text_that_fits_on_a_phone(address, chromium):
    window = chromium.new_page(viewport={"width": 360, "height": 900})
    window.goto(address + "steps/7-browser/")
    frame = window.locator(".frame code")
    kept = (records.RECORDED / records.frame_name("7")).read_text()
    assert json.loads(frame.inner_text()) == json.loads(kept)
    assert frame.evaluate("code => code.scrollWidth <= code.clientWidth")
    window.close()


# The film


@contextlib.contextmanager
def film(chromium, address, **options):
    context = chromium.new_context(**options)
    window = context.new_page()
    window.goto(address)
    yield window
    context.close()


def opacities(window: Window) -> list[float]:
    pictures = window.locator(".film__picture")
    return pictures.evaluate_all("all => all.map(p => +getComputedStyle(p).opacity)")


def bars(window: Window) -> list[float]:
    """Return how far the bar above each caption is filled, as numbers from 0 to 1."""
    return window.locator(".film__caption").evaluate_all(
        "all => all.map(c => new DOMMatrix(getComputedStyle(c, '::after').transform).a)"
    )


def states(window: Window) -> set[str]:
    """Return the states of the animations: "running", "paused" or "finished"."""
    return set(
        window.locator(".film").evaluate(
            "f => f.getAnimations({ subtree: true }).map(a => a.playState)"
        )
    )


def wind(window: Window, seconds: float) -> None:
    """Move the film to the moment `seconds` after its start."""
    window.evaluate(
        "ms => document.querySelector('.film').getAnimations({ subtree: true })"
        ".forEach(animation => { animation.currentTime = ms; })",
        seconds * 1000,
    )


def test_the_film_plays_pauses_ends_and_plays_again(address, chromium):
    with film(chromium, address) as window:
        element = window.locator(".film")
        button = element.get_by_role("button")
        expect(button).to_have_text("Pause")
        expect(element).to_have_attribute("data-state", "playing")
        assert states(window) == {"running"}
        button.focus()
        window.keyboard.press("Enter")
        expect(button).to_have_text("Play")
        # The film plays twice before it ends. It looks the same both times.
        for start in (0, 10):
            wind(window, start + 1)
            assert opacities(window) == [1, 0, 0]
            wind(window, start + 4)
            assert opacities(window)[1:] == [1, 0]
            first, second, third = bars(window)
            assert (first, third) == (1, 0)
            assert 0 < second < 1
            wind(window, start + 8)
            assert opacities(window)[2] == 1
        assert states(window) == {"paused"}
        button.click()
        expect(button).to_have_text("Pause")
        wind(window, 19.9)
        expect(button).to_have_text("Play again")
        assert opacities(window) == [1, 1, 1]
        assert bars(window) == [1, 1, 1]
        button.click()
        expect(button).to_have_text("Pause")
        assert opacities(window) == [1, 0, 0]


@pytest.mark.parametrize(
    "options", [{"reduced_motion": "reduce"}, {"java_script_enabled": False}], ids=str
)
@pytest.mark.parametrize(("width", "columns"), [(360, 1), (1280, 3)])
def test_without_motion_or_javascript_all_pictures_of_the_film_are_visible(
    address, chromium, options, width, columns
):
    viewport = {"width": width, "height": 900}
    with film(chromium, address, viewport=viewport, **options) as window:
        pictures = window.locator(".film img:visible")
        expect(pictures).to_have_count(3)
        captions = window.locator(".film__caption")
        expect(captions).to_have_text([caption for *_, caption in fences.FILM])
        expect(window.locator(".film__button")).to_be_hidden()
        boxes = [picture.bounding_box() for picture in pictures.all()]
        assert len({box["x"] for box in boxes}) == columns
        assert len({box["y"] for box in boxes}) == 4 - columns
        for box, caption in zip(boxes, captions.all(), strict=True):
            below = caption.bounding_box()
            assert below["y"] >= box["y"] + box["height"]
            assert abs(below["x"] - box["x"]) < 2
            assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_film_is_accessible(address, chromium, scheme, motion):
    options = {"color_scheme": scheme, "reduced_motion": motion}
    with film(chromium, address, **options) as window:
        expect(window.locator(".film")).to_have_attribute("data-state", "playing")
        found = Axe().run(window, context=".film").response
        assert found["passes"]
        assert found["violations"] == []
