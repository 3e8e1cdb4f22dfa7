import pytest

from .person import Person, calls, wait_for_frame

pytestmark = pytest.mark.xdist_group("fault table")


@pytest.mark.fault(12, "a message is delivered twice")
def test_a_message_delivered_twice(shared_app):
    person = Person(shared_app.site)
    with person.open_socket() as socket:
        task_id = person.search("Twice?")
        frame = wait_for_frame(socket, task_id)
    assert frame["status"] == "done"
    assert calls(shared_app.site, "Twice?") == 1
