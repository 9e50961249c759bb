"""What is loaded and opened waits for the first frame: the panes stand before anything else.

Invariant: the wait ends in FIRST_FRAME_S at the latest, whatever is drawn.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any, Final

from textual.screen import Screen

FIRST_FRAME_S: Final = 2.0
"""How long is waited for a frame that does not come."""


class FirstFrame:
    """Knows when the panes of a screen were drawn for the first time."""

    def __init__(self) -> None:
        self._drawn = asyncio.Event()

    def drawn(self) -> None:
        """Take down that a frame was written."""
        self._drawn.set()

    async def wait(self, screen: Screen[Any]) -> None:
        """Return once the screen and what stands in it is drawn; from then on, garbage is looked
        for again.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_FRAME_S):
                await self._drawn.wait()
                # The first frame is that of the screen alone; its panes come with the next one.
                settled = asyncio.Event()
                screen.call_after_refresh(settled.set)
                await settled.wait()
        gc.enable()
