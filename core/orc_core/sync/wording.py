"""Values and fields in one line, for people.

Invariant: what comes out is clean, short, and on one line.
"""

from __future__ import annotations

import json
from typing import Final

from orc_core.sync.paths import MISSING, Value
from orc_core.text import clean

WIDTH: Final = 60


def word(value: Value) -> str:
    """Say a value: texts as they are, other values as JSON, a long text by its first line."""
    if value is MISSING:
        return "(none)"
    if not isinstance(value, str):
        return shorten(clean(json.dumps(value, ensure_ascii=False), limit=WIDTH + 1))
    first, *more = value.strip("\n").split("\n")
    said = shorten(clean(first, limit=WIDTH + 1)) or '""'
    return f"{said} … ({len(more) + 1} lines)" if more else said


def shorten(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def place(doc: str, path: str) -> str:
    """Name a field of a document, or the document."""
    return f"{doc} {clean(path, limit=WIDTH)}".rstrip()
