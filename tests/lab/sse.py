"""Server-sent events, as all of the protocols frame them."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from tests.lab.script import Disconnect, Hang, Slow

Body: TypeAlias = dict[str, Any]
Frame: TypeAlias = bytes | Slow | Hang | Disconnect


def event(data: Body | str, name: str = "") -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode()


def pieces(text: str, size: int = 24) -> list[str]:
    """A text in the pieces in which a model would stream it."""
    return [text[at : at + size] for at in range(0, len(text), size)]
