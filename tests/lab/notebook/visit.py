def ask(page, url, question, turn):
    if turn == 1:
        page.goto(f"{url.rstrip('/')}/signup/")
        page.get_by_label("Username:").fill("reader")
        page.get_by_label("Password:", exact=True).fill("correct-horse-battery")
        page.get_by_label("Password confirmation:").fill("correct-horse-battery")
        page.get_by_role("button", name="Create account").click()
        page.wait_for_url("**/ask/")
    page.get_by_label("Question:").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator("#questions li", has_text=question).wait_for()


def reads(page):
    return page.locator("#questions li").first.inner_text()
