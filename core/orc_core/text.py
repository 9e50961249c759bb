"""Untrusted text made safe, once, where it enters.

Invariant: what `clean` returns holds no control character but the newlines that were asked
for, nothing that turns the direction of text or has no width of its own, no surrogate, and no
pile of combining marks; cleaning it again changes nothing. The work is linear in the input.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import category, east_asian_width

MARKS_MAX: Final = 3
"""Combining marks kept on one character; Hebrew and Vietnamese need this many."""

_INPUT_FACTOR: Final = 16
_INPUT_FLOOR: Final = 4096

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400

# A string sequence ends with BEL or ST; a new escape, CAN, SUB or the end of the line cuts it
# short, so that one unterminated title cannot swallow the lines below it.
_SEQUENCES: Final = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x18\x1a\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)

# Every character of category Cc, Cf, Cs and the others that draw nothing of their own: fillers,
# joiners, variation selectors, skin tones, tags, noncharacters. Newlines are handled before this.
_INVISIBLE: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff"
)
_DROPPED: Final = re.compile(f"[{_INVISIBLE}]")

# Where combining marks live; a run of more than the allowed number is looked at closely.
_MARKS: Final = (
    "\u0300-\u1fff\u20d0-\u20ff\u2cef-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\uabff\ufb1e"
    "\ufe20-\ufe2f\U000101fd-\U0001e94a"
)
_MARK_RUN: Final = re.compile(f"[{_MARKS}]{{{MARKS_MAX + 1},}}")

# Whatever anything here looks for has one of these: a text without them is clean already.
_SUSPECT: Final = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_INVISIBLE}{_MARKS}]")

# Wide since Unicode 16, which the interpreter's tables may not know yet.
_WIDE_SYMBOLS: Final = re.compile("[\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d376]")

_BREAKS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_C1_BYTES: Final = {0xDC00 + byte: byte for byte in range(0x80, 0xA0)} | {
    0xDC00 + byte: 0xFFFD for byte in range(0xA0, 0x100)
}
"""Bytes that were no UTF-8: the 8-bit controls become themselves, the rest the replacement."""


def clean(text: str | bytes, *, limit: int = 4000, newlines: bool = False) -> str:
    """Make untrusted text fit for a screen, a file or a tmux buffer.

    At most `limit` characters are kept. Without `newlines` line breaks become spaces.
    """
    cap = limit * _INPUT_FACTOR + _INPUT_FLOOR
    raw = text[:cap]
    if isinstance(raw, bytes):
        raw = raw.decode("utf-8", "surrogateescape").translate(_C1_BYTES)
    if raw.isprintable() and (raw.isascii() or _SUSPECT.search(raw) is None):
        return raw[:limit]
    raw = _BREAKS.sub("\n", raw)
    raw = _SEQUENCES.sub("", raw)
    raw = raw.replace("\t", "    " if newlines else " ")
    if not newlines:
        raw = raw.replace("\n", " ")
    raw = _DROPPED.sub("", raw)
    if not raw.isascii():
        raw = _MARK_RUN.sub(lambda run: _thin(run[0]), raw)
    return raw[:limit]


def _thin(run: str) -> str:
    """Keep the first few combining marks of each pile; what is unassigned may be one."""
    kept: list[str] = []
    marks = 0
    for char in run:
        marks = marks + 1 if category(char) in ("Mn", "Me", "Cn") else 0
        if marks <= MARKS_MAX:
            kept.append(char)
    return "".join(kept)


@lru_cache(maxsize=4096)
def _width(char: str) -> int:
    """Cells of one character as terminals and Rich count them."""
    code = ord(char)
    kind = category(char)
    if kind in ("Mn", "Me", "Mc", "Cc") or 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FF:
        return 0
    if kind == "Cn":
        return 2 if 0x1F300 <= code <= 0x1FAFF or 0x20000 <= code <= 0x3FFFF else 1
    if _WIDE_SYMBOLS.match(char):
        return 2
    return 2 if east_asian_width(char) in "WF" else 1


@lru_cache(maxsize=4096)
def _cells(text: str) -> int:
    return sum(map(_width, text))


def cells(text: str) -> int:
    """Count the terminal cells that clean text takes."""
    return len(text) if text.isascii() else _cells(text)


def has_single_cells(text: str) -> bool:
    """Whether every character of clean text takes one cell, as nearly all do."""
    return text.isascii() or set(map(_width, text)) <= {1}


def _cut(text: str, width: int) -> tuple[str, int]:
    """The longest beginning that fits into `width` cells, and the cells it takes."""
    used = 0
    for index, char in enumerate(text):
        step = _width(char)
        if used + step > width:
            return text[:index], used
        used += step
    return text, used


def fit(text: str, width: int, *, ellipsis: str = "…") -> str:
    """Cut or pad clean text to exactly `width` cells; what is cut ends in `ellipsis`."""
    if width <= 0:
        return ""
    taken = cells(text)
    if taken <= width:
        return text + " " * (width - taken)
    tail, tail_cells = _cut(ellipsis, width)
    head, head_cells = _cut(text, width - tail_cells)
    return head + tail + " " * (width - head_cells - tail_cells)


def age(seconds: float) -> str:
    """Say how long ago something was: `now`, `4m`, `1h07`, `2d`; whole minutes, never seconds."""
    whole = int(max(seconds, 0.0))
    if whole < _MINUTE_S:
        return "now"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}m"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S}h{whole % _HOUR_S // _MINUTE_S:02}"
    return f"{whole // _DAY_S}d"
