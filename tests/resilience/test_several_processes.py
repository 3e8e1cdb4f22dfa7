"""Run several web processes and several workers of `final/` on one Redis server."""

from support.app.person import Person, calls, wait_for_frame
from support.app.processes import second_worker
from tutorial.project import procfile
from tutorial.runtime.exclusive import free_port, listens
from tutorial.runtime.waiting import wait_until


def test_a_post_to_one_web_process_is_answered_on_a_socket_of_another(shared_app):
    project, processes = shared_app.project, shared_app.processes
    port = free_port()
    second_web = processes.start(
        "second web",
        procfile.processes(project.folder)["web"],
        folder=project.folder,
        environment=project.environment | {"PORT": str(port)},
    )
    first_worker = project.running["worker"]
    before = len(first_worker.lines)
    try:
        with second_worker(shared_app) as worker:
            wait_until(
                lambda: listens(port),
                seconds=30,
                otherwise="the second web process does not listen",
            )
            person = Person(shared_app.site)
            questions = [f"Which process is number {n}?" for n in range(20)]
            with person.open_socket() as frames:
                for question in questions:
                    second = f"http://127.0.0.1:{port}/"
                    status, data, _ = person.post(question, path=second)
                    assert status == 202, data
                    task_id = data["search"]["task_id"]
                    assert wait_for_frame(frames, task_id)["status"] == "done"
            for lines in (first_worker.lines[before:], worker.lines):
                assert any("saved:" in line for line in lines)
    finally:
        processes.stop([second_web])
    assert [calls(shared_app.site, question) for question in questions] == [1] * 20
