"""`check` reports a mistake, but does not report its consequences as more mistakes."""

import pytest

from support.checking import all_named
from tutorial.project import steps
from tutorial.project.files import copy_project

CONSUMERS, TASKS = "search/consumers.py", "search/tasks.py"

RAISES = """def send_search_result(self, event):
        if event["data"]["error"]:
            raise ValueError("no errors here")
"""


@pytest.mark.slow(20)
def test_if_the_page_receives_no_frame_only_the_consumer_is_reported(
    changed, check_here
):
    """If the API fails, the consumer raises an exception, so the socket is closed.

    `check` must not also report that the page inserts HTML.
    """
    start = "def send_search_result(self, event):\n"
    report = check_here("7", changed(CONSUMERS, start, RAISES))
    assert all_named(report) == ["consumer-raises"]


@pytest.mark.slow(12)
def test_a_row_saved_for_another_user_is_not_reported_as_a_hidden_failure(
    tmp_path, check_here
):
    folder = tmp_path / "project"
    copy_project(steps.find("4").folder, folder)
    tasks = folder / TASKS
    text = tasks.read_text()
    assert text.count("user_id=user_id") == 1
    tasks.write_text(text.replace("user_id=user_id", "user_id=1"))
    assert all_named(check_here("4", folder)) == ["saved-for-another-user"]


@pytest.mark.slow(12)
def test_an_import_may_be_missing_if_its_name_is_not_used(changed, check_here):
    settings = "config/settings.py"
    folder = changed(
        *(settings, "from urllib.parse import urlsplit\n", ""),
        *(settings, "urlsplit(REDIS_URL).path", '"search"'),
    )
    report = check_here("7", folder)
    assert all_named(report) == []
