"""Several web processes and several workers of `final/`, on one Redis."""

import socket

from support.app.person import Person, calls, wait_for_frame
from support.app.processes import start_second_worker
from support.app.start import start_app
from tutorial.project import procfile
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until


def test_a_post_at_one_and_a_socket_at_the_other(tmp_path):
    running = start_app(tmp_path / "app")
    try:
        project = running.project
        port = free_port()
        running.processes.start(
            "second web",
            procfile.processes(project.folder)["web"],
            folder=project.folder,
            environment=project.environment | {"PORT": str(port)},
        )
        workers = [project.running["worker"], start_second_worker(running)]

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens, seconds=30, otherwise="the second web does not listen")
        person = Person(running.site)
        questions = [f"Which process is number {n}?" for n in range(20)]
        with person.open_socket() as frames:
            for question in questions:
                second = f"http://127.0.0.1:{port}/"
                status, data, _ = person.post(question, path=second)
                assert status == 202, data
                task_id = data["search"]["task_id"]
                assert wait_for_frame(frames, task_id)["status"] == "done"
        assert [calls(running.site, question) for question in questions] == [1] * 20
        for worker in workers:
            assert any("saved:" in line for line in worker.lines), worker.name
    finally:
        running.stop()
