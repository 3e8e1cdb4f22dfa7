def ask(page, url, question, turn):
    if turn == 1:
        page.goto(url)
    page.get_by_label("Question").fill(question)
    page.get_by_role("button", name="Ask").click()


def reads(page):
    return page.locator("#enquiries").inner_text()
