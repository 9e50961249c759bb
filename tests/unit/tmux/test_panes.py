"""Reading lists and captures: fields stay in their places whatever they hold."""

from __future__ import annotations

import pytest

from orc_core.tmux.panes import (
    Row,
    RowReader,
    ShotReader,
    capture_commands,
    describe,
    list_commands,
    parse_identity,
)

MARK = "0123456789abcdef"


def listed(*fields: str, light: str = "%1 42 0") -> str:
    return f"<{MARK}>{light}" + "".join(f"|{MARK}|{field}" for field in fields)


def read(text: str) -> list[Row]:
    return list(RowReader(MARK).read(text))


FIELDS = [
    "1700000000",
    "$0",
    "80",
    "24",
    "1",
    "a b:c|d",
    "2",
    "3",
    "w\x1b[31m",
    "0",
    "1",
    "1",
    "0",
    "",
    "",
    "/dev/pts/4",
]
FREE = ["t<|>\u202e", "/home/ü\n%end 1 1 1", "node"]


def test_a_row_with_details() -> None:
    (row,) = read(listed(*FIELDS, *FREE) + "\n")
    assert row.details is not None
    info = describe(row, row.details, "/s", 7)
    assert info.pane.key == "/s:%1"
    assert (info.pane.server_start, info.pane.pid, row.activity) == (7, 42, 1_700_000_000)
    assert (info.width, info.height, info.in_mode) == (80, 24, True)
    assert (info.session, info.where, info.window) == ("a b:c|d", "a b:c|d:3.0", "w")
    assert (info.title, info.cwd, info.command) == ("t<|>", "/home/ü %end 1 1 1", "node")
    assert (info.session_attached, info.active, info.dead_status) == (2, True, None)


def test_a_row_without_details_and_one_that_comes_twice() -> None:
    rows = read(listed(*FIELDS, *FREE) + "\n" + listed(light="%2 43 0") + "\n" + listed() + "\n")
    assert [(row.pane_id, row.details is None) for row in rows] == [("%1", False), ("%2", True)]


def test_what_was_read_before_is_not_read_again() -> None:
    reader = RowReader(MARK)
    first = reader.read(listed() + "\n" + listed(light="%2 43 0") + "\n")
    assert reader.read(listed() + "\n" + listed(light="%2 43 0") + "\n") is first
    second = reader.read(listed() + "\n" + listed(light="%2 43 1") + "\n")
    assert second[0] is first[0]
    assert (second[1].dead, first[1].dead) == (True, False)


def test_of_a_pane_with_the_same_facts_only_its_activity_is_read() -> None:
    reader = RowReader(MARK)
    (first,) = reader.read(listed(*FIELDS, *FREE) + "\n")
    reader.read(listed() + "\n")
    (second,) = reader.read(listed("1700000007", *FIELDS[1:], *FREE, light="%1 43 1") + "\n")
    assert second.details is first.details
    assert (second.pid, second.dead, second.activity) == (43, True, 1_700_000_007)
    (third,) = reader.read(listed("1700000007", *FIELDS[1:], "other", *FREE[1:]) + "\n")
    assert third.details is not None
    assert (third.details.title, third.details.cwd) == ("other", "/home/ü %end 1 1 1")


def test_what_a_pane_was_is_forgotten_with_it() -> None:
    reader = RowReader(MARK)
    for number in range(3):
        reader.read(listed(*FIELDS, *FREE, light=f"%{number} 42 0") + "\n")
    assert list(reader._details) == ["%2"]


def test_death_is_told_only_of_the_dead() -> None:
    fields = [*FIELDS]
    fields[13], fields[14] = "137", "9"
    (row,) = read(listed(*fields, *FREE, light="%1 42 1"))
    assert row.details is not None
    info = describe(row, row.details, "/s", 7)
    assert (info.dead, info.dead_status, info.dead_signal, info.in_mode) == (True, 137, 9, True)


@pytest.mark.parametrize(
    "text", ["", "garbage", listed("too", "few"), listed(light="%1 42"), f"<{MARK}>"]
)
def test_what_is_no_row_is_left_out(text: str) -> None:
    assert read(text) == []


def test_lists_are_one_line_each_and_details_come_first() -> None:
    assert not any("\n" in line for line in list_commands(MARK, 5))
    assert [("-f" in line, "pane_title" in line) for line in list_commands(MARK, 5)] == [
        (True, True),
        (False, False),
    ]
    assert ["-f" in line for line in list_commands(MARK, 0)] == [False]
    assert "%" not in "".join(capture_commands(MARK, "%1", colour=True)).replace("%1", "").replace(
        " %s ", ""
    )


TOLD = (
    f"<{MARK}>%1 100 5 6 1 80 24 7\none\n\n"
    f"<{MARK}> 100    \n"
    f"<{MARK}>%2 101 0 0 0 90 25 0\n<wrong>%3 1 1 1 1 1 1 ❯\n\n"
    f"<{MARK}>%4 101 0 0 0 90 25 0\n"
)


def test_captures_are_told_apart_by_their_own_heads() -> None:
    reader = ShotReader(MARK)
    first, second = [*reader.feed(TOLD.encode()), *reader.end()]
    assert (first.pane_id, first.second, first.cursor, first.raw) == ("%1", 100, (5, 6), "one\n\n")
    assert (first.width, first.height, first.history) == (80, 24, 7)
    assert (second.pane_id, second.cursor, second.width) == ("%2", None, 90)
    assert second.raw.startswith("<wrong>")
    assert reader.end() == []


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_captures_are_the_same_in_whatever_pieces_they_come(size: int) -> None:
    data = TOLD.encode()
    whole, reader = ShotReader(MARK), ShotReader(MARK)
    expected = [*whole.feed(data), *whole.end()]
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [shot for piece in pieces for shot in reader.feed(piece)] + reader.end() == expected


def test_a_screen_is_told_as_soon_as_the_next_one_begins() -> None:
    reader = ShotReader(MARK)
    data = TOLD.encode()
    second = data.index(f"<{MARK}> 100".encode())
    assert reader.feed(data[:second]) == []
    assert [shot.pane_id for shot in reader.feed(data[second : second + 20])] == ["%1"]


def test_identity() -> None:
    told = (12, 1_700_000_000, 1_700_000_009)
    assert parse_identity(MARK, f"<{MARK}>12 1700000000 1700000009") == told
    assert parse_identity(MARK, "") == (0, 0, 0)
    assert parse_identity(MARK, f"<{MARK}>  1700000009\n") == (0, 0, 0)
    assert parse_identity(MARK, f"<{MARK}>%1 42 0\n") == (0, 0, 0)
