"""A stage for the main view: a tiny app, a clock turned by hand, and the screen as text."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.message import Message
from textual.pilot import Pilot

import scene
from orc_core.model.snapshot import Part, Snapshot
from orc_tui.messages import (
    Act,
    ActivityWanted,
    DigestWanted,
    ScrollbackWanted,
    Seen,
    Selected,
    Told,
    WhyWanted,
)
from orc_tui.screens.main import MainScreen
from orc_tui.themes import ThemedApp

TURNS = 200


class Stage(ThemedApp[int]):
    """Shows snapshots on the main view and keeps what the view says."""

    def __init__(self, *, theme: str = "", ascii_only: bool = False, quiet_s: float = 2.0) -> None:
        super().__init__(theme=theme, ascii_only=ascii_only)
        self.time = scene.AT
        self.main = MainScreen(now=lambda: self.time, home=scene.HOME, quiet_s=quiet_s)
        self.said: list[Message] = []

    async def on_mount(self) -> None:
        await self.push_screen(self.main)

    @on(Act)
    @on(DigestWanted)
    @on(Seen)
    @on(Selected)
    @on(Told)
    @on(ScrollbackWanted)
    @on(WhyWanted)
    def keep(self, message: Message) -> None:
        self.said.append(message)

    @on(ActivityWanted)
    def recount(self, message: ActivityWanted) -> None:
        self.said.append(message)
        self.main.live.recount(scene.activity())

    @property
    def acts(self) -> list[tuple[str, str, str]]:
        """The acts that were asked for: id, pane, row."""
        return [(one.action_id, one.pane, one.row_key) for one in self.said if isinstance(one, Act)]

    @property
    def acts_whole(self) -> list[Act]:
        """The acts themselves, with what they are to be done to."""
        return [one for one in self.said if isinstance(one, Act)]

    @property
    def told(self) -> list[str]:
        """The lines that were said to the operator."""
        return [one.text for one in self.said if isinstance(one, Told)]

    def show(self, snapshot: Snapshot, *parts: Part) -> None:
        """Give the view a snapshot."""
        self.main.show(scene.delta(snapshot, *parts))

    def lines(self) -> list[str]:
        """The screen as text, without blanks at the ends of lines."""
        strips = self.screen._compositor.render_strips()
        return ["".join(part.text for part in strip).rstrip() for strip in strips]

    async def settled(self, pilot: Pilot[int]) -> None:
        """Wait until what was asked for stands on the screen."""
        before: list[str] = []
        for _ in range(TURNS):
            await pilot.pause()
            now = self.lines()
            if now == before and any(now):
                return
            before = now
        raise AssertionError("the screen never came to rest")


async def until(pilot: Pilot[int], condition: Callable[[], bool], turns: int = TURNS) -> None:
    """Let the app work until something is so."""
    for _ in range(turns):
        if condition():
            return
        await pilot.pause()
    raise AssertionError("it never came to be")
