"""The screens that all views and dialogs are: a change is on the terminal at once.

Invariant: the first change after a rest is painted as soon as it is known; what follows is
gathered, so that nothing is painted more often than FRAMES_PER_S, or than the terminal takes it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from textual import events
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.timer import Timer
from textual.widget import Widget

from orc_tui.compositor import CellCompositor
from orc_tui.pace import Pace

if TYPE_CHECKING:
    from orc_tui.themes import ThemedApp

FRAMES_PER_S: Final = 60.0


class PaintedScreen(Screen[ScreenResultType]):
    """A screen that writes the cells that changed, without waiting for the next beat."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compositor = CellCompositor()
        self._painted_at = 0.0
        self._later: Timer | None = None

    def on_unmount(self) -> None:
        """Let go of what was drawn: Textual's cache of colours would keep it for a thousand more.

        It is a cache of a method, so that its entries hold the widgets' lines.
        """
        StylesCache.get_inner_outer.cache_clear()

    @property
    def _pace(self) -> Pace:
        return cast("ThemedApp[object]", self.app).pace

    async def _on_idle(self, event: events.Idle) -> None:
        """Paint what is dirty now; soon after another frame, leave it to Textual's beat."""
        rested = time.monotonic() - self._painted_at >= 1 / FRAMES_PER_S
        dirty = self._dirty_widgets or self._layout_required or self._repaint_required
        if rested and dirty and self.is_current:
            event.prevent_default()
            self._on_timer_update()

    def _wait(self, wait_s: float | None) -> None:
        """Paint later: in so many seconds, or when the app says that the last frame has left."""
        self._update_timer.pause()
        if wait_s is not None and self._later is None:
            self._later = self.set_timer(wait_s, self._wake)

    def _wake(self) -> None:
        self._later = None
        self.check_idle()

    def paint_soon(self, widget: Widget, regions: Sequence[Region]) -> None:
        """Paint these cells of a widget with the next frame, whatever else is in it."""
        widget._set_dirty(*regions)  # noqa: SLF001 (what `refresh` does, without its messages)
        self._dirty_widgets.add(widget)
        self.check_idle()

    def _on_timer_update(self) -> None:
        if (wait_s := self._pace.wait_s) != 0.0:
            self._wait(wait_s)
            return
        self._painted_at = time.monotonic()
        super()._on_timer_update()


class PaintedModal(PaintedScreen[ScreenResultType], ModalScreen[ScreenResultType]):
    """The same for what comes up over a view."""
