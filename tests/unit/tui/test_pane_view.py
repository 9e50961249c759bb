"""Reading a pane: what is held never moves, whatever comes, and searches count from its end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orc_core.model.snapshot import Screen, Scrollback, Span, Style
from orc_tui.view_models import pane_view
from orc_tui.view_models.lines import text_of, width_of
from orc_tui.view_models.pane_view import PaneView, Row

ROOM = 4
HEIGHT = 6


def row(text: str) -> Row:
    return (Span(text, Style()),) if text else ()


def screen(last: int, *, cursor: tuple[int, int] | None = None) -> Screen:
    """A full screen whose last line is number `last` of what a pane printed."""
    lines = tuple(row(f"line {n}") for n in range(last - HEIGHT + 1, last + 1))
    return Screen("k", 20, HEIGHT, lines, cursor, 0.0, history=last - HEIGHT + 1)


def captured(last: int, above: int) -> Scrollback:
    """What a capture of the same pane brings when it came that far."""
    history = last - HEIGHT + 1
    first = max(history - above, 0)
    lines = tuple(row(f"line {n}") for n in range(first, last + 1))
    return Scrollback("k", lines, HEIGHT, history, whole=first == 0)


def in_view(view: PaneView, now: Screen) -> list[str]:
    rows = pane_view.rows_of(view, now)
    first = max(len(rows) - ROOM - view.offset, 0)
    return [text_of(line) for line in pane_view.lines_of(view, now, rows, first, ROOM)]


def up(view: PaneView, now: Screen, by: int) -> PaneView:
    view = pane_view.hold(view, now)
    return pane_view.scroll(view, -by, len(pane_view.rows_of(view, now)), ROOM)


def test_what_is_read_stays_and_what_came_is_counted() -> None:
    now = screen(20)
    view = up(PaneView(), now, 1)
    before = in_view(view, now)
    assert before == ["line 16", "line 17", "line 18", "line 19"]
    for last in (21, 24, 32):
        now = screen(last)
        view = pane_view.advance(view, now)
        assert in_view(view, now) == before
    assert view.mode == "holding · 12 new lines"
    assert pane_view.advance(view, now) is view
    assert pane_view.scroll(view, 9, HEIGHT, ROOM) == PaneView()  # its end follows again
    pinned = pane_view.hold(view, now, pinned=True)
    assert pane_view.scroll(pinned, 9, HEIGHT, ROOM).held is not None


def test_a_program_that_draws_over_itself_adds_no_lines() -> None:
    now = screen(20)
    view = pane_view.hold(PaneView(), now)
    assert view.mode == "holding"
    drawn = replace(now, lines=(*now.lines[:-1], row("other")))
    assert pane_view.advance(view, drawn).mode == "holding · it changed"
    assert pane_view.advance(view, replace(now, history=3)).fresh == 0  # the history was cut
    one = pane_view.advance(view, screen(21))
    assert one.mode == "holding · 1 new line"


@given(came=st.integers(0, 40), offset=st.integers(0, 5))
def test_lines_put_above_move_nothing_however_far_the_pane_went_on(came: int, offset: int) -> None:
    now = screen(60)
    view = up(PaneView(), now, offset) if offset else pane_view.hold(PaneView(), now)
    before = in_view(view, now)
    told = captured(60 + came, 100)
    view = pane_view.lift(view, told, 1000)
    assert in_view(view, now) == before
    assert text_of(tuple((s.text, s.style) for s in view.above[-1])) == "line 54"
    rows = pane_view.rows_of(view, now)
    top = pane_view.scroll(view, -1000, len(rows), ROOM)
    assert in_view(top, now)[0] == "line 0"


def test_the_seam_is_found_where_the_history_was_cut_meanwhile() -> None:
    now = screen(60)
    view = pane_view.hold(PaneView(), now)
    told = captured(65, 40)
    shorter = replace(told, history=told.history - 30)  # tmux dropped its oldest lines
    view = pane_view.lift(view, shorter, 1000)
    assert "".join(s.text for s in view.above[-1]) == "line 54"
    other = pane_view.lift(pane_view.hold(PaneView(), now), replace(told, key="else"), 1000)
    assert other.above == ()


def test_lines_above_are_asked_for_in_two_steps_and_no_more() -> None:
    view = pane_view.hold(PaneView(), screen(60))
    assert view.wanted == pane_view.STEP_LINES
    view = pane_view.lift(view, replace(captured(60, 20), whole=False), 1000)
    assert view.wanted == pane_view.ALL_LINES
    view = pane_view.lift(view, replace(captured(60, 20), whole=False), pane_view.ALL_LINES)
    assert view.wanted == 0
    assert pane_view.hold(PaneView(), replace(screen(5), history=0)).wanted == 0
    assert pane_view.look_for(pane_view.hold(PaneView(), screen(60)), "x").wanted == 10_000


def test_a_search_begins_with_the_last_match_in_view_and_turns_round() -> None:
    now = screen(60)
    view = pane_view.lift(pane_view.hold(PaneView(), now), captured(60, 100), 1000)
    view = pane_view.look_for(view, "line 5")
    assert view.search is not None and view.search.told == "11 of 11"
    rows = len(pane_view.rows_of(view, now))
    assert pane_view.show_match(view, rows, ROOM).offset == 0  # it is in view already
    view = pane_view.show_match(pane_view.turn(view, 1), rows, ROOM)
    assert view.search is not None and view.search.told == "1 of 11"
    assert "line 5" in in_view(view, now)
    view = pane_view.turn(pane_view.turn(view, -1), -1)
    assert view.search is not None and view.search.told == "10 of 11"
    assert pane_view.look_for(view, "nothing").search == pane_view.Search("nothing")
    assert pane_view.look_for(view, "LINE").search == pane_view.Search("LINE")
    assert len(pane_view.look_for(view, "line").search.matches) == 61  # type: ignore[union-attr]


def test_a_match_stays_the_same_one_when_lines_come_above() -> None:
    now = screen(60)
    view = pane_view.look_for(pane_view.hold(PaneView(), now), "line 5")
    view = pane_view.turn(view, -1)
    assert view.search is not None
    before = view.search.current
    view = pane_view.lift(view, captured(70, 100), 10_000)
    assert view.search is not None
    assert (view.search.current, view.search.told) == (before, "10 of 11")


def test_matches_are_set_off_without_colour_and_across_styles() -> None:
    now = replace(screen(20), lines=((Span("a ab", Style(fg=1)), Span("ba b", Style(bold=True))),))
    view = pane_view.look_for(pane_view.hold(PaneView(), now), "bb")
    (line,) = pane_view.lines_of(view, now, pane_view.rows_of(view, now), 0, ROOM)
    marked = [text for text, ink in line if isinstance(ink, Style) and ink.reverse]
    assert marked == ["b", "b"]
    assert text_of(line) == "a abba b"
    assert all(ink.underline for text, ink in line if isinstance(ink, Style) and ink.reverse)


def test_the_cursor_takes_the_cells_of_what_it_is_on() -> None:
    line = ((("漢e\u0301x"), Style()),)
    for column, cell in ((0, "漢"), (1, "漢"), (2, "e\u0301"), (3, "x")):
        shown = pane_view.with_cursor(line, column)
        assert [t for t, ink in shown if isinstance(ink, Style) and ink.reverse] == [cell]
        assert width_of(shown) == 4
    beyond = pane_view.with_cursor(line, 7)
    assert width_of(beyond) == 8
    assert text_of(beyond)[-1] == " "


def test_the_cursor_keeps_the_blank_line_it_stands_on() -> None:
    lines = (row("$ make"), row(""), row(""), row(""))
    now = Screen("k", 20, 4, lines, (0, 1), 0.0)
    assert len(pane_view.rows_of(PaneView(), now)) == 2
    assert len(pane_view.rows_of(PaneView(), replace(now, cursor=None))) == 1
    far = pane_view.rows_of(PaneView(), replace(now, cursor=(0, 3)))
    assert len(far) == 1  # blank lines would push out of view what is to be read
