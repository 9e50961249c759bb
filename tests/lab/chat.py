"""The chat completions protocol, as opencode, aider and many others speak it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from tests.lab.script import Disconnect, Fail, Hang, Slow, Text, Think, ToolCall, Turn
from tests.lab.sse import Body, Frame, event, pieces

_ids = itertools.count(1)


def wants(method: str, path: str) -> bool:
    return method == "POST" and path.split("?")[0].endswith("/chat/completions")


def canned(path: str, body: Body) -> Body | None:
    return None


def is_aside(body: Body) -> bool:
    """A title is asked for by name; some agents have no tools at all."""
    first = str((body.get("messages") or [{}])[0].get("content", ""))
    return not body.get("tools") and "title" in first[:400].lower()


def is_streamed(path: str, body: Body) -> bool:
    return bool(body.get("stream"))


def frames(turn: Turn, body: Body) -> Iterator[Frame]:
    ident = f"chatcmpl-lab{next(_ids):06d}"

    def chunk(delta: Body, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return event(_about(ident, "chat.completion.chunk", body) | {"choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    calls = 0
    for part in turn.parts:
        if isinstance(part, (Slow, Hang, Disconnect)):
            yield part
        elif isinstance(part, Text):
            for piece in pieces(part.text):
                yield chunk({"content": piece})
        elif isinstance(part, Think):
            for piece in pieces(part.text):
                yield chunk({"reasoning_content": piece})
        elif isinstance(part, ToolCall):
            yield chunk({"tool_calls": [_call(part) | {"index": calls}]})
            calls += 1
    yield chunk({}, "tool_calls" if calls else "stop")
    about = _about(ident, "chat.completion.chunk", body)
    yield event(about | {"choices": [], "usage": _usage(turn)})
    yield event("[DONE]")


def whole(turn: Turn, body: Body) -> Body:
    text = "".join(part.text for part in turn.parts if isinstance(part, Text))
    calls = [_call(part) for part in turn.parts if isinstance(part, ToolCall)]
    message: Body = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = calls
    reason = "tool_calls" if calls else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    about = _about(f"chatcmpl-lab{next(_ids):06d}", "chat.completion", body)
    return about | {"choices": [choice], "usage": _usage(turn)}


def failure(fail: Fail) -> Body:
    return {"error": {"type": fail.kind or "lab_error", "code": None, "message": fail.message}}


def _about(ident: str, kind: str, body: Body) -> Body:
    return {"id": ident, "object": kind, "created": 0, "model": body.get("model", "lab")}


def _call(part: ToolCall) -> Body:
    function = {"name": part.name, "arguments": json.dumps(part.args, ensure_ascii=False)}
    return {"id": f"call_lab{next(_ids):06d}", "type": "function", "function": function}


def _usage(turn: Turn) -> Body:
    return {
        "prompt_tokens": turn.used,
        "completion_tokens": 40,
        "total_tokens": turn.used + 40,
    }
