"""A recording played: the same screen at a time from wherever it is come to, and its keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import scene
from orc_core.model.snapshot import Screen, Span, Style
from orc_core.tmux.asciicast import MARKER, OUTPUT, RESIZE, Drawer, Event, Header
from orc_core.tmux.screen import plain
from orc_tui.screens.player import Player
from orc_tui.themes import ThemedApp
from orc_tui.view_models import reel as view
from orc_tui.view_models.lines import text_of, width_of
from orc_tui.view_models.reel import Playing, Reel

HEADER = Header(40, 6, scene.AT, "claude-1", "/s:%1", 1, 1)


def made(count: int = 40) -> Reel:
    """A line more each second; every eighth time the whole screen, and another size half way."""
    drawer = Drawer()
    events: list[Event] = []
    for number in range(count):
        size = (40, 6) if number < count // 2 else (30, 5)
        if number == count // 2:
            events.append(Event(float(number), RESIZE, "30x5"))
        rows = [(Span(f"line {n}", Style(fg=n % 8)),) for n in range(max(number - 4, 0), number)]
        screen = Screen("", *size, (), (0, 0), 0.0)
        events.append(Event(float(number), OUTPUT, drawer.draw(screen, rows, whole=not number % 8)))
    events.append(Event(float(count), MARKER, "ended: it was stopped"))
    return Reel(HEADER, events)


REEL = made()


@given(st.lists(st.floats(0, 45), min_size=1, max_size=8))
def test_a_time_shows_the_same_screen_whichever_way_it_was_come_to(times: list[float]) -> None:
    for at in times:
        number = min(int(at), 39)
        shown = REEL.screen_at(at)
        assert plain(shown.lines) == tuple(f"line {n}" for n in range(max(number - 4, 0), number))
        assert (shown.width, shown.height) == ((40, 6) if number < 20 else (30, 5))


def test_playing_goes_by_its_speed_and_stands_at_the_end() -> None:
    playing = view.faster(Playing(), 1)
    assert playing.speed == 2.0
    playing = view.step(playing, REEL, 3.0)
    assert (playing.at, playing.stands) == (6.0, False)
    assert view.step(view.toggle(playing, REEL), REEL, 9.0).at == 6.0
    playing = view.step(playing, REEL, 99.0)
    assert (playing.at, playing.stands) == (40.0, True)
    assert view.toggle(playing, REEL) == Playing(speed=2.0)
    assert view.seek(playing, REEL, -1e9).at == 0.0
    assert view.faster(Playing(speed=16.0), 1).speed == 16.0
    assert view.faster(Playing(speed=0.25), -1).speed == 0.25


def test_long_pauses_are_cut_unless_they_are_wanted() -> None:
    reel = Reel(HEADER, [Event(0.0, OUTPUT, ""), Event(100.0, OUTPUT, "")])
    cut = view.step(Playing(), reel, 0.1)
    assert cut.at == 98.0
    assert view.step(cut, reel, 2.0).at == 100.0
    assert view.step(Playing(cuts=False), reel, 0.1).at == 0.1


def test_an_empty_recording_is_over_at_once() -> None:
    reel = Reel(HEADER, [])
    assert reel.length_s == 0.0
    assert view.step(Playing(), reel, 1.0).stands
    assert plain(reel.screen_at(0.0).lines) == ()


def test_lines_are_as_wide_as_the_screen_and_keys_go_where_there_is_room() -> None:
    for width in (40, 80, 160):
        for line in (
            view.head(REEL, width),
            view.progress(Playing(at=10.0), REEL, width),
            view.footer(Playing(), width).line,
        ):
            assert width_of(line) == width
    told = view.footer(Playing(), 120)
    assert told.key_at(text_of(told.line).index("faster")) == "greater_than_sign"
    assert "0:40 / 0:40" in text_of(view.progress(Playing(at=40.0), REEL, 80))
    assert "ended: it was stopped  1x" in text_of(view.progress(Playing(at=40.0), REEL, 80))
    assert view.watch(3723) == "1:02:03"


class Cinema(ThemedApp[None]):
    """Shows one player, by a clock that is turned by hand."""

    def __init__(self, reel: Reel) -> None:
        super().__init__()
        self.time = 0.0
        self.player = Player(reel, now=lambda: self.time)

    async def on_mount(self) -> None:
        await self.push_screen(self.player)

    def lines(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return ["".join(part.text for part in strip).rstrip() for strip in strips]

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
        self.player.tick()


async def test_keys_and_mouse_lead_the_player() -> None:
    app = Cinema(REEL)
    async with app.run_test(size=(100, 24)) as pilot:
        assert pilot.app is app
        app.turn(10.0)
        await pilot.pause()
        assert app.lines()[2:6] == ["line 6", "line 7", "line 8", "line 9"]
        assert "0:10 / 0:40" in app.lines()[22]
        await pilot.press("space")
        assert app.player._timer is None  # nothing runs while it stands still
        app.turn(5.0)
        assert app.player.playing.at == 10.0
        await pilot.press("right", "right", "left", "greater_than_sign", "i")
        assert app.player.playing == Playing(15.0, 2.0, stands=True, cuts=False)
        column = app.lines()[23].index("play")
        await pilot.click("#footer", offset=(column, 0))
        await pilot.pause()
        assert not app.player.playing.stands
        await pilot.press("G")
        app.turn(0.1)
        await pilot.pause()
        assert app.player.playing.stands
        assert "ended: it was stopped" in app.lines()[22]
        await pilot.press("q")
        await pilot.pause()
        assert app.screen is not app.player


async def test_a_small_terminal_shows_its_end_and_scrolls() -> None:
    app = Cinema(REEL)
    async with app.run_test(size=(40, 7)) as pilot:
        app.turn(10.0)
        await pilot.pause()
        assert app.lines()[2:5] == ["line 7", "line 8", "line 9"]
        await pilot.press("space", "K")
        await pilot.pause()
        assert app.lines()[2:5] == ["line 6", "line 7", "line 8"]
