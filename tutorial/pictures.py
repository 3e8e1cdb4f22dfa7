"""`tutorial pictures` (maintainers): the pictures of the README, taken anew."""

from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tutorial import picture, services
from tutorial.browser import BROWSER_ARGUMENTS, find_browser
from tutorial.environment import ROOT
from tutorial.processes import Processes
from tutorial.project import Project
from tutorial.steps import copy, final

IMAGES = ROOT / "docs" / "images"
FLOW = IMAGES / "flow.svg"
QUESTION = "What does a consumer do?"


def take(folder: Path) -> None:
    """Draw the flow, and take the app's pictures from a copy that runs in `folder`."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    FLOW.write_text(picture.draw())
    project = Project(folder / "project", services.free_port())
    copy(final().folder, project.folder)
    with (
        Processes(lambda name, line: None) as processes,
        sync_playwright() as playwright,
    ):
        _, url = services.start_redis(processes, folder, services.free_port())
        _, variables = services.start_stand_in(processes, services.free_port())
        project.environment |= variables | {"REDIS_URL": url}
        project.migrate()
        project.start(processes)
        project.wait_until_ready()
        browser = playwright.chromium.launch(
            executable_path=find_browser(),
            args=list(BROWSER_ARGUMENTS),
        )
        for scheme in ("light", "dark"):
            _photograph(browser, project.url, scheme)


def _photograph(browser: Browser, url: str, scheme: str) -> None:
    page = browser.new_page(
        color_scheme=scheme,
        viewport={"width": 760, "height": 100},
        device_scale_factor=2,
    )
    page.goto(url)
    expect(page.locator("#socket-state")).to_have_text("Live")
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results li")).to_contain_text(QUESTION, timeout=15_000)
    page.mouse.move(0, 0)
    page.screenshot(path=IMAGES / f"app-{scheme}.png", full_page=True)
    page.close()
