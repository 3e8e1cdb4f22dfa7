"""The JSON of the Responses API: an answer, its stream of events, an error.

Source: the OpenAI API reference ("Responses", "Streaming events") and the types of the
`openai` package. A test parses the JSON with this package.
"""

import itertools
import re
import time
import uuid
from collections.abc import Iterator


def error(type_: str, code: str | None, message: str, param: str | None = None) -> dict:
    """Return the body of an HTTP error.

    `param` is the part of the request that the error is about.
    """
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


class Answer:
    """One answer to one request: whole, or as a stream of events."""

    def __init__(self, request: dict, text: str, *, refusal: bool = False) -> None:
        self._request = request
        self._text = text
        self._refusal = refusal
        self._id = f"resp_{uuid.uuid4().hex}"
        self._message_id = f"msg_{uuid.uuid4().hex}"
        self._created_at = time.time()

    def whole(self) -> dict:
        """Return the body of the response for an answer that is not streamed."""
        return self._response("completed", [self._message("completed", self._part())])

    def events(self) -> Iterator[dict]:
        """Yield the stream's events, from response.created to response.completed."""
        numbers = itertools.count()

        def event(type_: str, **fields: object) -> dict:
            return {"type": type_, "sequence_number": next(numbers), **fields}

        place = {"item_id": self._message_id, "output_index": 0, "content_index": 0}
        message = self._message("completed", self._part())
        kind = "refusal" if self._refusal else "output_text"
        logprobs = {} if self._refusal else {"logprobs": []}
        yield event("response.created", response=self._response("in_progress", []))
        yield event("response.in_progress", response=self._response("in_progress", []))
        yield event(
            "response.output_item.added",
            output_index=0,
            item=self._message("in_progress"),
        )
        yield event("response.content_part.added", **place, part=self._part(""))
        for word in re.findall(r"\s*\S+\s*$|\s*\S+", self._text):
            yield event(f"response.{kind}.delta", **place, delta=word, **logprobs)
        whole = {"refusal" if self._refusal else "text": self._text}
        yield event(f"response.{kind}.done", **place, **whole, **logprobs)
        yield event("response.content_part.done", **place, part=self._part())
        yield event("response.output_item.done", output_index=0, item=message)
        yield event("response.completed", response=self.whole())

    def _part(self, text: str | None = None) -> dict:
        text = self._text if text is None else text
        if self._refusal:
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _message(self, status: str, *parts: dict) -> dict:
        return {
            "type": "message",
            "id": self._message_id,
            "status": status,
            "role": "assistant",
            "content": list(parts),
        }

    def _response(self, status: str, output: list[dict]) -> dict:
        # Assume four characters per token: an exact count needs the model's tokenizer.
        tokens = [
            len(str(self._request.get("input", ""))) // 4 + 1,
            len(self._text) // 4 + 1,
        ]
        usage = {
            "input_tokens": tokens[0],
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": tokens[1],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": sum(tokens),
        }
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created_at,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": self._request.get("instructions"),
            "max_output_tokens": self._request.get("max_output_tokens"),
            "metadata": self._request.get("metadata") or {},
            "model": self._request["model"],
            "output": output,
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "store": self._request.get("store", True),
            "temperature": self._request.get("temperature", 1.0),
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": self._request.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": usage if status == "completed" else None,
            "user": None,
        }
