import contextlib

from playwright.sync_api import TimeoutError


def ask(page, url, question, turn):
    if turn == 1:
        page.goto(url)
        with contextlib.suppress(TimeoutError):
            page.wait_for_selector("body[data-socket=open]", timeout=4000)
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask").click()
