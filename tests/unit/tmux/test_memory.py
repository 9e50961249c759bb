"""What is remembered between looks: misses, strangers, second-exact activity."""

from __future__ import annotations

from dataclasses import replace

from orc_core.tmux.memory import DEATH_ASKS_MAX, Memory
from orc_core.tmux.panes import Details, Row, Shot

DETAILS = Details(
    session="main",
    attached=0,
    window_index="0",
    window="w",
    pane_index="1",
    active=True,
    alternate=False,
    dead_status=None,
    dead_signal=None,
    tty="/dev/pts/9",
    title="t",
    cwd="/",
    command="cat",
)


def row(number: int = 0, *, details: Details | None = DETAILS, activity: int = 100) -> Row:
    return Row(f"%{number}", 40 + number, "$0", activity, False, 80, 24, False, details)


def shot(second: int, raw: str = "text\n", pane_id: str = "%0") -> Shot:
    return Shot(pane_id, second, (0, 0), 80, 24, raw)


def seen(*rows: Row, start: int = 7) -> Memory:
    memory = Memory("/s")
    assert memory.merge(rows, start, 0.0, "_orc-1") == ()
    return memory


def dirty(memory: Memory) -> list[str]:
    return [pane.row.pane_id for pane in memory.dirty(())]


def captured(memory: Memory, second: int, raw: str = "text\n") -> object:
    for pane in memory.panes.values():
        pane.dirty = False
    return memory.take_shot(shot(second, raw), 1.0, colour=False)


def test_a_pane_is_gone_after_two_lists_without_it() -> None:
    memory = seen(row(0), row(1))
    ref = memory.panes["%1"].info.pane
    assert memory.merge([row(0)], 7, 1.0, "") == ()
    assert memory.merge([row(0), row(1)], 7, 2.0, "") == ()
    assert memory.merge([row(0)], 7, 3.0, "") == ()
    assert memory.merge([row(0)], 7, 4.0, "") == (ref,)
    assert memory.merge([row(0)], 7, 5.0, "") == ()


def test_details_are_asked_for_when_they_are_missing() -> None:
    memory = seen(row(0))
    assert memory.merge([row(0, details=None)], 7, 1.0, "") == ()
    assert memory.merge([row(0, details=None), row(1, details=None)], 7, 1.0, "") is None
    assert memory.merge([replace(row(0, details=None), pid=99)], 7, 1.0, "") is None
    assert memory.merge([replace(row(0, details=None), dead=True)], 7, 1.0, "") is None
    assert memory.merge([replace(row(0, details=None), session_id="$1")], 7, 1.0, "") is None
    assert memory.merge([row(0, details=None)], 8, 1.0, "") is None
    assert list(memory.panes) == ["%0"]


def test_activity_in_the_second_of_the_capture_counts_as_later() -> None:
    memory = seen(row(0, activity=100))
    assert captured(memory, 100) is not None
    memory.merge([row(0, details=None, activity=100)], 7, 1.0, "")
    assert dirty(memory) == ["%0"]
    assert captured(memory, 101) is None
    memory.merge([row(0, details=None, activity=100)], 7, 2.0, "")
    assert dirty(memory) == []
    memory.merge([row(0, details=None, activity=101)], 7, 2.0, "")
    assert dirty(memory) == ["%0"]


def test_how_a_program_ended_is_asked_until_it_is_told() -> None:
    dead = replace(row(0), dead=True)
    unasked = replace(dead, details=None)
    memory = seen(dead)
    assert memory.merge([unasked], 7, 1.0, "") is None
    assert memory.merge([dead], 7, 1.0, "") == ()
    assert memory.merge([unasked], 7, 2.0, "") is None
    told = replace(dead, details=replace(DETAILS, dead_status=137))
    assert memory.merge([told], 7, 2.0, "") == ()
    assert memory.merge([unasked], 7, 3.0, "") == ()
    assert memory.panes["%0"].info.dead_status == 137


