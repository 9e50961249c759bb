"""Recordings as text: drawn by a `Drawer`, shown again by what reads them, harmless to print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.errors import OrcError
from orc_core.model.snapshot import Screen, Span, Style
from orc_core.tmux.asciicast import (
    CLEAR,
    OUTPUT,
    RESIZE,
    Drawer,
    Event,
    Header,
    Shown,
    event_line,
    harmless,
    header_line,
    parse_event,
    parse_header,
)
from orc_core.tmux.recording import CastFile, is_written
from orc_core.tmux.screen import plain
from scarcity import files_no_larger_than

HEADER = Header(20, 4, 1_800_000_000.0, "claude-1", "/s:%1", 42, 7)
COLOURS = st.one_of(st.none(), st.integers(0, 255), st.just("#a0b1c2"))
STYLES = st.builds(
    Style, fg=COLOURS, bg=COLOURS, bold=st.booleans(), reverse=st.booleans(), italic=st.booleans()
)
ROWS = st.lists(
    st.lists(
        st.builds(Span, text=st.text(alphabet="ab \u6f22", min_size=1, max_size=4), style=STYLES),
        max_size=3,
    ).map(tuple),
    max_size=4,
)


def screen(cursor: tuple[int, int] | None = (1, 2), size: tuple[int, int] = (20, 4)) -> Screen:
    return Screen("", *size, (), cursor, 0.0)


def cellwise(rows: object) -> list[list[tuple[str, Style]]]:
    told = []
    for row in rows:  # type: ignore[attr-defined]
        line = [(char, span.style) for span in row for char in span.text]
        while line and line[-1][0] == " " and line[-1][1].bg is None and not line[-1][1].reverse:
            line.pop()
        told.append(line)
    while told and not told[-1]:
        told.pop()
    return told


@given(st.lists(ROWS, min_size=1, max_size=5))
def test_what_was_drawn_is_shown_again_cell_by_cell(frames: list[object]) -> None:
    drawer, shown = Drawer(), Shown.blank(HEADER)
    for number, rows in enumerate(frames):
        whole = number % 2 == 1
        data = drawer.draw(screen((number, 1)), rows, whole=whole)  # type: ignore[arg-type]
        shown.take(Event(number, OUTPUT, data))
        assert cellwise(shown.screen("k", 0.0).lines) == cellwise(rows)
        assert shown.cursor == (number, 1)


def test_only_what_changed_is_drawn_and_all_of_it_when_asked_or_resized() -> None:
    drawer = Drawer()
    rows = [(Span("one", Style()),), (Span("two", Style()),)]
    assert drawer.draw(screen(), rows).startswith(CLEAR)
    assert drawer.draw(screen(), rows) == ""
    rows[1] = (Span("2", Style()),)
    changed = drawer.draw(screen(None), rows)
    assert changed == "\x1b[2;1H\x1b[0m\x1b[2K\x1b[0m2\x1b[0m\x1b[1;1H\x1b[?25l"
    assert drawer.draw(screen(None), rows, whole=True).startswith(CLEAR)
    assert drawer.draw(screen(None, (30, 4)), rows).startswith(CLEAR)
    shown = Shown.blank(HEADER)
    shown.take(Event(0, RESIZE, "30x2"))
    assert (shown.width, shown.height, len(shown.rows)) == (30, 2, 2)
    shown.take(Event(0, RESIZE, "nonsense"))
    shown.take(Event(0, OUTPUT, "\x1b[9;1H\x1b[0m\x1b[2Kbelow \x1b]0;x\x07"))
    assert plain(shown.screen("k", 0.0).lines) == ()


def test_lines_are_json_that_any_player_reads() -> None:
    told = json.loads(header_line(HEADER))
    assert (told["version"], told["width"], told["height"], told["timestamp"]) == (
        2,
        20,
        4,
        1_800_000_000,
    )
    assert parse_header(header_line(HEADER)) == HEADER
    event = Event(1.5, OUTPUT, "\x1b[1mx\u6f22")
    assert json.loads(event_line(event)) == [1.5, "o", "\x1b[1mx\u6f22"]
    assert parse_event(event_line(event)) == event


@pytest.mark.parametrize(
    "line", ['[1, "o"', "", "{}", '["1","o","x"]', "[1,2,3]", '[-1,"o",""]', '[true,"o",""]']
)
def test_a_line_that_is_cut_or_odd_is_no_event(line: str) -> None:
    assert parse_event(line) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no asciicast"),
        ("[]", "no asciicast"),
        ('{"version": 1}', "only version 2 is read"),
        ('{"version": 2, "width": 80}', "no asciicast"),
        ('{"version": 2, "width": 0, "height": 24}', "no size of a terminal"),
        ('{"version": 2, "width": 99999999, "height": 24}', "no size of a terminal"),
        ('{"version": 2, "width": 80, "height": 24, "orc": 7}', "no asciicast"),
    ],
)
def test_what_is_no_header_says_so(line: str, said: str) -> None:
    with pytest.raises(OrcError, match=said):
        parse_header(line)


def test_what_is_printed_of_a_file_is_harmless() -> None:
    bad = "\x1b]52;c;ZXZpbA==\x07a\x1b[31mb\x1bPq\x1b\\\x1b[2;3Hc\r\n\x1b[6n\x1b[?2004hd\x9b5n"
    assert harmless(bad) == "a\x1b[31mb\x1b[2;3Hc\r\nd"


def test_a_disk_that_is_full_leaves_no_line_that_is_cut_short(tmp_path: Path) -> None:
    file = CastFile(tmp_path / "x.cast", HEADER, 1_000_000)
    file.add(Event(0.0, OUTPUT, "first"))
    with files_no_larger_than(file.size + 50), pytest.raises(OSError, match="takes no more"):
        file.add(Event(1.0, OUTPUT, "x" * 100))
    assert is_written(file.path)
    file.add(Event(2.0, OUTPUT, "last"))
    file.close()
    lines = file.path.read_text().splitlines()
    assert [json.loads(line)[2] for line in lines[1:]] == ["first", "last"]
    assert not is_written(file.path)
    with pytest.raises(FileExistsError):
        CastFile(file.path, HEADER, 1_000_000)
