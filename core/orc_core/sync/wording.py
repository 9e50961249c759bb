"""Values and fields in one line, for people.

Invariant: what comes out is clean, short, and on one line.
"""

from __future__ import annotations

import json
from typing import Final

from orc_core.sync.paths import MISSING, Value
from orc_core.text import clean

WIDTH: Final = 60
BRIEF: Final = 28
"""How much of a value stands in a line that has more to say."""


def word(value: Value) -> str:
    """Say a value: texts as they are, other values as JSON, a long text by its first line.

    A whole document is told by its title or name.
    """
    if value is MISSING:
        return "(none)"
    if isinstance(value, dict) and "id" in value:
        value = value.get("title") or value.get("name") or value["id"]
    if not isinstance(value, str):
        return shorten(clean(json.dumps(value, ensure_ascii=False), limit=WIDTH + 1))
    first, *more = value.strip("\n").split("\n")
    said = shorten(clean(first, limit=WIDTH + 1)) or '""'
    return f"{said} … ({len(more) + 1} lines)" if more else said


def brief(value: Value) -> str:
    """Say a value in a line that goes on after it: of a text with many lines only how many."""
    lines = value.strip("\n").count("\n") + 1 if isinstance(value, str) else 1
    return f"a text of {lines} lines" if lines > 1 else shorten(word(value), BRIEF)


def shorten(text: str, width: int = WIDTH) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def place(doc: str, path: str) -> str:
    """Name a field of a document, or the document."""
    return f"{doc} {clean(path, limit=WIDTH)}".rstrip()
