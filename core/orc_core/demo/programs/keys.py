"""Bytes from a terminal to keys, the pure half of reading a keyboard raw.

Invariant: what is pasted is one `Paste` and never a key, however the bytes were cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PASTE_MAX: Final = 64_000
_PASTE_BEGIN, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_SEQUENCES: Final = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1b\r": "newline",
}
_CONTROLS: Final = {
    0x03: "ctrl+c",
    0x04: "ctrl+d",
    0x08: "backspace",
    0x09: "tab",
    0x0A: "newline",
    0x0D: "enter",
    0x15: "ctrl+u",
    0x7F: "backspace",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: a named one (`enter`, `escape`, `up`) or the character that it types."""

    name: str


@dataclass(frozen=True, slots=True)
class Paste:
    """A bracketed paste, at most `PASTE_MAX` bytes of it."""

    text: str


class Decoder:
    """Turns chunks of input into keys; keeps what is not whole yet."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def pending(self) -> bool:
        """Whether an escape waits to be told apart from the start of a sequence."""
        return self._rest.startswith(b"\x1b") and not self._rest.startswith(_PASTE_BEGIN)

    def feed(self, data: bytes) -> list[Key | Paste]:
        """Take a chunk and return what it completes."""
        self._rest += data
        return self._take(final=False)

    def flush(self) -> list[Key | Paste]:
        """Return what is left once nothing followed: an Esc that stood alone."""
        return self._take(final=True)

    def _take(self, *, final: bool) -> list[Key | Paste]:
        found: list[Key | Paste] = []
        while self._rest:
            event, used = _first(self._rest, final=final)
            if not used:
                break
            self._rest = self._rest[used:]
            if event is not None:
                found.append(event)
        if len(self._rest) > PASTE_MAX:
            self._rest = self._rest[: len(_PASTE_BEGIN)] + self._rest[-PASTE_MAX // 2 :]
        return found


def _first(data: bytes, *, final: bool) -> tuple[Key | Paste | None, int]:
    """Return the first event and how many bytes it took; 0 bytes means that more must come."""
    if data[0] == 0x1B:
        return _escape(data, final=final)
    if data[0] in _CONTROLS:
        return Key(_CONTROLS[data[0]]), 1
    if data[0] < 0x20:
        return None, 1
    return _character(data, final=final)


def _escape(data: bytes, *, final: bool) -> tuple[Key | Paste | None, int]:
    if data.startswith(_PASTE_BEGIN):
        end = data.find(_PASTE_END)
        if end < 0:
            return None, 0
        text = data[len(_PASTE_BEGIN) : end].decode(errors="replace")
        return Paste(text.replace("\r\n", "\n").replace("\r", "\n")), end + len(_PASTE_END)
    for sequence, name in _SEQUENCES.items():
        if data.startswith(sequence):
            return Key(name), len(sequence)
    if data[1:2] == b"[":
        for at in range(2, len(data)):
            if 0x40 <= data[at] <= 0x7E:
                return None, at + 1  # a key we have no use for
    if final or (len(data) > 1 and data[1:2] not in b"[O"):
        return Key("escape"), 1
    return None, 0


def _character(data: bytes, *, final: bool) -> tuple[Key | Paste | None, int]:
    lead = data[0]
    size = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if len(data) < size and not final:
        return None, 0
    return Key(data[:size].decode(errors="replace")), min(size, len(data))
