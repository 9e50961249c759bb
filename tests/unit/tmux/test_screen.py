"""SGR to spans: colours, attributes, what is carried from line to line, and what is dropped."""

from __future__ import annotations

import pytest

from orc_core.model.snapshot import Span, Style
from orc_core.tmux.screen import KNOWN_SCREENS, clean_lines, parse_lines, plain

PLAIN = Style()


@pytest.mark.parametrize(
    ("sgr", "style"),
    [
        ("", PLAIN),
        ("0", PLAIN),
        ("1", Style(bold=True)),
        ("1;22", PLAIN),
        ("2;3;4;7;9", Style(dim=True, italic=True, underline=True, reverse=True, strike=True)),
        ("2;3;4;7;9;22;23;24;27;29", PLAIN),
        ("4:3", Style(underline=True)),
        ("4:3;4:0", PLAIN),
        ("31", Style(fg=1)),
        ("97", Style(fg=15)),
        ("44", Style(bg=4)),
        ("100", Style(bg=8)),
        ("31;39;44;49", PLAIN),
        ("38;5;208", Style(fg=208)),
        ("48;5;0", Style(bg=0)),
        ("38;2;1;2;255", Style(fg="#0102ff")),
        ("38:5:208", Style(fg=208)),
        ("38:2:1:2:255", Style(fg="#0102ff")),
        ("48:2::1:2:255", Style(bg="#0102ff")),
        ("58;5;3;1", Style(bold=True)),
        ("38;5;999;1", Style(bold=True)),
        ("38;5", PLAIN),
        ("38", PLAIN),
        ("38;2;1;2", PLAIN),
        ("5;6;8;53;777;99999999", PLAIN),
        (";;;1", Style(bold=True)),
    ],
)
def test_sgr(sgr: str, style: Style) -> None:
    assert parse_lines(f"\x1b[{sgr}mx") == ((Span("x", style),),)


def test_style_is_carried_to_the_next_line() -> None:
    red = Style(fg=1)
    assert parse_lines("a\x1b[31mb\nc\x1b[mde\n") == (
        (Span("a", PLAIN), Span("b", red)),
        (Span("c", red), Span("de", PLAIN)),
    )
    # the same text under another style is another line
    assert parse_lines("c\n") == ((Span("c", PLAIN),),)


def test_line_drawing_becomes_box_drawing() -> None:
    assert plain(parse_lines("q\x0elqk\n\x0fq")) == ("q┌─┐", "q")


def test_other_escapes_are_gone() -> None:
    raw = "a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\\x1b[6nb\x1b[2Jc\x9b5n\u202ed"
    assert parse_lines(raw) == ((Span("alinkbcd", PLAIN),),)


def test_marks_do_not_pile_up_across_a_change_of_style() -> None:
    assert plain(parse_lines("e\u0301\x1b[1m\u0301\u0301\x1b[m\u0301x")) == ("e\u0301x",)


def test_blank_ends_are_cut_but_blank_lines_between_stay() -> None:
    assert plain(parse_lines("a  \n\nb\n   \n\n")) == ("a", "", "b")
    assert clean_lines("a  \n\n\x1b]0;x\x07b\n   \n\n") == ("a", "", "b")
    assert clean_lines("") == ()


def test_a_row_that_is_known_reads_as_it_did_and_few_are_kept() -> None:
    known: dict[str, str] = {}
    for first in range(0, 3000, 3):
        rows = [f"row {at}\x1b]0;x\x07  " for at in range(first, first + 40)]
        assert clean_lines("\n".join(rows), known) == clean_lines("\n".join(rows))
        assert set(rows) <= set(known)
        assert len(known) <= KNOWN_SCREENS * len(rows) + len(rows)


def test_a_screen_is_bounded() -> None:
    lines = parse_lines("x" * 500_000 + "\n" + "y\n" * 5000)
    assert len(lines) == 1000
    assert len(lines[0][0].text) == 4000
