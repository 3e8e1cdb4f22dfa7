"""The JSON of the Chat Completions API: an answer, and its stream of chunks.

Source: the OpenAI API reference ("Chat") and the types of the `openai` package. A test
parses all of it with that package.
"""

import re
import time
import uuid
from collections.abc import Iterator


class Answer:
    """One answer to one request: whole, or as a stream of chunks."""

    def __init__(self, request: dict, text: str, *, refusal: bool = False) -> None:
        self._request = request
        self._text = text
        self._kind = "refusal" if refusal else "content"
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())

    def whole(self) -> dict:
        """Return the body of the response for an answer that is not streamed."""
        message = {"role": "assistant", "content": None, "refusal": None}
        message[self._kind] = self._text
        # Assume four characters per token: an exact count needs the model's tokenizer.
        asked = len(str(self._request.get("messages", ""))) // 4 + 1
        answered = len(self._text) // 4 + 1
        usage = {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
        }
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        choice["logprobs"] = None
        return self._body("chat.completion", [choice]) | {"usage": usage}

    def events(self) -> Iterator[dict]:
        """Yield the stream's chunks: the role, the words, and why the stream ends."""
        yield self._chunk({"role": "assistant", "content": ""})
        for word in re.findall(r"\s*\S+\s*$|\s*\S+", self._text):
            yield self._chunk({self._kind: word})
        yield self._chunk({}, "stop")

    def _chunk(self, delta: dict, reason: str | None = None) -> dict:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        choice["logprobs"] = None
        return self._body("chat.completion.chunk", [choice])

    def _body(self, kind: str, choices: list[dict]) -> dict:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._request["model"],
            "choices": choices,
        }
