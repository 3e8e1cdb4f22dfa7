"""`check` with projects that do part of the flow differently from the steps.

`check` recognises projects that work. If it cannot see what happens, it says so, and
reports neither "passed" nor "broken".
"""

import contextlib
import shutil

import pytest

from support.checking import run_check
from tutorial.check.stages.browsing import fill_and_send, question_field
from tutorial.visitor.sockets import FAKE_SOCKETS

TASKS, CONSUMERS = "search/tasks.py", "search/consumers.py"
SCRIPT = "search/static/search/search.js"
TEMPLATE = "search/templates/search/openai_index.html"

CHAT = """chat.completions.create(
            model=settings.OPENAI_MODEL,
            messages=[{"role": "user", "content": query}],
        )
        answer = response.choices[0].message.content"""

RECEIVE = """    def receive(self, text_data=None, bytes_data=None):
        from .tasks import fetch_openai_results_task

        query = json.loads(text_data)["query"]
        {call}

    def send_search_result"""


ADDRESS_OF_SOCKET = "(address) => new WebSocket(address).url"


def states(report):
    return [stage["state"] for stage in report["stages"]]


@pytest.mark.parametrize("address", ["/ws/", "ws/?a=1", "http://localhost/ws/"])
def test_a_fake_socket_resolves_its_address_as_a_real_one_does(address, chromium):
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.set_content("<base href='http://127.0.0.1:9/page/'>")
        real = page.evaluate(ADDRESS_OF_SOCKET, address)
        page.evaluate(f"{FAKE_SOCKETS}; null")
        assert page.evaluate(ADDRESS_OF_SOCKET, address) == real


@pytest.mark.slow(12)
def test_the_chat_completions_api_and_a_relative_address_are_accepted(
    changed, check_here
):
    call = """responses.create(
            model=settings.OPENAI_MODEL,
            instructions="Answer in a few short sentences of plain text.",
            input=query,
        )
        answer = response.output_text"""
    # Browsers have accepted a relative WebSocket address since 2024.
    address = "`${scheme}://${location.host}/ws/search/`"
    relative = [SCRIPT, address, '"/ws/search/"']
    report = check_here("7", changed(TASKS, call, CHAT, *relative))
    assert states(report) == ["passed"] * 8
    assert not report["findings"]


def by_socket(call):
    """Return changes to step 7 that send the question through the WebSocket."""
    sends = "socket.send(JSON.stringify({query: form.elements.query.value}))"
    return (
        *(SCRIPT, "  send().catch((error) => {", f"  if (true) {sends};\n"),
        *(CONSUMERS, "    def send_search_result", RECEIVE.format(call=call)),
    )


@pytest.mark.slow(12)
def test_check_follows_a_question_that_is_sent_through_the_socket(changed, check_here):
    changes = [*by_socket("fetch_openai_results_task.delay(query, self.user_id)")]
    changes[2] += "  if (false) send().catch((error) => {"
    changes += [CONSUMERS, "        user = self.scope", USER]
    changes += [TEMPLATE, ' method="post"', ""]
    report = check_here("7", changed(*changes))
    assert report["flow"]["works"], report["stages"]
    assert "/ws/search/" in report["stages"][2]["evidence"]
    assert "asks-by-socket" in [finding["id"] for finding in report["findings"]]


USER = """        self.user_id = self.scope["user"].id
        user = self.scope"""


@pytest.mark.lab
@pytest.mark.slow(15)
def test_a_question_that_is_answered_in_the_consumer_cannot_be_judged(
    changed, check_here
):
    answer = 'self.send(text_data=json.dumps({"query": query, "answer": "Forty-two."}))'
    changes = [*by_socket(answer)]
    changes[2] += "  if (false) send().catch((error) => {"
    report = check_here("7", changed(*changes))
    assert report["flow"]["works"] is None
    assert states(report)[:3] == ["passed", "passed", "cannot judge"]
    found = report["stages"][2]["diagnosis"]
    assert (found["id"], found["kind"]) == ("consumer-does-the-work", "unknown")


ASK = """__import__("urllib.request").request.urlopen(
            "http://another-api.invalid/ask"
        ).read()
        dict("""


@pytest.mark.slow(12)
def test_a_task_that_calls_another_host_cannot_be_judged(changed):
    folder = changed(TASKS, "get_client().responses.create(", ASK)
    result = run_check("7", str(folder))
    assert result.returncode == 4
    first, *_ = result.stdout.splitlines()
    assert first == (
        "check cannot judge this flow from stage 4 on: the task does not call the API"
        " at `OPENAI_BASE_URL`"
    )
    assert "another-api.invalid" in result.stdout
    assert "UNKNOWN 4 worker" in result.stdout
    assert "BROKEN" not in result.stdout


URLS, VIEWS = "config/urls.py", "search/views.py"
INDEX = 'path("", openai_index, name="openai_index")'


@pytest.mark.slow(12)
def test_a_project_without_a_page_cannot_be_judged(changed, check_here):
    """The project is an API: its view answers with JSON."""
    answer = 'JsonResponse({"questions": []})'
    folder = changed(
        *(URLS, INDEX, 'path("api/ask/", openai_index, name="openai_index")'),
        *(VIEWS, 'render(request, "search/openai_index.html", context, status=status)'),
        *(answer, VIEWS, "from django.contrib import messages\n"),
        "from django.contrib import messages\nfrom django.http import JsonResponse\n",
    )
    shutil.rmtree(folder / "search" / "templates")
    report = check_here("7", folder)
    assert report["flow"]["works"] is None
    found = report["stages"][1]["diagnosis"]
    assert (found["id"], found["kind"]) == ("no-page-to-ask-at", "unknown")
    assert "has no template" in found["seen"]


@pytest.mark.slow(12)
def test_a_page_at_an_unknown_address_cannot_be_judged(changed, check_here):
    welcome = (
        'path("", __import__("django.views").views.View.as_view()),'
        '\n    path("chat/<int:number>/", openai_index, name="openai_index")'
    )
    folder = changed(
        *(URLS, INDEX, welcome),
        *(VIEWS, "def openai_index(request):", "def openai_index(request, number):"),
        *(VIEWS, 'redirect("openai_index")', 'redirect("openai_index", number)'),
    )
    report = check_here("7", folder)
    assert report["flow"]["works"] is None
    found = report["stages"][1]["diagnosis"]
    assert (found["id"], found["kind"]) == ("no-page-to-ask-at", "unknown")
    assert "/chat/<int:number>/" in found["seen"]


TWO_BUTTONS = """<div>
<button onclick="pressed = 'file'">A file</button>
<textarea name="question"></textarea>
<button onclick="pressed = 'send'">Send</button>
</div>"""


def test_the_button_after_the_text_field_sends_the_question(chromium):
    page = chromium.new_context().new_page()
    page.set_content(TWO_BUTTONS)
    fill_and_send(question_field(page), "Which button?")
    assert page.evaluate("pressed") == "send"


def test_a_page_of_an_api_has_no_field_for_a_question(chromium):
    """Django REST framework shows a form at each address of an API."""
    page = chromium.new_context().new_page()
    form = "<form method=post><textarea name=question></textarea></form>"
    page.set_content(form)
    assert question_field(page)
    page.set_content(f'<link href="/static/rest_framework/css/default.css">{form}')
    assert question_field(page) is None
