"""The OpenAI responses protocol, as Codex speaks it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from tests.lab.script import Disconnect, Fail, Hang, Slow, Text, Think, ToolCall, Turn
from tests.lab.sse import Body, Frame, event, pieces

RAW = "__raw__"
"""The argument of a call of a free-form tool: its whole input as one text."""
_ids = itertools.count(1)


def wants(method: str, path: str) -> bool:
    where = path.split("?")[0].rstrip("/")
    return where.endswith("/responses") and method == "POST"


def canned(path: str, body: Body) -> Body | None:
    return None


def is_aside(body: Body) -> bool:
    """Titles, summaries and the like have no tools."""
    return not body.get("tools")


def is_streamed(path: str, body: Body) -> bool:
    return bool(body.get("stream"))


def frames(turn: Turn, body: Body) -> Iterator[Frame]:
    ident = f"resp_lab{next(_ids):06d}"
    counter = itertools.count()

    def told(kind: str, **data: object) -> bytes:
        return event({"type": kind, "sequence_number": next(counter)} | data, kind)

    begun = {"id": ident, "object": "response", "status": "in_progress", "output": []}
    yield told("response.created", response=begun)
    items: list[Body] = []
    for part in turn.parts:
        if isinstance(part, (Slow, Hang, Disconnect)):
            yield part
            continue
        if isinstance(part, Fail):
            error = {"code": part.kind or "server_error", "message": part.message}
            failed = begun | {"status": "failed", "error": error}
            yield told("response.failed", response=failed)
            return
        item = _item(part)
        at = len(items)
        yield told("response.output_item.added", output_index=at, item=_opened(item))
        if isinstance(part, Text):
            about = {"item_id": item["id"], "output_index": at, "content_index": 0}
            for piece in pieces(part.text):
                yield told("response.output_text.delta", delta=piece, **about)
        elif isinstance(part, Think):
            about = {"item_id": item["id"], "output_index": at, "summary_index": 0}
            yield told("response.reasoning_summary_part.added", **about)
            for piece in pieces(part.text):
                yield told("response.reasoning_summary_text.delta", delta=piece, **about)
        yield told("response.output_item.done", output_index=at, item=item)
        items.append(item)
    done = begun | {"status": "completed", "output": items, "usage": _usage(turn)}
    yield told("response.completed", response=done)


def whole(turn: Turn, body: Body) -> Body:
    parts = [part for part in turn.parts if isinstance(part, (Text, Think, ToolCall))]
    return {
        "id": f"resp_lab{next(_ids):06d}",
        "object": "response",
        "status": "completed",
        "output": [_item(part) for part in parts],
        "usage": _usage(turn),
    }


def failure(fail: Fail) -> Body:
    return {"error": {"type": fail.kind or "lab_error", "code": None, "message": fail.message}}


def _item(part: Text | Think | ToolCall) -> Body:
    number = f"{next(_ids):06d}"
    if isinstance(part, Text):
        content = [{"type": "output_text", "text": part.text, "annotations": []}]
        return {
            "type": "message",
            "id": f"msg_lab{number}",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }
    if isinstance(part, Think):
        summary = [{"type": "summary_text", "text": part.text}]
        return {"type": "reasoning", "id": f"rs_lab{number}", "summary": summary}
    call = {"call_id": f"call_lab{number}", "name": part.name, "status": "completed"}
    if RAW in part.args:
        return {
            "type": "custom_tool_call",
            "id": f"ctc_lab{number}",
            "input": part.args[RAW],
        } | call
    arguments = json.dumps(part.args, ensure_ascii=False)
    return {"type": "function_call", "id": f"fc_lab{number}", "arguments": arguments} | call


def _opened(item: Body) -> Body:
    """An item as it is announced, before any of its content."""
    empty = {"content": [], "summary": [], "arguments": "", "input": "", "status": "in_progress"}
    return {name: empty.get(name, value) for name, value in item.items()}


def _usage(turn: Turn) -> Body:
    return {
        "input_tokens": turn.used,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 40,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": turn.used + 40,
    }
