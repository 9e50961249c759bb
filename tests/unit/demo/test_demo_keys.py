"""The keyboard of the scripted agents: however bytes are cut, the same keys come out."""

from __future__ import annotations

import pytest

from orc_core.demo.programs.keys import PASTE_MAX, Decoder, Key, Paste


def decode(*chunks: bytes) -> list[Key | Paste]:
    decoder = Decoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.flush()


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"y", ["y"]),
        (b"\r", ["enter"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[A\x1bOB", ["up", "down"]),
        (b"\x1bx", ["escape", "x"]),
        (b"\x1b[15~1", ["1"]),
        ("é世".encode(), ["é", "世"]),
        (b"\x7f\x03\x04", ["backspace", "ctrl+c", "ctrl+d"]),
        (b"\x1b\x1b[B", ["escape", "down"]),
    ],
)
def test_bytes_become_named_keys(data: bytes, names: list[str]) -> None:
    assert decode(data) == [Key(name) for name in names]


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_paste_cut_anywhere_is_one_paste(cut: int) -> None:
    data = b"\x1b[200~one\r\ntw\xc3\xb6\x1b[201~\r"
    assert decode(data[:cut], data[cut:]) == [Paste("one\ntwö"), Key("enter")]


def test_an_escape_waits_for_what_may_follow() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.pending
    assert decoder.feed(b"[A") == [Key("up")]
    assert not decoder.pending


def test_a_paste_without_end_stays_bounded() -> None:
    decoder = Decoder()
    for _ in range(40):
        assert decoder.feed(b"\x1b[200~" + b"x" * 10_000) == []
    assert len(decoder._rest) <= PASTE_MAX
