from playwright.sync_api import expect


def ask(page, url, question, turn):
    if turn == 1:
        page.goto(url)
        page.wait_for_function("socket.readyState !== WebSocket.CONNECTING")
    box = page.get_by_label("Question")
    expect(box).to_have_value("")
    box.fill(question)
    page.get_by_role("button", name="Ask").click()


def reads(page):
    return page.locator("body").inner_text()
