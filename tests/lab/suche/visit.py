def ask(page, url, question, turn):
    if turn == 1:
        page.goto(url)
        page.get_by_role("link", name="Zur Suche").click()
    else:
        page.get_by_role("link", name="Suche", exact=True).click()
    page.get_by_label("Ihre Frage").fill(question)
    page.get_by_role("button", name="Frage stellen").click()
    page.wait_for_url("**/verlauf/")


def reads(page):
    return page.inner_text("#verlauf tbody")
