"""Run `final/` as in production: without DEBUG, and with collected static files."""

import re

from support.app.page import ask, expect_state, expect_status
from tutorial.project import steps
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.stack import Stack


def test_the_page_works_with_collected_static_files(chromium):
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    environment = {
        "DEBUG": "0",
        "SECRET_KEY": "a key of this test, with fifty and more characters",
        "SITE_ORIGINS": origin,
        "HTTPS_ONLY": "0",
    }

    def prepare(project):
        result = project.manage("collectstatic", "--no-input")
        assert result.returncode == 0, result.stdout + result.stderr
        project.migrate()

    final = steps.find("final").folder
    with Stack(final, port=port, environment=environment, prepare=prepare):
        page = chromium.new_context().new_page()
        wrong, loaded = [], []
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda response: loaded.append(response))
        page.goto(origin)
        expect_state(page, "Live")
        ask(page, "Is this production?")
        expect_status(page, "Is this production?", "done")
        files = [response for response in loaded if "/static/" in response.url]
        assert len(files) == 5, [response.url for response in files]
        for response in files:
            # Every file has a digest in its name, also each file that a module imports.
            assert re.search(r"/\w+\.[0-9a-f]{12}\.(js|css)$", response.url)
            assert "max-age=315360000" in response.headers["cache-control"]
        stages = [text for text in wrong if text.startswith("stage ")]
        assert wrong == stages
