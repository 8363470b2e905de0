"""A language model on loopback that answers as OpenAI's does, for clients whose calls are counted."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Final

from model_exporter.demo.processes import HOST

PROMPT_TOKENS: Final = 11
ANSWER_TOKENS: Final = 7
CACHED_TOKENS: Final = 4
REASONING_TOKENS: Final = 3
EMBEDDED_TOKENS: Final = 5
PAUSE_SECONDS: Final = 0.05
"""Before each part of an answer in parts."""

_NUMBERS = count(1)
_USAGE: Final = {
    "prompt_tokens": PROMPT_TOKENS,
    "completion_tokens": ANSWER_TOKENS,
    "total_tokens": PROMPT_TOKENS + ANSWER_TOKENS,
    "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
    "completion_tokens_details": {"reasoning_tokens": REASONING_TOKENS},
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            usage = {"prompt_tokens": EMBEDDED_TOKENS, "total_tokens": EMBEDDED_TOKENS}
            data = [{"object": "embedding", "index": 0, "embedding": [0.25, 0.5]}]
            self._reply(200, {"object": "list", "model": asked["model"], "data": data, "usage": usage})
        elif asked.get("user") == "too many":
            self._reply(429, {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}})
        elif asked.get("stream"):
            self._reply_in_parts(asked["model"])
        else:
            message = {"role": "assistant", "content": "Hello"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._reply(200, _completion(asked["model"], "chat.completion") | {"choices": [choice], "usage": _USAGE})

    def _reply(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _reply_in_parts(self, model: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        head = _completion(model, "chat.completion.chunk")
        deltas: list[tuple[dict[str, str], str | None]] = [({"content": "Hel"}, None), ({"content": "lo"}, None)]
        for delta, reason in (*deltas, ({}, "length")):
            time.sleep(PAUSE_SECONDS)
            self._part(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
        self._part(head | {"choices": [], "usage": _USAGE})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _part(self, body: object) -> None:
        self.wfile.write(f"data: {json.dumps(body)}\n\n".encode())


def _completion(model: str, kind: str) -> dict[str, Any]:
    """What every answer has; the model that answers is another version of the one that was asked."""
    return {"id": f"chatcmpl-{next(_NUMBERS)}", "object": kind, "created": 1, "model": f"{model}-2026"}


@contextmanager
def language_model() -> Iterator[str]:
    """Where a language model is; it is gone in the end."""
    server = ThreadingHTTPServer((HOST, 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
