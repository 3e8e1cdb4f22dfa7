"""Lets many visitors ask at the same moment, for sections (c) and (f)."""

import asyncio
import time
from dataclasses import dataclass

from tutorial.bench.candidates import Candidate, Stage
from tutorial.bench.client import PATIENCE, NoAnswer
from tutorial.bench.visitors import Visitor


@dataclass(frozen=True)
class Rush:
    """The result of many questions at once.

    `seconds` is the time from the start to the last answer that has arrived.
    """

    sent: int
    received: int
    asked: int  # requests to the API
    seconds: float

    def counts(self) -> dict[str, int]:
        """Return the three counts. They are equal if nothing is lost or asked twice."""
        return {"sent": self.sent, "received": self.received, "asked": self.asked}


async def get_ready(
    stage: Stage, candidate: Candidate, visitor: Visitor, latency: float
) -> None:
    """Wait until one question is answered. Then set the API's latency, in seconds.

    The log of a worker is not enough: the worker logs "ready" a moment before it takes
    messages.
    """
    await stage.pace(latency=0)
    with candidate.blamed():
        await visitor.submit("Are you there?")
        await visitor.answers.of("Are you there?")
    await stage.pace(latency=latency)


async def ask_at_once(
    stage: Stage,
    candidate: Candidate,
    visitors: list[Visitor],
    each: int,
    patience: float = PATIENCE,
) -> Rush:
    """Let every visitor send `each` questions, and wait for the answers.

    A visitor waits up to `patience` seconds for each answer.
    """
    asked_before = (await stage.figures())["requests"]
    sent: list[str] = []

    async def ask(visitor: Visitor, visitor_number: int) -> list[float]:
        questions = [
            f"Question {number} of visitor {visitor_number}?" for number in range(each)
        ]
        for question in questions:
            await visitor.submit(question)
            sent.append(question)
        moments, left = [], patience
        for question in questions:
            try:
                moments.append(await visitor.answers.of(question, left))
            except NoAnswer:
                left = 0  # do not wait longer for the others: they had the same time
        return moments

    started = time.monotonic()
    with candidate.blamed():
        answered = await asyncio.gather(
            *(ask(visitor, number) for number, visitor in enumerate(visitors))
        )
    moments = [moment for moments in answered for moment in moments]
    asked = (await stage.figures())["requests"] - asked_before
    last = max(moments, default=started)
    return Rush(len(sent), len(moments), asked, last - started)


def loss(name: str, figures: dict) -> list[str]:
    """Return a sentence if the row `name` shows a lost answer or a repeated request."""
    if figures["sent"] == figures["received"] == figures["asked"]:
        return []
    return [
        f"{name}: {figures['sent']} searches, {figures['asked']} API calls,"
        f" {figures['received']} answers."
    ]
