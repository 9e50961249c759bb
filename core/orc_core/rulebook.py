"""The rules in force: read at the start, and again whenever somebody changes a rule file.

Invariant: a broken file never ends anything. The rules before it stand, and it is a trouble that
is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Final

from orc_core.agents.observer import Observer
from orc_core.agents.rule_watch import rule_changes
from orc_core.agents.rules import load_sound
from orc_core.clock import Clock
from orc_core.model.health import Layer, LayerState

READ_AT_ONCE: Final = 32
"""So many panes are read by new rules before others get their turn on the loop."""


class Rulebook:
    """The rule set that all watches share, and its trouble."""

    def __init__(self, folders: Sequence[Path], clock: Clock) -> None:
        self._folders = folders
        self._clock = clock
        self.rules = load_sound(folders, now=clock.now())

    async def follow(
        self, observers: Callable[[], Sequence[Observer]], changed: Callable[[], None]
    ) -> None:
        """Go by the rule files as they change, until cancelled; `changed` after each time."""
        async with aclosing(rule_changes(self._folders, self._clock)) as changes:
            async for _ in changes:
                now = self._clock.now()
                newer = await asyncio.to_thread(load_sound, self._folders, self.rules, now)
                self.rules.take(newer)
                for observer in observers():
                    await _read_again(observer)
                changed()

    def with_trouble(self, layer: Layer) -> Layer:
        """A rule file that cannot be used is the trouble of a layer that has no other."""
        trouble = self.rules.trouble
        if not trouble or layer.state is not LayerState.OK:
            return layer
        at = self.rules.faults_at
        return replace(layer, state=LayerState.DEGRADED, trouble=trouble, trouble_at=at)


async def _read_again(observer: Observer) -> None:
    """Read all panes by new rules, a few at a time: all at once would hold up the loop."""
    keys = observer.keys()
    for at in range(0, len(keys), READ_AT_ONCE):
        observer.read_again(keys[at : at + READ_AT_ONCE])
        await asyncio.sleep(0)
