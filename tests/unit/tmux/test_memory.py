"""What is remembered between looks: misses, strangers, second-exact activity."""

from __future__ import annotations

from dataclasses import replace

from orc_core.tmux.memory import DEATH_ASKS_MAX, Memory, Sighting
from orc_core.tmux.panes import Details, Row, Shot

DETAILS = Details(
    session_id="$0",
    width=80,
    height=24,
    in_mode=False,
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


def row(number: int = 0, activity: int = 100, **facts: object) -> Row:
    """A row with details, any of which may be given by name."""
    details = replace(DETAILS, **facts)  # type: ignore[arg-type]
    return Row(f"%{number}", 40 + number, False, details, activity)


def light(number: int = 0) -> Row:
    return Row(f"%{number}", 40 + number, False)


def shot(second: int, raw: str = "text\n", pane_id: str = "%0") -> Shot:
    return Shot(pane_id, second, (0, 0), 80, 24, raw)


def seen(*rows: Row, start: int = 7) -> Memory:
    memory = Memory("/s")
    assert memory.merge(rows, start, 0.0, "_orc-1") == ()
    return memory


def dirty(memory: Memory) -> list[str]:
    return [pane.row.pane_id for pane in memory.dirty(())]


def captured(memory: Memory, second: int, raw: str = "text\n") -> Sighting:
    for pane in memory.panes.values():
        pane.dirty = False
    sighting = memory.take_shot(shot(second, raw), 1.0, colour=False)
    assert sighting is not None
    return sighting


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
    assert memory.merge([light(0)], 7, 1.0, "") == ()
    assert memory.merge([light(0), light(1)], 7, 1.0, "") is None
    assert memory.merge([replace(light(0), pid=99)], 7, 1.0, "") is None
    assert memory.merge([replace(light(0), dead=True)], 7, 1.0, "") is None
    assert memory.merge([light(0)], 8, 1.0, "") is None
    assert list(memory.panes) == ["%0"]


def test_activity_in_the_second_of_the_capture_counts_as_later() -> None:
    memory = seen(row(0, activity=100))
    assert captured(memory, 100).lines == ("text",)
    memory.merge([row(0, activity=100)], 7, 1.0, "")
    assert dirty(memory) == ["%0"]
    assert captured(memory, 101).lines is None
    memory.merge([row(0, activity=100)], 7, 2.0, "")
    assert dirty(memory) == []
    memory.merge([row(0, activity=101)], 7, 2.0, "")
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
    memory.merge([row(0, width=81)], 7, 1.0, "")
    assert dirty(memory) == ["%0"]
    captured(memory, 200)
    memory.merge([replace(row(0, width=81), dead=True)], 7, 1.0, "")
    assert dirty(memory) == ["%0"]
    captured(memory, 200)
    told = replace(row(0, width=81, dead_signal=15), dead=True)
    memory.merge([told], 7, 1.0, "")
    assert dirty(memory) == ["%0"]
    captured(memory, 200)
    memory.merge([told], 7, 1.0, "")
    assert dirty(memory) == []


def test_marks_reach_the_panes_of_a_terminal() -> None:
    memory = seen(row(0), row(1, tty="/dev/pts/3"))
    captured(memory, 200)
    memory.mark({"/dev/pts/3", "/dev/pts/77"}, 1.0)
    assert dirty(memory) == ["%1"]
    assert [p.row.pane_id for p in memory.dirty({"/dev/pts/3"})] == []


def test_hidden_sessions_are_not_there() -> None:
    hidden = row(5, session="_orc-2", session_id="$5")
    own = row(6, session="_orc-1", session_id="$6", attached=1)
    memory = seen(row(0), hidden, own)
    assert list(memory.panes) == ["%0"]
    assert not memory.alone and not memory.visitors
    assert memory.merge([light(0), light(5), light(6)], 7, 1.0, "") == ()
    assert list(memory.panes) == ["%0"]
    assert memory.merge([light(0), replace(light(5), pid=1)], 7, 1.0, "") is None
    assert memory.merge([own], 7, 1.0, "") == ()
    assert memory.alone


def test_a_visitor_in_our_own_session_is_noticed() -> None:
    memory = seen(row(0), row(6, session="_orc-1", session_id="$6", attached=2))
    assert memory.visitors


def test_numbers_of_another_server_mean_nothing() -> None:
    memory = seen(row(5, session="_orc-2"))
    assert memory.merge([light(5)], 8, 1.0, "") is None
    memory.merge([row(5)], 8, 1.0, "")
    assert list(memory.panes) == ["%5"]


def test_a_pane_that_is_hidden_no_more_is_there() -> None:
    memory = seen(row(0), row(5, session="_orc-2"))
    assert memory.merge([row(0)], 7, 1.0, "") == ()
    assert memory.merge([light(0), light(5)], 7, 2.0, "") is None
    assert memory.merge([row(0), row(5, session="shop")], 7, 2.0, "") == ()
    assert list(memory.panes) == ["%0", "%5"]


def told(memory: Memory) -> list[str]:
    return [one.info.pane.pane_id for one in memory.take_news(())]


def test_only_what_is_new_is_news() -> None:
    memory = seen(row(0), row(1))
    assert told(memory) == ["%0", "%1"]
    assert told(memory) == []
    memory.merge([light(0), row(1, activity=200)], 7, 1.0, "")
    assert told(memory) == []
    assert [one.info.title for one in memory.there] == ["t", "t"]
    memory.merge([light(0), row(1, title="other")], 7, 1.0, "")
    assert told(memory) == ["%1"]
    assert [one.info.title for one in memory.there] == ["t", "other"]
    fresh = captured(memory, 200)
    assert [one.lines for one in memory.take_news([fresh])] == [("text",)]
    assert memory.there is memory.there


def test_the_same_list_again_tells_nothing_unless_a_pane_is_missing() -> None:
    memory = seen(row(0), row(1))
    same = (light(0),)
    assert memory.merge(same, 7, 1.0, "") == ()
    assert len(memory.merge(same, 7, 2.0, "") or ()) == 1
    assert memory.merge(same, 7, 3.0, "") == ()
    assert [one.info.pane.pane_id for one in memory.there] == ["%0"]


def test_a_clock_of_the_server_that_is_set_back_loses_nothing() -> None:
    memory = seen(row(0, activity=5000), row(1))
    captured(memory, 5000)
    memory.merge([row(0, activity=1000), light(1)], 7, 1.0, "")
    assert dirty(memory) == []
    memory.forget_seconds()
    assert memory.merge([row(0, activity=1000), light(1)], 7, 1.0, "") == ()
    assert dirty(memory) == ["%0"]


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
    assert captured(memory, 200, "a\n\n").lines == ("a",)
    assert captured(memory, 201, "a\n\n").lines is None
    assert captured(memory, 202, "b\n\n").lines == ("b",)
    assert memory.take_shot(shot(203, "x\n", "%9"), 1.0, colour=False) is None
    coloured = memory.take_shot(shot(203, "b\n\n"), 1.0, colour=True)
    assert coloured is not None and coloured.screen is not None and coloured.lines == ("b",)
    same = memory.take_shot(shot(203, "b\n\n"), 1.0, colour=True)
    assert same is not None and same.lines is None and same.screen is None
