"""Check that `final/` works with other session engines than its default."""

import pytest

from support.app.account import sign_up, user_id
from support.app.person import Person, wait_for_frame

# A cache that all web processes share. By default, each process has its own cache.
CACHE = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
}
"""


@pytest.mark.slow(8)
@pytest.mark.parametrize("engine", ["cache", "cached_db", "file", "signed_cookies"])
def test_a_visitor_stays_the_same_user_with_any_session_engine(run_app, engine):
    name = f"django.contrib.sessions.backends.{engine}"
    additions = {"config/settings.py": f'{CACHE}\nSESSION_ENGINE = "{name}"\n'}
    running = run_app(additions)
    person = Person(running.site)
    with person.open_socket() as socket:
        task_id = person.search("Who am I?")
        assert wait_for_frame(socket, task_id)["status"] == "done"
    guest = user_id(person)
    sign_up(person, f"with-{engine.replace('_', '-')}")
    assert user_id(person) == guest
    # A search still works after the consumer has checked the session again.
    with person.open_socket() as socket:
        task_id = person.search("And who am I now?")
        assert wait_for_frame(socket, task_id)["status"] == "done"
        assert set(person.snapshot()) > {task_id}
