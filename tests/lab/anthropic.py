"""The Anthropic messages protocol, as Claude Code speaks it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from tests.lab.script import Disconnect, Fail, Hang, Slow, Text, Think, ToolCall, Turn
from tests.lab.sse import Body, Frame, event, pieces

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_ids = itertools.count(1)


def wants(method: str, path: str) -> bool:
    return method == "POST" and path.split("?")[0].startswith("/v1/messages")


def canned(path: str, body: Body) -> Body | None:
    counts = path.split("?")[0].endswith("/count_tokens")
    return {"input_tokens": len(json.dumps(body)) // 4} if counts else None


def is_aside(body: Body) -> bool:
    """Titles, summaries and the like have no tools."""
    return not body.get("tools")


def is_streamed(path: str, body: Body) -> bool:
    return bool(body.get("stream"))


def frames(turn: Turn, body: Body) -> Iterator[Frame]:
    usage = {"input_tokens": turn.used, "output_tokens": 1}
    message = _message([], None, turn.used, body) | {"usage": usage}
    yield event({"type": "message_start", "message": message}, "message_start")
    reason = "end_turn"
    at = 0
    for part in turn.parts:
        if isinstance(part, (Slow, Hang, Disconnect)):
            yield part
        elif not isinstance(part, Fail):
            reason = "tool_use" if isinstance(part, ToolCall) else reason
            yield from _block(at, part)
            at += 1
    delta = {"stop_reason": reason, "stop_sequence": None}
    yield event(
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 40}}, "message_delta"
    )
    yield event({"type": "message_stop"}, "message_stop")


def whole(turn: Turn, body: Body) -> Body:
    blocks: list[Body] = []
    for part in turn.parts:
        if isinstance(part, Text):
            blocks.append({"type": "text", "text": part.text})
        elif isinstance(part, ToolCall):
            blocks.append(_tool_use(part) | {"input": dict(part.args)})
    called = any(block["type"] == "tool_use" for block in blocks)
    return _message(blocks, "tool_use" if called else "end_turn", turn.used, body)


def failure(fail: Fail) -> Body:
    kind = fail.kind or _KINDS.get(fail.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": fail.message}}


def _block(at: int, part: Text | Think | ToolCall) -> Iterator[bytes]:
    if isinstance(part, Text):
        start: Body = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(part.text)]
    elif isinstance(part, Think):
        start = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(part.text)]
        deltas.append({"type": "signature_delta", "signature": "bGFi"})
    else:
        start = _tool_use(part) | {"input": {}}
        text = json.dumps(part.args, ensure_ascii=False)
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(text)]
    yield event(
        {"type": "content_block_start", "index": at, "content_block": start},
        "content_block_start",
    )
    for delta in deltas:
        yield event(
            {"type": "content_block_delta", "index": at, "delta": delta}, "content_block_delta"
        )
    yield event({"type": "content_block_stop", "index": at}, "content_block_stop")


def _tool_use(part: ToolCall) -> Body:
    return {"type": "tool_use", "id": f"toolu_lab{next(_ids):06d}", "name": part.name}


def _message(blocks: list[Body], reason: str | None, used: int, body: Body) -> Body:
    return {
        "id": f"msg_lab{next(_ids):06d}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "lab"),
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": used, "output_tokens": 40},
    }