def test_how_a_program_ended_is_not_asked_for_ever() -> None:
    dead = replace(row(0), dead=True)
    memory = seen(dead)
    asked = 0
    while memory.merge([replace(dead, details=None)], 7, 1.0, "") is None:
        memory.merge([dead], 7, 1.0, "")
        asked += 1
    assert asked == DEATH_ASKS_MAX


def test_a_resize_and_a_death_make_dirty() -> None:
    memory = seen(row(0))
    captured(memory, 200)
    memory.merge([replace(row(0), width=81)], 7, 1.0, "")
    assert dirty(memory) == ["%0"]
    captured(memory, 200)
    memory.merge([replace(row(0), width=81, dead=True)], 7, 1.0, "")
    assert dirty(memory) == ["%0"]
    captured(memory, 200)
    told = replace(DETAILS, dead_signal=15)
    memory.merge([replace(row(0), width=81, dead=True, details=told)], 7, 1.0, "")
    assert dirty(memory) == ["%0"]
    captured(memory, 200)
    memory.merge([replace(row(0), width=81, dead=True, details=told)], 7, 1.0, "")
    assert dirty(memory) == []


def test_marks_reach_the_panes_of_a_terminal() -> None:
    other = replace(DETAILS, tty="/dev/pts/3")
    memory = seen(row(0), row(1, details=other))
    captured(memory, 200)
    memory.mark({"/dev/pts/3", "/dev/pts/77"}, 1.0)
    assert dirty(memory) == ["%1"]
    assert [p.row.pane_id for p in memory.dirty({"/dev/pts/3"})] == []


def test_hidden_sessions_are_not_there() -> None:
    hidden = replace(row(5, details=replace(DETAILS, session="_orc-2")), session_id="$5")
    own = replace(row(6, details=replace(DETAILS, session="_orc-1", attached=1)), session_id="$6")
    memory = seen(row(0), hidden, own)
    assert list(memory.panes) == ["%0"]
    assert not memory.alone and not memory.visitors
    assert memory.merge([replace(own, details=replace(own.details, attached=2))], 7, 1.0, "") == ()  # type: ignore[type-var]
    assert memory.alone


def test_a_visitor_in_our_own_session_is_noticed() -> None:
    details = replace(DETAILS, session="_orc-1", attached=2)
    memory = seen(row(0), replace(row(6, details=details), session_id="$6"))
    assert memory.visitors


def test_session_numbers_of_another_server_mean_nothing() -> None:
    hidden = replace(row(5, details=replace(DETAILS, session="_orc-2")), session_id="$5")
    memory = seen(hidden)
    memory.merge([replace(row(0), session_id="$5")], 8, 1.0, "")
    assert list(memory.panes) == ["%0"]


def test_another_program_or_server_behind_a_number_is_another_pane() -> None:
    memory = seen(row(0))
    captured(memory, 200)
    first = memory.panes["%0"].info.pane
    assert memory.merge([replace(row(0), pid=99)], 7, 1.0, "") == ()
    second = memory.panes["%0"].info.pane
    assert memory.merge([replace(row(0), pid=99)], 8, 2.0, "") == ()
    third = memory.panes["%0"].info.pane
    assert len({first, second, third}) == 3
    assert {first.key, second.key, third.key} == {"/s:%0"}
    assert dirty(memory) == ["%0"]


def test_the_same_screen_is_told_once() -> None:
    memory = seen(row(0))
    first = captured(memory, 200, "a\n\n")
    assert first is not None
    assert captured(memory, 201, "a\n\n") is None
    assert captured(memory, 202, "b\n\n") is not None
    assert memory.take_shot(shot(203, "x\n", "%9"), 1.0, colour=False) is None
    coloured = memory.take_shot(shot(203, "b\n\n"), 1.0, colour=True)
    assert coloured is not None and coloured.screen is not None and coloured.lines == ("b",)
    assert memory.take_shot(shot(203, "b\n\n"), 1.0, colour=True) is None
