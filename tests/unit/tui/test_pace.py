"""The screen is drawn as fast as the terminal takes it, and no faster."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

import scene
from dialog_stage import Ticks
from orc_core.model.health import LinkState
from orc_core.model.snapshot import Part
from orc_tui.pace import SLOW_EVERY_S, SLOW_S, STUCK_S, TRY_MAX_S, TRY_S, Pace
from orc_tui.terminal import Outflow
from orc_tui.view_models import header
from orc_tui.view_models.lines import text_of
from stage import Stage, until


class Link:
    """A terminal that takes each frame as long as it is told."""

    def __init__(self) -> None:
        self.clock = Ticks()
        self.pace = Pace(self.clock)

    def frame(self, took_s: float) -> None:
        self.pace.drawn()
        self.pace.written()
        self.clock.now += took_s
        self.pace.left(took_s)

    def rest(self, for_s: float) -> None:
        self.clock.now += for_s
        self.frame(0.0)


@pytest.fixture
def link() -> Link:
    return Link()


def test_no_frame_is_made_before_the_last_one_has_left(link: Link) -> None:
    assert link.pace.wait_s == 0.0
    link.pace.written()
    assert link.pace.wait_s is None
    link.pace.left(0.001)
    assert link.pace.wait_s == 0.0


@pytest.mark.parametrize("took", [(STUCK_S,), (SLOW_S, SLOW_S)])
def test_a_link_is_slow_after_one_frame_that_is_stuck_or_two_late(
    link: Link, took: tuple[float, ...]
) -> None:
    for one in took[:-1]:
        link.frame(one)
        assert not link.pace.is_slow
    link.frame(took[-1])
    assert link.pace.is_slow


def test_one_late_frame_is_none(link: Link) -> None:
    for took_s in (SLOW_S, 0.0) * 3:
        link.frame(took_s)
        assert not link.pace.is_slow


def test_on_a_slow_link_a_frame_goes_each_second_or_after_a_key(link: Link) -> None:
    link.frame(STUCK_S)
    link.frame(0.0)
    assert link.pace.wait_s == pytest.approx(SLOW_EVERY_S)
    link.pace.pressed()
    assert link.pace.wait_s == 0.0
    link.frame(0.0)
    link.clock.now += 0.4
    assert link.pace.wait_s == pytest.approx(SLOW_EVERY_S - 0.4)
    link.clock.now += SLOW_EVERY_S
    assert link.pace.wait_s == 0.0


def test_full_speed_is_tried_again_each_time_later(link: Link) -> None:
    tried_s = TRY_S
    for _ in range(6):
        link.frame(STUCK_S)
        link.rest(tried_s - 0.1)
        assert link.pace.is_slow
        link.rest(0.2)
        assert not link.pace.is_slow
        tried_s = min(tried_s * 2, TRY_MAX_S)
    link.rest(TRY_MAX_S)
    link.frame(STUCK_S)
    link.rest(TRY_S)
    assert not link.pace.is_slow, "it was fast for a minute"


def test_what_is_written_is_told_when_it_has_left() -> None:
    told: list[int] = []
    out = io.StringIO()
    outflow = Outflow(out, lambda count, took_s: told.append(count))
    outflow.write("a")
    outflow.write("b")
    assert told == []
    outflow.flush()
    outflow.write("c")
    outflow.flush()
    assert (told, out.getvalue()) == ([2, 3], "abc")


def test_the_header_says_that_the_link_is_slow_where_nothing_is_worse() -> None:
    shown = scene.snapshot()
    assert text_of(header.line(shown, 80, slow=True)).endswith(" slow link ")
    gone = replace(shown, link=replace(shown.link, state=LinkState.GONE))
    assert "slow" not in text_of(header.line(gone, 80, slow=True))
    assert "slow" not in text_of(header.line(shown, 80))


class Drawn(Stage):
    """Counts its frames."""

    frames = 0

    def post_display_hook(self) -> None:
        self.frames += 1


async def test_while_a_frame_is_on_its_way_changes_are_gathered_into_the_next_one() -> None:
    app = Drawn()
    async with app.run_test(size=(80, 24)) as pilot:
        app.show(scene.snapshot())
        await app.settled(pilot)
        app.pace.written()
        before = app.frames
        for number in range(5):
            app.main.say(f"said {number}")
            app.show(scene.snapshot(), Part.AGENTS)
            await pilot.press("j")
        await pilot.press("question_mark")
        assert app.frames == before
        app.frame_left(0.001)
        await until(pilot, lambda: app.frames > before)
        await app.settled(pilot)
        assert any("Keys of" in line for line in app.lines())
        assert app.frames - before < 5


async def test_on_a_slow_link_a_screen_below_takes_no_turn_from_the_one_on_top() -> None:
    app = Drawn()
    async with app.run_test(size=(80, 24)) as pilot:
        app.show(scene.snapshot())
        await app.settled(pilot)
        await pilot.press("question_mark")
        await app.settled(pilot)
        clock = Ticks()
        app.pace = Pace(clock)
        app.pace.is_slow = True
        app.pace.drawn()
        clock.now += SLOW_EVERY_S
        app.main.refresh()
        app.main._on_timer_update()
        assert app.pace.wait_s == 0.0
