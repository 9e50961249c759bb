"""A small app to mount one screen in, a clock for the card's guard, and one time zone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from textual.screen import Screen

from orc_tui.messages import Act
from orc_tui.screens.sheet import Sheet
from orc_tui.themes import ThemedApp
from orc_tui.view_models.lines import text_of

Result = TypeVar("Result")


class Stage(ThemedApp[None]):
    """Shows one screen and keeps what it gave back and what it asked for."""

    def __init__(self, screen: Screen[Result], *, theme: str = "") -> None:
        super().__init__(theme=theme)
        self.shown = screen
        self.results: list[Result | None] = []
        self.acts: list[tuple[str, str, str]] = []
        self.turned_late_s = 0.0

    @property
    def late_s(self) -> float:
        """Turned by hand, as the clock is."""
        return self.turned_late_s

    def on_mount(self) -> None:
        self.push_screen(self.shown, self.results.append)

    def on_act(self, act: Act) -> None:
        self.acts.append((act.action_id, act.pane, act.row_key))

    @property
    def text(self) -> str:
        """What the topmost sheet shows."""
        return "\n".join(text_of(line).rstrip() for line in self.screen.query_one(Sheet).lines)


async def until(condition: Callable[[], object], deadline_s: float = 5.0) -> None:
    """Let the screens work until the condition holds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    while not condition():
        assert loop.time() < deadline, f"not true within {deadline_s:g} s: {condition}"
        step = loop.create_future()
        loop.call_later(0.01, step.set_result, None)
        await step


class Ticks:
    """A monotonic clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times on the screen are local: make that one place for all."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
