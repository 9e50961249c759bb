"""Reading lists and captures: fields stay in their places whatever they hold."""

from __future__ import annotations

import pytest

from orc_core.tmux.panes import (
    capture_commands,
    describe,
    list_command,
    parse_identity,
    parse_rows,
    parse_shots,
)

MARK = "0123456789abcdef"


def listed(*fields: str, light: str = "%1 42 $0 1700000000 0 80 24 0") -> str:
    return f"<{MARK}>{light}" + "".join(f"|{MARK}|{field}" for field in fields)


FIELDS = ["a b:c|d", "2", "3", "w\x1b[31m", "0", "1", "1", "0", "", "", "/dev/pts/4"]
FREE = ["t<|>\u202e", "/home/ü\n%end 1 1 1", "node"]


def test_a_row_with_details() -> None:
    (row,) = parse_rows(MARK, listed(*FIELDS, *FREE) + "\n")
    assert row.details is not None
    info = describe(row, row.details, "/s", 7)
    assert info.pane.key == "/s:%1"
    assert (info.pane.server_start, info.pane.pid, info.activity) == (7, 42, 1_700_000_000)
    assert (info.session, info.where, info.window) == ("a b:c|d", "a b:c|d:3.0", "w")
    assert (info.title, info.cwd, info.command) == ("t<|>", "/home/ü %end 1 1 1", "node")
    assert (info.session_attached, info.active, info.dead_status) == (2, True, None)


def test_a_row_without_details_and_one_that_comes_twice() -> None:
    rows = parse_rows(MARK, listed() + "\n" + listed(*FIELDS, *FREE) + "\n")
    assert [(row.pane_id, row.details) for row in rows] == [("%1", None)]


def test_death_is_told_only_of_the_dead() -> None:
    fields = [*FIELDS]
    fields[8], fields[9] = "137", "9"
    (row,) = parse_rows(MARK, listed(*fields, *FREE, light="%1 42 $0 5 1 80 24 1"))
    assert row.details is not None
    info = describe(row, row.details, "/s", 7)
    assert (info.dead, info.dead_status, info.dead_signal, info.in_mode) == (True, 137, 9, True)


@pytest.mark.parametrize(
    "text", ["", "garbage", listed("too", "few"), listed(light="%1 42"), f"<{MARK}>"]
)
def test_what_is_no_row_is_left_out(text: str) -> None:
    assert parse_rows(MARK, text) == []


def test_the_list_is_one_line() -> None:
    assert "\n" not in list_command(MARK, 5)
    assert "%" not in "".join(capture_commands(MARK, "%1", colour=True)).replace("%1", "").replace(
        " %s ", ""
    )


def test_captures_are_told_apart_by_their_own_heads() -> None:
    text = (
        f"<{MARK}>%1 100 5 6 1 80 24\none\n\n"
        f"<{MARK}> 100    \n"
        f"<{MARK}>%2 101 0 0 0 90 25\n<wrong>%3 1 1 1 1 1 1\n\n"
        f"<{MARK}>%4 101 0 0 0 90 25\n"
    )
    first, second = parse_shots(MARK, text)
    assert (first.pane_id, first.second, first.cursor, first.raw) == ("%1", 100, (5, 6), "one\n\n")
    assert (second.pane_id, second.cursor, second.width) == ("%2", None, 90)
    assert second.raw.startswith("<wrong>")


def test_identity() -> None:
    assert parse_identity(MARK, f"<{MARK}>12 1700000000\n<{MARK}>%1") == (12, 1_700_000_000)
    assert parse_identity(MARK, "") == (0, 0)
    assert parse_identity(MARK, f"<{MARK}> \n") == (0, 0)
