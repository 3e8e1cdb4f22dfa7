"""Check the picture of the flow, the page about the flow, and the glossary."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

from support.website import search, serious
from tutorial.live_map import flow_drawing
from tutorial.live_map.flow_drawing import NARROW, WIDE
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.site import flow, glossary
from tutorial.site.extension import Page
from tutorial.standin.passages import Library, read_passages

FLOW = (ROOT / "docs" / "flow.md").read_text()
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
NUMBERS = [step.number for step in steps.steps()]


def drawn(step: str = "", body: str = "", page: str = "index.md"):
    """Return the two drawings that a flow fence creates on a page about `step`."""
    html = Page(page, step).expand(f"```flow\n{body}\n```")
    figure = re.sub(r" data-search-exclude", "", html.strip())
    return ElementTree.fromstring(figure).findall("svg")


def texts(drawing, kind: str) -> list[str]:
    return [
        text.text
        for part in drawing.iter()
        if kind in part.get("class", "").split()
        for text in part.iter("text")
    ]


def stations(drawing) -> list[ElementTree.Element]:
    return [part for part in drawing if "station" in part.get("class").split()]


# The picture


@pytest.mark.parametrize("layout", [0, 1], ids=["wide", "narrow"])
def test_the_picture_shows_the_stages_and_processes_of_steps_toml(layout):
    drawing = drawn()[layout]
    names = [text for step in steps.steps() for text in (step.name, step.stage)]
    assert texts(drawing, "station") == names
    assert texts(drawing, "way") == [step.hands_on for step in steps.steps()[:-1]]
    assert set(texts(drawing, "lane")) == {step.process for step in steps.steps()}
    for part, step in zip(stations(drawing), steps.steps(), strict=True):
        assert part.get("data-process") == step.process


def test_a_changed_step_changes_the_picture(monkeypatch):
    third = replace(steps.steps()[2], stage="post office", process="worker")
    changed = (*steps.steps()[:2], third, *steps.steps()[3:])
    monkeypatch.setattr(flow_drawing, "steps", lambda: changed)
    drawing = drawn()[0]
    assert "post office" in texts(drawing, "station")
    assert "3 post office (worker)" in drawing.get("aria-label")
    assert WIDE.place(third)[0] == WIDE.place(steps.steps()[3])[0]


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_station_is_in_the_lane_of_its_process(layout):
    for step in steps.steps():
        x, y = layout.place(step)
        assert layout.left(step.process) < x < layout.left(step.process) + layout.lane
        assert layout.radius < y < layout.height - layout.title
    assert layout.left("worker") + layout.lane < layout.width


@pytest.mark.parametrize("number", NUMBERS)
def test_earlier_stations_are_done_and_later_ones_are_faint(number):
    for drawing in drawn(str(number)):
        for part in drawing:
            if not (stage := part.get("data-stage")):
                continue
            state = "is-lit" if int(stage) == number else "is-done"
            state = "is-ahead" if int(stage) > number else state
            assert part.get("class").split()[1] == state
        current = [part.get("aria-current") for part in stations(drawing)]
        assert current == ["step" if n == number else None for n in NUMBERS]
        here = [p.get("data-process") for p in drawing if "is-here" in p.get("class")]
        assert here == [steps.steps()[number - 1].process]
        missing = steps.steps()[number].stage if number < 7 else "nothing"
        assert f"Still to come: {missing if number == 7 else number + 1}" in (
            drawing.get("aria-label")
        )


@pytest.mark.parametrize("step", ["", "final"])
def test_without_a_step_all_stations_are_lit(step):
    for drawing in drawn(step):
        assert {part.get("class").split()[1] for part in stations(drawing)} == {
            "is-lit"
        }
        assert not [part for part in drawing.iter() if part.get("aria-current")]


def test_the_step_of_a_fence_overrides_the_step_of_its_page():
    for drawing in drawn("5", "step: 2"):
        assert drawing.find("*[@aria-current]").get("data-stage") == "2"


@pytest.mark.parametrize(
    ("page", "way"),
    [
        ("index.md", "steps/4-worker/"),
        ("final.md", "../steps/4-worker/"),
        ("steps/3-queue.md", "../4-worker/"),
        ("steps/4-worker.md", "./"),
        ("a/b/c.md", "../../../steps/4-worker/"),
    ],
)
def test_a_station_links_to_the_page_of_its_step(page, way):
    for drawing in drawn(page=page):
        assert stations(drawing)[3].get("href") == way
        label = stations(drawing)[3].get("aria-label")
        assert label == "4 worker, in: worker"


def test_the_page_that_each_station_links_to_exists():
    for step in steps.steps():
        assert (ROOT / "docs" / flow.source(step)).is_file()


def test_a_station_can_link_to_a_stage_on_the_same_page():
    for drawing in drawn(body="stages: here", page="flow.md"):
        links = [part.get("href") for part in stations(drawing)]
        assert links[2] == "#stage-3-the-queue"
        assert links == [f"#{flow.anchor(step)}" for step in steps.steps()]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("step: 8", 'There is no step "8"'),
        ("stages: there", '"stages: here", but not "stages: there"'),
        ("lit: 3", 'a flow fence has no field "lit"'),
    ],
)
def test_an_invalid_fence_is_reported(body, words):
    with pytest.raises(Problem, match=f"^index.md: .*{words}"):
        drawn(body=body)


def test_the_drawings_of_a_page_have_no_ids():
    html = Page("index.md").expand("```flow\n```\n\n```flow\n```")
    assert html.count("<svg") == 4
    assert " id=" not in html


# The page: each stage, in words and in code


def test_the_page_has_a_section_for_the_stage_of_each_step():
    headings = re.findall(r"^## (Stage .*)", FLOW, re.M)
    assert headings == [f"Stage {s.name}: the {s.stage}" for s in steps.steps()]


def section(number: int) -> str:
    """Return the section about a stage. Each fence in it is expanded to a listing."""
    found = re.search(rf"^## Stage {number}:.*?</section>", FLOW, re.M | re.S)
    return Page("flow.md").expand(found[0])


# For each stage of the flow: pieces of code that its section must show.
DOES = {
    1: [
        'TemplateView.as_view(template_name="search/openai_index.html")',
        'method="post"',
        "new WebSocket(",
    ],
    2: [
        'path("", openai_index',
        "form.cleaned_data",
        "fetch_openai_results_task.delay(",
    ],
    3: ["CELERY_BROKER_URL = REDIS_URL", '"Search has started!")', "return redirect("],
    4: [
        "celery --app config worker",
        "responses.create(",
        "SearchResult.objects.create(",
        "from .signals import search_completed",
        "search_completed.send(",
    ],
    5: [
        "from . import handlers",
        "@receiver(search_completed)",
        'group_name = f"user_{search_result.user_id}"',
        "get_channel_layer().group_send",
        '"type": "send_search_result"',
    ],
    6: [
        'path("ws/search/", SearchConsumer.as_asgi())',
        "self.accept()",
        "def send_search_result(self, event):",
        'self.send(text_data=json.dumps(event["data"]))',
    ],
    7: ["socket.onmessage =", "JSON.parse(event.data)", "results.prepend(", "fetch("],
}


@pytest.mark.parametrize("number", NUMBERS)
def test_each_stage_shows_its_code(number):
    text = section(number)
    code = "\n".join(re.findall(r"^```[^\n]*\n(.*?)^```", text, re.M | re.S))
    # Remove the marks of the notes. A mark is a comment at the end of a line.
    code = re.sub(r"(#|//) \(\d\)!", "", code)
    for line in DOES[number]:
        assert line in code, line
    assert len(re.findall(r"· step \d\n\{: \.place", text)) >= 2


@pytest.mark.parametrize("number", NUMBERS)
def test_each_stage_shows_its_log_line_and_links_to_its_step(number):
    text = section(number)
    assert re.findall(r"stage (\d) · \w+ · \S+ · ", text)[-1] == str(number)
    step = steps.steps()[number - 1]
    assert f"({flow.source(step)})" in text


def test_a_bare_listing_shows_the_code_but_not_what_changes():
    body = "step: 4\nfile: search/tasks.py\nshow: fetch_openai_results_task"
    whole = Page("p.md").expand(f"```step\n{body}\n```")
    assert "in place of" in whole
    assert "What changes" in whole
    bare = Page("p.md").expand(f"```step\n{body}\nbare: true\n```").strip().split("\n")
    assert bare[:4] == [
        *("**`search/tasks.py`** · step 4", "{: .place }", "", "```python")
    ]
    lines = steps.find("4").folder.joinpath("search", "tasks.py").read_text()
    assert "\n".join(bare[4:-1]) in lines


# The glossary


TERMS = (
    *("Broker", "Worker", "Task", "Signal", "Handler", "Channel layer", "Group"),
    *("Consumer", "Routing", "ASGI", "Frame"),
)


def entries() -> dict[str, list[str]]:
    """Return the paragraphs of each term in the glossary, by term."""
    found = re.findall(r"^## (.*?)\n+(.*?)(?=^## |\Z)", GLOSSARY, re.M | re.S)
    return {term: text.strip().split("\n\n") for term, text in found}


def test_every_term_of_the_flow_is_in_the_glossary():
    assert set(TERMS) <= set(entries())


@pytest.mark.parametrize("term", entries())
def test_a_term_has_at_least_two_sentences_and_a_link(term):
    meaning, where = entries()[term]
    assert len(re.findall(r"[.!?](?= |$)", " ".join(meaning.split()))) >= 2
    assert re.fullmatch(
        r"Introduced in \[st\w+ \d\]\(\S+\.md(#\S+)?\)( of the flow)?\.", where
    )


@pytest.mark.parametrize("term", TERMS)
def test_the_page_that_a_term_links_to_mentions_the_term(term):
    page = re.search(r"\((steps/\S+\.md)\)", entries()[term][1])[1]
    assert term.lower() in (ROOT / "docs" / page).read_text().lower()


@pytest.mark.parametrize("term", entries())
def test_the_stand_in_answers_with_the_definition_of_a_term(term):
    answer = Library(read_passages(ROOT)).best(f"What is a {term}?")
    assert (answer.source, answer.title) == ("docs/glossary.md", term)


# The page in a browser


@pytest.fixture
def tab(chromium) -> Tab:
    return chromium.new_page(viewport={"width": 1280, "height": 800})


def shown_stages(tab: Tab) -> list[int]:
    """Return the numbers of the visible stages."""
    headings = tab.locator(".flow-stage > h2").all()
    return [n for n, one in enumerate(headings, 1) if one.is_visible()]


def lit(tab: Tab) -> Locator:
    """Return the station of the picture that is marked as the current one."""
    return tab.locator(".flow:not(.travel) svg:visible [aria-current]")


def check_at(tab: Tab, number: int) -> None:
    step = steps.steps()[number - 1]
    expect(tab.get_by_role("status").filter(has_text="Stage")).to_have_text(
        f"Stage {number} of 7: the {step.stage}"
    )
    assert shown_stages(tab) == [number]
    expect(lit(tab)).to_have_attribute("data-stage", str(number))


def test_the_buttons_show_the_next_and_the_previous_stage(address, tab):
    tab.goto(address + "flow/")
    back = tab.get_by_role("button", name="Back", exact=True)
    forward = tab.get_by_role("button", name="Forward")
    check_at(tab, 1)
    assert "#" not in tab.url
    expect(back).to_have_attribute("aria-disabled", "true")
    for number in NUMBERS[1:]:
        forward.click()
        check_at(tab, number)
        assert tab.url.endswith(f"#{flow.anchor(steps.steps()[number - 1])}")
        expect(tab.locator(".flow-stage > h2").nth(number - 1)).to_be_in_viewport()
    expect(forward).to_have_attribute("aria-disabled", "true")
    forward.press("Enter")
    check_at(tab, 7)
    back.click()
    check_at(tab, 6)
    expect(forward).to_have_attribute("aria-disabled", "false")


def test_keys_change_the_stage_only_while_the_controls_have_the_focus(address, tab):
    tab.goto(address + "flow/")
    tab.keyboard.press("ArrowRight")
    check_at(tab, 1)
    tab.get_by_role("button", name="Forward").focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    check_at(tab, 3)
    tab.keyboard.press("ArrowLeft")
    check_at(tab, 2)
    tab.keyboard.press("End")
    check_at(tab, 7)
    tab.keyboard.press("Home")
    check_at(tab, 1)
    tab.keyboard.press("Control+ArrowRight")
    check_at(tab, 1)


@pytest.mark.parametrize("size", [(360, 740), (1280, 800), (740, 360)])
def test_an_address_with_the_anchor_of_a_stage_shows_the_stage(address, tab, size):
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    tab.goto(address + "flow/#stage-3-the-queue", wait_until="load")
    check_at(tab, 3)
    heading = tab.locator("#stage-3-the-queue")
    expect(heading).to_be_in_viewport()
    if size[1] > 400:  # a short window has room only for the stage's text
        expect(tab.locator(".flow:not(.travel) svg:visible")).to_be_in_viewport(
            ratio=0.98
        )
    bar = tab.locator(".flow-bar").bounding_box()
    assert heading.bounding_box()["y"] > bar["y"] + bar["height"]
    # Go to a different anchor on the same page, as a link in the search does.
    tab.evaluate("location.hash = '#stage-6-the-consumer'")
    tab.locator("#stage-6-the-consumer").wait_for()
    check_at(tab, 6)


def test_an_address_with_an_anchor_inside_a_stage_shows_the_stage(address, tab):
    tab.goto(address + "flow/")
    inside = tab.locator(".flow-stage").nth(4).locator("code [id^=__codelineno]").last
    line = inside.get_attribute("id")
    tab.goto("about:blank")
    tab.goto(f"{address}flow/#{line}")
    check_at(tab, 5)
    expect(tab.locator(f'[id="{line}"]')).to_be_in_viewport()


def test_a_search_result_about_a_stage_shows_the_stage(address, tab):
    tab.goto(address + "flow/")
    found = search(tab, "WebSocket send frame consumer stage 6")
    found.and_(tab.locator("[href*='#stage-6']")).first.click(timeout=10_000)
    expect(tab).to_have_url(re.compile(r"/flow/.*#stage-6-the-consumer$"))
    check_at(tab, 6)


def test_a_click_on_a_station_shows_its_stage(address, tab):
    tab.goto(address + "flow/")
    tab.get_by_role("link", name="5 signal").click()
    tab.locator("#stage-5-the-signal").wait_for()
    check_at(tab, 5)
    assert tab.url.endswith("#stage-5-the-signal")


def test_on_the_page_of_a_step_a_station_opens_the_page_of_its_step(address, tab):
    tab.goto(address + "steps/2-view/")
    expect(lit(tab)).to_have_attribute("data-stage", "2")
    tab.get_by_role("link", name="5 signal, in: worker").click()
    expect(tab).to_have_url(address + "steps/5-signal/")
    expect(lit(tab)).to_have_attribute("data-stage", "5")


def test_all_stages_are_printed_and_can_be_shown_at_once(address, tab):
    tab.goto(address + "flow/#stage-2-the-view")
    check_at(tab, 2)
    tab.emulate_media(media="print")
    assert shown_stages(tab) == NUMBERS
    tab.emulate_media(media="screen")
    tab.get_by_role("button", name="Show all").click()
    assert shown_stages(tab) == NUMBERS
    assert tab.locator(".flow [aria-current]").count() == 0
    expect(tab.get_by_role("button", name="Forward")).to_be_hidden()
    tab.get_by_role("link", name="6 consumer").click()
    expect(tab.locator("#stage-6-the-consumer")).to_be_in_viewport()
    tab.get_by_role("button", name="One by one").click()
    check_at(tab, 6)


def test_without_javascript_all_stages_are_shown(address, chromium):
    tab = chromium.new_page(java_script_enabled=False)
    tab.goto(address + "flow/")
    assert shown_stages(tab) == NUMBERS
    assert tab.get_by_role("button", name="Forward").count() == 0
    assert tab.locator(".flow:not(.travel) svg:visible .is-lit.station").count() == len(
        NUMBERS
    )
    tab.get_by_role("link", name="7 browser").click()
    expect(tab.locator("#stage-7-the-browser")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_with_one_stage_and_with_all_stages(
    address, chromium, scheme
):
    tab = chromium.new_page(color_scheme=scheme)
    tab.goto(address + "flow/#stage-4-the-worker")
    check_at(tab, 4)
    assert not serious(tab)
    tab.get_by_role("button", name="Show all").click()
    assert not serious(tab)


# Lists the colour of each text and the colour of its background. The background of a
# number is the disc of its station. The background of all other texts is a lane.
COLOURS = """svg => [...svg.querySelectorAll("text")].map(text => {
  const part = text.closest(".station, .lane, .way");
  const ground = text.matches(".number")
    ? part.querySelector(".disc") : svg.querySelector(".lane rect");
  return [text.textContent, part.getAttribute("class"),
          getComputedStyle(text).fill, getComputedStyle(ground).fill];
})"""


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours such as "rgb(10, 107, 94)", as in WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        ]
        return sum(
            w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
        )

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_texts_of_the_picture_have_enough_contrast_in_both_themes(
    address, chromium
):
    found = {}
    for scheme in ("light", "dark"):
        # Without transitions, the colours change at once.
        tab = chromium.new_page(color_scheme=scheme, reduced_motion="reduce")
        tab.goto(address + "steps/4-worker/")
        found[scheme] = tab.locator(".flow:not(.travel) svg:visible").evaluate(COLOURS)
        states = {part.split()[-1] for _, part, *_ in found[scheme]}
        assert states >= {"is-done", "is-lit", "is-ahead"}
        for text, part, colour, ground in found[scheme]:
            assert contrast(colour, ground) >= 4.5, (scheme, text, part)
    for light, dark in zip(found["light"], found["dark"], strict=True):
        assert light[2:] != dark[2:], light


def test_the_picture_changes_its_colours_with_the_theme_of_the_site(address, chromium):
    tab = chromium.new_page(color_scheme="light", reduced_motion="reduce")
    tab.goto(address + "steps/4-worker/")
    before = tab.locator(".flow:not(.travel) svg:visible").evaluate(COLOURS)
    switch = tab.locator("label[for^='__palette']:visible")
    switch.click()
    expect(tab.get_by_role("radio", name="Switch to dark mode")).to_be_checked()
    switch.click()
    expect(tab.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
    assert tab.locator(".flow:not(.travel) svg:visible").evaluate(COLOURS) != before


# Lists the font size of each text on the screen, and how far the text extends beyond
# its area, both in pixels. The area of a text in a lane or a station is the lane. The
# area of all other texts is the whole drawing.
MEASURES = """svg => [...svg.querySelectorAll("text")].map(text => {
  const part = text.closest(".station, .lane, .way");
  const lane = [...svg.querySelectorAll(".lane")].find(
    lane => lane.dataset.process === part.dataset.process);
  const place = (lane?.querySelector("rect") ?? svg).getBoundingClientRect();
  const own = text.getBoundingClientRect();
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return [text.textContent, parseFloat(getComputedStyle(text).fontSize) * scale,
          Math.max(place.left - own.left, own.right - place.right,
                   place.top - own.top, own.bottom - place.bottom)];
})"""


@pytest.mark.parametrize("path", ["flow/", "steps/4-worker/"])
def test_the_texts_of_the_picture_are_large_enough_and_not_cut_off(address, tab, path):
    tab.goto(address + path)
    drawing = tab.locator(".flow:not(.travel) svg:visible")
    for width in (360, 480, 700, 768, 960, 1280, 1920):
        tab.set_viewport_size({"width": width, "height": 740})
        expect(drawing).to_have_count(1)
        measures = drawing.evaluate(MEASURES)
        assert len(measures) == 4 + 6 + 2 * 7
        for text, size, beyond in measures:
            assert size >= 11, (width, text, size)
            assert beyond <= 0, (width, text, beyond)
        box = drawing.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= width


def test_only_one_layout_of_the_picture_is_shown(address, tab):
    for width, kind in ((360, "flow-narrow"), (1280, "flow-wide")):
        tab.set_viewport_size({"width": width, "height": 740})
        tab.goto(address + "steps/4-worker/")
        expect(tab.locator(".flow:not(.travel) svg:visible")).to_have_class(kind)
        # The other layout is also hidden from a screen reader.
        expect(tab.locator(".flow:not(.travel)").get_by_role("link")).to_have_count(7)


@pytest.mark.parametrize("way", ["pointer", "keyboard", "finger"])
def test_a_term_on_a_page_shows_its_definition_in_a_tooltip(address, chromium, way):
    tab = chromium.new_context(has_touch=way == "finger").new_page()
    tab.goto(address + "flow/", wait_until="networkidle")
    term = tab.locator("article abbr", has_text="worker").first
    if way == "pointer":
        term.hover()
    elif way == "finger":
        term.tap()
    else:
        tab.locator("h1 .headerlink").focus()
        tab.keyboard.press("Tab")
        expect(term).to_be_focused()
    shown = tab.locator(".md-tooltip2--active[role=tooltip]")
    expect(shown).to_have_text(glossary.terms(GLOSSARY)["Worker"])
