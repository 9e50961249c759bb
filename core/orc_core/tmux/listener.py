"""The program at the end of a pane's pipe: it keeps the last of each report a program sent.

tmux takes operating system commands (OSC) and bells off the screen; a pipe sees them. This file
is run by its path, without site packages, so that it costs little: it imports nothing of ours.

Invariant: whatever arrives is read at once and never answered, so that tmux never has to keep
it; memory and the file are bounded. What is written is raw: who reads it has to clean it.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time

SEQUENCE_MAX_BYTES = 4096
RECORDS_MAX = 32
READ_BYTES = 256 * 1024
WRITE_EVERY_S = 0.1

BELL = "bell"
_STARTS = re.compile(rb"[\x07\x1b]")
_ENDS = re.compile(rb"[\x07\x18\x1a\x1b]")
_PASSED = b"tmux;"


class Extractor:
    """Finds OSC bodies and bells in a stream that comes in pieces.

    A body longer than SEQUENCE_MAX_BYTES, or cut short by CAN, SUB or another escape, is dropped
    whole. Sequences in tmux's passthrough are found, too.
    """

    def __init__(self) -> None:
        self._found: list[bytes] = []
        self._introducer = b""
        self._body = bytearray()
        self._escaped = False
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the body of every OSC that ends in `data`, in order, and b"" for a bell."""
        self._found = []
        at = 0
        while at < len(data):
            if self._escaped:
                at += self._after_escape(data[at : at + 1])
            elif self._introducer:
                at = self._inside(data, at)
            else:
                start = _STARTS.search(data, at)
                if start is None:
                    break
                at = start.end()
                if start[0] == b"\x07":
                    self._found.append(b"")
                else:
                    self._escaped = True
        return self._found

    def _after_escape(self, byte: bytes) -> int:
        """An escape stands before `byte`; returns how much of it was used up."""
        self._escaped = False
        if not self._introducer:
            if byte in (b"]", b"P", b"X", b"^", b"_"):
                self._open(byte)
            elif byte == b"\x1b":
                self._escaped = True
            return 1
        if byte == b"\\":
            self._close()
            return 1
        if self._introducer == b"P" and byte == b"\x1b":
            self._keep(b"\x1b")
            return 1
        self._introducer = b""
        self._escaped = True
        return 0

    def _inside(self, data: bytes, at: int) -> int:
        """Take what belongs to the sequence that is open; returns where it stopped."""
        end = _ENDS.search(data, at)
        self._keep(data[at : end.start()] if end is not None else data[at:])
        if end is None:
            return len(data)
        if end[0] == b"\x1b":
            self._escaped = True
        elif end[0] == b"\x07" and self._introducer == b"]":
            self._close()
        elif end[0] == b"\x07":
            self._keep(b"\x07")
        else:
            self._introducer = b""
        return end.end()

    def _open(self, introducer: bytes) -> None:
        self._introducer, self._too_long = introducer, False
        self._body.clear()

    def _keep(self, data: bytes) -> None:
        if len(self._body) + len(data) > SEQUENCE_MAX_BYTES:
            self._too_long = True
        elif not self._too_long:
            self._body += data

    def _close(self) -> None:
        introducer, self._introducer = self._introducer, b""
        if self._too_long:
            return
        body = bytes(self._body)
        if introducer == b"]":
            self._found.append(body)
        elif introducer == b"P" and body.startswith(_PASSED):
            self._found += Extractor().feed(body[len(_PASSED) :])


def key_of(body: bytes) -> str:
    """What a report replaces: the last one of the same key. "" for one that is of no use."""
    if not body:
        return BELL
    number, _, rest = body.partition(b";")
    if number == b"7501":
        fields = rest.split(b":")
        path = next((field[3:] for field in fields if field.startswith(b"id=")), b"")
        return f"status/{path.hex()}" if len(path) <= 64 else ""
    if number == b"9":
        return "progress" if rest.startswith(b"4;") else "notice"
    if number in (b"777", b"99"):
        return "notice"
    if number == b"133":
        return "ended" if rest[:1] == b"D" else "shell"
    return ""


class Records:
    """The last report of each key, and when it came, in seconds since the epoch."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept: dict[str, tuple[float, bytes]] = {}
        self.changed = True

    def take(self, body: bytes, at: float) -> None:
        key = key_of(body)
        if not key:
            return
        self._kept.pop(key, None)
        self._kept[key] = (at, body)
        if len(self._kept) > RECORDS_MAX:
            del self._kept[next(iter(self._kept))]
        self.changed = True

    def write(self) -> None:
        """Replace the file; a full disk loses the news and nothing else."""
        self.changed = False
        lines = [f"listener {os.getpid()}"]
        lines += [f"{key} {at:.3f} {body.hex()}" for key, (at, body) in self._kept.items()]
        fresh = f"{self._path}.{os.getpid()}"
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            try:
                os.write(handle, "".join(f"{line}\n" for line in lines).encode())
            finally:
                os.close(handle)
            os.rename(fresh, self._path)  # noqa: PTH104 (pathlib is dear to import)
        except OSError:
            pass


def main(argv: list[str]) -> int:
    """Read standard input to its end; `argv` names the file to keep."""
    extractor, records = Extractor(), Records(argv[1])
    written_at = float("-inf")
    while True:
        wait_s = max(0.0, written_at + WRITE_EVERY_S - time.monotonic())
        due = records.changed and wait_s == 0.0
        if due:
            records.write()
            written_at = time.monotonic()
            continue
        if not select.select([0], [], [], wait_s if records.changed else None)[0]:
            continue
        data = os.read(0, READ_BYTES)
        if not data:
            break
        now = time.time()
        for body in extractor.feed(data):
            records.take(body, now)
    if records.changed:
        records.write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
