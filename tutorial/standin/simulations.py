"""The questions for which the stand-in simulates a failure of the API."""

import re
from dataclasses import dataclass

PREFIX = "simulate:"


@dataclass(frozen=True)
class Simulation:
    """One simulated failure: the question that triggers it, and its effect.

    An HTTP error has a status, and the API's type, code and message. A `behaviour` is a
    failure that the server implements. A `text` replaces the usual answer.
    """

    name: str
    description: str
    status: int = 200
    type: str = ""
    code: str | None = None
    message: str = ""
    behaviour: str = ""
    text: str = ""
    param: str | None = None  # the part of the request that the error is about
    headers: tuple[tuple[str, str], ...] = ()


SIMULATIONS = (
    Simulation(
        "rate limit",
        "429 each time: too many requests",
        status=429,
        type="requests",
        code="rate_limit_exceeded",
        message="Rate limit reached. Please try again later.",
    ),
    Simulation(
        "no quota",
        "429 that a retry cannot fix: the account has no money left",
        status=429,
        type="insufficient_quota",
        code="insufficient_quota",
        message="You exceeded your current quota, please check your plan.",
    ),
    Simulation(
        "server error",
        "500 each time",
        status=500,
        type="server_error",
        message="The server had an error while processing your request.",
    ),
    Simulation(
        "hiccup",
        "500 the first time that the question is asked, and an answer after that",
        status=500,
        type="server_error",
        message="The server had an error while processing your request.",
        behaviour="once",
    ),
    Simulation(
        "bad key",
        "401, the status that the API returns for an unknown key",
        status=401,
        type="invalid_request_error",
        code="invalid_api_key",
        message="Incorrect API key provided.",
    ),
    Simulation(
        "busy",
        "429 the first time, with a Retry-After of 3 seconds, and an answer after that",
        status=429,
        type="requests",
        code="rate_limit_exceeded",
        message="Rate limit reached. Please try again in 3 s.",
        behaviour="once",
        headers=(("Retry-After", "3"),),
    ),
    Simulation(
        "closed",
        "429 each time, with a Retry-After of ten minutes",
        status=429,
        type="requests",
        code="rate_limit_exceeded",
        message="Rate limit reached. Please try again in 10 min.",
        headers=(("Retry-After", "600"),),
    ),
    Simulation(
        "no model",
        "404, the status that the API returns for an unknown model",
        status=404,
        type="invalid_request_error",
        code="model_not_found",
        message="The model does not exist or you do not have access to it.",
    ),
    Simulation(
        "no stream",
        "400 if a stream is requested: the organization is not verified",
        status=400,
        type="invalid_request_error",
        code="unsupported_value",
        message="Your organization must be verified to stream this model.",
        param="stream",
        behaviour="whole",
    ),
    Simulation(
        "thinking",
        "begins a stream, but sends no word for 25 seconds",
        behaviour="think",
    ),
    Simulation("slow", "an answer that takes 10 seconds to begin", behaviour="slow"),
    Simulation(
        "silence", "accepts the request, but never answers", behaviour="silence"
    ),
    Simulation(
        "cut stream",
        "closes the connection in the middle of the answer",
        behaviour="cut",
    ),
    Simulation(
        "stalled stream",
        "stops in the middle of the answer and keeps the connection open",
        behaviour="stall",
    ),
    Simulation(
        "no end",
        "a stream that ends normally, but without its last event, response.completed",
        behaviour="no end",
    ),
    Simulation(
        "refusal",
        "an answer with a refusal instead of text",
        behaviour="refusal",
        text="I'm sorry, but I can't help with that.",
    ),
    Simulation(
        "script",
        "an answer that contains HTML with a script",
        text="<script>document.title = 'hacked'</script>"
        "<img src=x onerror=\"document.title = 'hacked'\"> <b>bold</b>",
    ),
)

_BY_NAME = {simulation.name: simulation for simulation in SIMULATIONS}


def find(question: str) -> Simulation | None:
    """Return the simulation if the question ends with "simulate: NAME", otherwise None.

    A project may add a prompt before the question, and a quotation mark after it.
    """
    asked = re.search(rf"{PREFIX}\s*([a-z ]+?)\W*$", question.lower())
    return _BY_NAME.get(asked[1]) if asked else None


def listing() -> str:
    """Return the list of all simulations as text, one per line."""
    width = max(len(name) for name in _BY_NAME)
    return "\n".join(
        f"{PREFIX} {simulation.name:<{width}}  {simulation.description}"
        for simulation in SIMULATIONS
    )
