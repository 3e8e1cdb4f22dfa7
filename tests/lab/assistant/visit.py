import contextlib

from playwright.sync_api import TimeoutError as NotInTime

EMAIL = "ada@example.com"
PASSWORD = "correct-horse-battery"

asked = []


def prepare(manage):
    manage(
        "shell",
        "-c",
        "from accounts.models import User; "
        f"User.objects.create_user({EMAIL!r}, {PASSWORD!r})",
    )


def ask(page, url, question, turn):
    if turn == 1:
        page.goto(url)
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Your question").wait_for()
        with contextlib.suppress(NotInTime):
            page.get_by_text("Live", exact=True).wait_for(timeout=3000)
    asked.append(question)
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def reads(page):
    card = page.locator("#questions li").filter(has_text=asked[-1])
    return "\n".join(card.all_inner_texts())
