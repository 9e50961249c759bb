"""Hooks in the lab: put into the agent's own settings, as a user would, and heard by orc.

Invariant: they are installed into the stage's home alone, and what is asserted of them is what
the real program sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping

from tests.lab.script import Heard

from orc_core.agents.hooks import installation
from orc_core.agents.hooks.events import Event, event_of
from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.source import HookSource
from orc_core.agents.hooks.spool import Spool
from orc_core.agents.processes import system_processes
from orc_core.clock import Clock

EVENTS_MAX = 1000


class Hooks:
    """The hooks of one agent on its stage: `source` is for orc, `events` is what came."""

    def __init__(self, agent: str, version: str, environ: Mapping[str, str], clock: Clock) -> None:
        places = Places.of(environ)
        numbers = tuple(int(word) for word in version.split(".") if word.isdigit())
        installation.install_into(places, agent, version=numbers, statusline=agent == "claude")
        self.source = HookSource(places.spool, system_processes(), clock)
        self.events: list[Event] = []
        self._spool = Spool(places.spool)

    def heard(self, act: Heard, pane: str, socket: str) -> bool:
        """Whether such an event came from the pane since the last one that was asked for."""
        read = (event_of(spooled) for spooled in self._spool.read_new())
        self.events += [event for event in read if event is not None]
        del self.events[:-EVENTS_MAX]
        for at, event in enumerate(self.events):
            fits = event.what.value == act.what and event.pane == pane and event.socket == socket
            words = f"{event.does}\n{event.prompt}\n{event.said}\n{event.error}"
            if fits and event.runners and act.words in words:
                del self.events[: at + 1]
                return True
        return False

    @contextlib.asynccontextmanager
    async def told_to(self, news: Callable[[Collection[str]], None]) -> AsyncIterator[None]:
        """Tell orc of what comes, for as long as the block runs."""
        task = asyncio.ensure_future(self.source.run(news))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
