"""Escape sequences found in a stream, however it is cut into pieces."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.tmux.listener import RECORDS_MAX, SEQUENCE_MAX_BYTES, Extractor, Records, key_of

BODIES = {
    b"\x1b]7501;state=working\x1b\\": [b"7501;state=working"],
    b"\x1b]9;4;3;0\x07": [b"9;4;3;0"],
    b"text \x07 more": [b""],
    b"\x1b]0;a title with a bell\x07": [b"0;a title with a bell"],
    b"\x1bPtmux;\x1b\x1b]9;4;1;40\x07\x1b\\": [b"9;4;1;40"],
    b"\x1bPtmux;\x1b\x1b]777;notify;a;b\x1b\x1b\\\x1b\\": [b"777;notify;a;b"],
    b"\x1bP+q544e\x07\x1b\\\x07": [b""],
    b"\x1b]9;cut\x18short\x07": [b""],
    b"\x1b]9;cut\x1b[31mby another\x07": [b""],
    b"\x1b\x1b]9;two escapes\x07": [b"9;two escapes"],
    b"\x1b]1;one\x1b]2;two\x07": [b"2;two"],
    b"\x1b]9;" + b"x" * (SEQUENCE_MAX_BYTES + 1) + b"\x07\x1b]9;next\x07": [b"9;next"],
    b"\xc2\x9d9;no introducer in UTF-8\x07": [b""],
}


@pytest.mark.parametrize("stream", BODIES, ids=lambda stream: repr(stream[:24]))
def test_bodies_are_found_whole_and_byte_by_byte(stream: bytes) -> None:
    assert Extractor().feed(stream) == BODIES[stream]
    slow = Extractor()
    found = [body for at in range(len(stream)) for body in slow.feed(stream[at : at + 1])]
    assert found == BODIES[stream]


@given(
    st.lists(st.sampled_from([*BODIES, b"\x1b", b"]", b"\\", b"P", b"\x07", b"plain"]), max_size=8),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_pieces_never_change_what_is_found(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = Extractor()
    found = [
        body for i in range(len(edges) - 1) for body in pieces.feed(stream[edges[i] : edges[i + 1]])
    ]
    assert found == Extractor().feed(stream)


def test_a_later_record_replaces_an_earlier_one_of_its_key() -> None:
    assert key_of(b"7501;state=idle") == key_of(b"7501;state=working:msg=aGk=")
    assert key_of(b"7501;state=idle:id=a/b") != key_of(b"7501;state=idle")
    assert key_of(b"9;4;1;20") != key_of(b"9;hello") == key_of(b"777;notify;a;b")
    assert key_of(b"133;D;1") != key_of(b"133;A")
    assert key_of(b"0;title") == key_of(b"52;c;secret") == ""


def test_a_file_holds_no_more_than_so_many_records(tmp_path: Path) -> None:
    records = Records(str(tmp_path / "r"))
    for number in range(3 * RECORDS_MAX):
        records.take(b"7501;state=idle:id=%d" % number, float(number))
    records.write()
    lines = (tmp_path / "r").read_text().splitlines()
    assert len(lines) == RECORDS_MAX + 1
    assert bytes.fromhex(lines[-1].split()[2]) == b"7501;state=idle:id=%d" % (3 * RECORDS_MAX - 1)
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o600
