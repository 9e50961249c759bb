"""The language of filters: words, "quoted words", `field:value,value`, and `-` before what is not.

Invariant: pure and total. Every text can be read while it is being typed; what is wrong in it is
said beside the terms that stand.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orc_core.errors import UsageError
from orc_core.text import clean

TEXT_MAX: Final = 1000
"""Characters of a filter that are read."""
HINT: Final = "13:00, 2h, 90m, 3d, 2026-11-20 or 2026-11-20T13:00"
_STEPS_S: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_AGO: Final = re.compile(r"(\d{1,9})([smhdw])")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_FIELD: Final = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that is asked for: `field` is "" for a word that may stand anywhere.

    Of several `values` one is enough. `is_not` asks for the rows of which it is not so.
    """

    field: str
    values: tuple[str, ...]
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text asks for, and what is wrong with it."""

    terms: tuple[Term, ...]
    faults: tuple[str, ...] = ()


def read(text: str, fields: Collection[str]) -> Reading:
    """Read what was typed; a field that is not among `fields` is said, and taken as a word.

    A field without a value yet asks for nothing.
    """
    terms: list[Term] = []
    faults: list[str] = []
    for piece in _pieces(text[:TEXT_MAX]):
        is_not = piece.startswith("-") and len(piece) > 1
        body = piece[1:] if is_not else piece
        name, colon, value = body.partition(":")
        name = name.casefold()
        if not colon or not _FIELD.fullmatch(name):
            values: tuple[str, ...] = (_unquoted(body),)
            name = ""
        elif name in fields:
            values = tuple(_unquoted(one) for one in _split(value, ","))
        else:
            known = ", ".join(fields)
            faults.append(f'no field {clean(name, limit=20)} here: {known}; "a:b" looks for text')
            name, values = "", (_unquoted(body),)
        if kept := tuple(one for one in values if one):
            terms.append(Term(name, kept, is_not))
    return Reading(tuple(terms), tuple(faults))


def _pieces(text: str) -> list[str]:
    """The pieces between spaces; a space within quotes is part of its piece."""
    return [piece for piece in _split(" ".join(text.split()), " ") if piece]


def _split(text: str, at: str) -> list[str]:
    """Split a text where a character stands outside of quotes; an open quote ends with it."""
    found = [""]
    is_quoted = False
    for char in text:
        is_quoted ^= char == '"'
        if char == at and not is_quoted:
            found.append("")
        else:
            found[-1] += char
    return found


def _unquoted(text: str) -> str:
    return text.replace('"', "")


def moment(text: str, now: float) -> float:
    """Read a time in local time as seconds since the epoch; `2h` is so long ago.

    A time of day is the last one that is over. Raises UsageError.
    """
    if ago := _AGO.fullmatch(text.casefold()):
        return max(now - int(ago[1]) * _STEPS_S[ago[2]], 0.0)
    here = datetime.fromtimestamp(now).astimezone()
    try:
        if clock := _CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in clock.groups())
            found = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
            if found > here:
                found = (found.replace(tzinfo=None) - timedelta(days=1)).astimezone()
            return found.timestamp()
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{clean(text, limit=40)!r} is no time: give one such as {HINT}") from None
