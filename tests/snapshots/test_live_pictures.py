"""Pictures of reading in Live, and of a recording that is played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

import scene
from orc_core.model.snapshot import Part, Screen, Scrollback, Span
from orc_core.tmux.asciicast import OUTPUT, Drawer, Event, Header
from orc_tui.screens.player import Player
from orc_tui.themes import ThemedApp
from orc_tui.view_models.reel import Playing, Reel
from stage import Stage

Compare = Callable[..., bool]
SIZES = [(80, 24), (120, 36), (160, 48)]
KEY = scene.key_of("claude-2")


def screen(history: int) -> Screen:
    return replace(scene.screen(), cursor=(3, 36), history=history)


def above() -> Scrollback:
    """Four hundred lines over the screen of the scene."""
    lines = tuple((Span(f"● Bash(npm run step-{n})", scene.PLAIN),) for n in range(400))
    shown = screen(400).lines
    return Scrollback(KEY, lines + shown, len(shown), 400, whole=True)


def reading(*keys: str, came: int = 0) -> Callable[[Pilot[int]], object]:
    async def act(pilot: Pilot[int]) -> None:
        stage = pilot.app
        assert isinstance(stage, Stage)
        whole = replace(scene.snapshot(), screen=screen(400), recordings=((KEY, False),))
        stage.show(whole)
        await stage.settled(pilot)
        await pilot.press("0", *keys)
        await stage.settled(pilot)
        stage.main.live.lift(above(), 10_000)
        if came:
            stage.main.show(scene.delta(replace(whole, screen=screen(400 + came)), Part.SCREEN))
            stage.main.draw_all()
        await stage.settled(pilot)

    return act


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_search(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = reading("slash", *"orders", "enter", "n")
    assert snap_compare(Stage(), terminal_size=size, run_before=keys)


def test_what_is_held_while_more_comes(snap_compare: Compare) -> None:
    keys = reading("K", "K", "K", came=12)
    assert snap_compare(Stage(), terminal_size=(80, 24), run_before=keys)


class Cinema(ThemedApp[None]):
    """A player that stands still in the middle of a recording."""

    def __init__(self) -> None:
        super().__init__()
        drawer, shown = Drawer(), scene.screen()
        events = [
            Event(3.0 * n, OUTPUT, drawer.draw(screen(0), shown.lines[: n + 1], whole=n % 10 == 0))
            for n in range(len(shown.lines))
        ]
        header = Header(shown.width, shown.height, scene.AT, "claude-2", KEY)
        self.player = Player(Reel(header, events), now=lambda: 0.0)
        self.player.playing = Playing(at=100.0, stands=True)

    async def on_mount(self) -> None:
        await self.push_screen(self.player)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_recording_is_played(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(Cinema(), terminal_size=size)
