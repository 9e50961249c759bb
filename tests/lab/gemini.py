"""The Gemini protocol, as Gemini CLI speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.lab.script import Disconnect, Fail, Hang, Slow, Text, Think, ToolCall, Turn
from tests.lab.sse import Body, Frame, event, pieces

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def wants(method: str, path: str) -> bool:
    where = path.split("?")[0]
    return method == "POST" and where.startswith(("/v1beta/models/", "/v1/models/", "/v1beta1/"))


def canned(path: str, body: Body) -> Body | None:
    where = path.split("?")[0]
    if where.endswith(":countTokens"):
        return {"totalTokens": len(json.dumps(body)) // 4}
    if where.endswith((":embedContent", ":batchEmbedContents")):
        return {"embedding": {"values": [0.0]}}
    return None


def is_aside(body: Body) -> bool:
    """Summaries, routing and checks of what comes next have no tools."""
    return not body.get("tools")


def is_streamed(path: str, body: Body) -> bool:
    return ":streamGenerateContent" in path


def frames(turn: Turn, body: Body) -> Iterator[Frame]:
    for part in turn.parts:
        if isinstance(part, (Slow, Hang, Disconnect)):
            yield part
        elif isinstance(part, Text):
            for piece in pieces(part.text):
                yield event(_candidate([{"text": piece}], turn))
        elif not isinstance(part, Fail):
            yield event(_candidate(_parts(part), turn))
    yield event(_candidate([{"text": ""}], turn, "STOP"))


def whole(turn: Turn, body: Body) -> Body:
    made = [
        one
        for part in turn.parts
        if isinstance(part, (Text, Think, ToolCall))
        for one in _parts(part)
    ]
    return _candidate(made or [{"text": ""}], turn, "STOP")


def failure(fail: Fail) -> Body:
    status = fail.kind or _STATUS.get(fail.status, "UNKNOWN")
    return {"error": {"code": fail.status, "message": fail.message, "status": status}}


def _parts(part: Text | Think | ToolCall) -> list[Body]:
    if isinstance(part, ToolCall):
        return [{"functionCall": {"name": part.name, "args": dict(part.args)}}]
    if isinstance(part, Think):
        return [{"text": part.text, "thought": True}]
    return [{"text": part.text}]


def _candidate(parts: list[Body], turn: Turn, reason: str | None = None) -> Body:
    candidate: Body = {"content": {"role": "model", "parts": parts}, "index": 0}
    if reason is not None:
        candidate["finishReason"] = reason
    usage = {
        "promptTokenCount": turn.used,
        "candidatesTokenCount": 40,
        "totalTokenCount": turn.used + 40,
    }
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "lab"}
