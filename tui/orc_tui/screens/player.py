"""The player: a recording on the whole screen.

Invariant: what stands there is what was recorded; no key of it reaches a pane. Nothing moves
while it stands still, and its clock ends with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from orc_tui.painted import PaintedScreen
from orc_tui.view_models import reel as view
from orc_tui.view_models.frames import rule
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import Line, cut
from orc_tui.view_models.pane_view import PaneView, lines_of, rows_of
from orc_tui.view_models.reel import Playing, Reel
from orc_tui.widgets.board import Board
from orc_tui.widgets.canvas import Canvas
from orc_tui.widgets.footer import FooterBar

TICK_S: Final = 0.1
_EDGES: Final = 5


class Player(PaintedScreen[None], inherit_bindings=False):
    """Plays one recording; `now` is a clock that only goes forward, in seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", show=False),
        Binding("right,l", f"seek({view.STEP_S})", show=False),
        Binding("left,h", f"seek({-view.STEP_S})", show=False),
        Binding("greater_than_sign", "speed(1)", show=False),
        Binding("less_than_sign", "speed(-1)", show=False),
        Binding("i", "pauses", show=False),
        Binding("g,home", "seek(-1e9)", show=False),
        Binding("G,end", "seek(1e9)", show=False),
        Binding("K,up,k", "scroll(1)", show=False),
        Binding("J,down,j", "scroll(-1)", show=False),
        Binding("escape,q", "close", show=False),
    ]

    def __init__(self, reel: Reel, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.reel = reel
        self.playing = Playing()
        self._now = now
        self._ticked_at = 0.0
        self._timer: Timer | None = None
        self._up = 0
        self._head = Canvas(id="head")
        self._rule = Canvas(id="rule")
        self._body = Canvas(id="body")
        self._progress = Canvas(id="progress")
        self._foot = FooterBar()

    def compose(self) -> ComposeResult:
        with Board():
            yield from (self._head, self._rule, self._body, self._progress, self._foot)

    def on_mount(self) -> None:
        self._run()

    def on_resize(self) -> None:
        self._draw()

    def _run(self) -> None:
        """Have a clock exactly while it plays."""
        if self.playing.stands and self._timer is not None:
            self._timer.stop()
            self._timer = None
        elif not self.playing.stands and self._timer is None:
            self._ticked_at = self._now()
            self._timer = self.set_interval(TICK_S, self.tick)
        self._draw()

    def tick(self) -> None:
        """Play on as far as the clock has come."""
        now = self._now()
        self.playing = view.step(self.playing, self.reel, now - self._ticked_at)
        self._ticked_at = now
        self._run()

    def _draw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        width, height = self.size
        room = max(height - _EDGES + 1, 1)
        rows = {"head": (0, 1), "rule": (1, 1), "body": (2, room)}
        rows |= {"progress": (height - 2, 1), "footer": (height - 1, 1)}
        places = {name: Place(0, y, width, size, Shape.LINE) for name, (y, size) in rows.items()}
        self.query_one(Board).settle(places)
        self._head.draw([view.head(self.reel, width)])
        self._rule.draw([rule(width)])
        self._body.draw(self._screen(width, room))
        self._progress.draw([view.progress(self.playing, self.reel, width)])
        self._foot.show_keys(view.footer(self.playing, width), width)

    def _screen(self, width: int, room: int) -> list[Line]:
        """The screen, its end in view where it is higher than the room."""
        screen = self.reel.screen_at(self.playing.at)
        shown = rows_of(PaneView(), screen)
        self._up = min(self._up, max(len(shown) - room, 0))
        first = max(len(shown) - room - self._up, 0)
        lines = lines_of(PaneView(), screen, shown, first, room)
        lines += [()] * (room - len(lines))
        return [cut(line, width, ellipsis="") for line in lines]

    def action_play(self) -> None:
        self.playing = view.toggle(self.playing, self.reel)
        self._run()

    def action_seek(self, by: float) -> None:
        self.playing = view.seek(self.playing, self.reel, by)
        self._run()

    def action_speed(self, by: int) -> None:
        self.playing = view.faster(self.playing, by)
        self._draw()

    def action_pauses(self) -> None:
        """Play long pauses as they were, or cut them short."""
        self.playing = view.with_pauses(self.playing)
        self._draw()

    def action_scroll(self, by: int) -> None:
        self._up = max(self._up + by, 0)
        self._draw()

    def action_close(self) -> None:
        self.dismiss()

    @on(FooterBar.Pressed)
    async def _click(self, event: FooterBar.Pressed) -> None:
        event.stop()
        await self.app.run_action(_ACTIONS[event.key], self)


_ACTIONS: Final = {
    "space": "play",
    "left": f"seek({-view.STEP_S})",
    "right": f"seek({view.STEP_S})",
    "less_than_sign": "speed(-1)",
    "greater_than_sign": "speed(1)",
    "i": "pauses",
    "g": "seek(-1e9)",
    "G": "seek(1e9)",
    "q": "close",
}
