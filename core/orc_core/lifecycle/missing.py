"""Agents that should run and are not there, as rows of the list, so that they can be resumed.

Invariant: nobody is called missing on the word of one look alone, nor because tmux is silent; and
where all are seen, tmux is asked nothing.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Sequence
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import OrcError
from orc_core.lifecycle.wing import Lifecycle
from orc_core.model.agent import LOST, Agent, Evidence, PaneRef, Source, State, Waiting
from orc_core.model.life import Lost
from orc_core.text import clean
from orc_storage.errors import StorageError

LOOK_EVERY_S: Final = 5.0
ASK_AGAIN_S: Final = 60.0
"""How long tmux's word on the same agents is good for."""
COMMAND_MAX: Final = 200


class Missing:
    """Looks for missing agents every few seconds; `rows` are those found last."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        clock: Clock,
        seen: Callable[[], Sequence[Agent]],
        changed: Callable[[], None],
    ) -> None:
        self.rows: tuple[Agent, ...] = ()
        self._lifecycle = lifecycle
        self._clock = clock
        self._seen = seen
        self._changed = changed
        self._since: dict[str, float] = {}
        self._unseen: set[tuple[str, int]] = set()
        self._asked_at = 0.0

    async def run(self) -> None:
        """Look until cancelled; a store or a tmux in trouble changes nothing."""
        while True:
            # Their trouble is told by whoever watches them.
            with contextlib.suppress(OrcError, StorageError, OSError):
                await self.look()
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once, and tell when there are others than before."""
        there = {agent.pane for agent in self._seen()}
        wanted = [one for one in await self._lifecycle.crew.listing() if one.wanted == "running"]
        await self._lifecycle.note_conversations(self._seen(), wanted)
        unseen = {(one.name, one.rev) for one in wanted if one.argv and one.pane not in there}
        now = self._clock.now()
        if unseen == self._unseen and 0 <= now - self._asked_at < ASK_AGAIN_S:
            return
        lost = await self._lifecycle.lost() if unseen else ()
        self._unseen, self._asked_at = unseen, now
        self._since = {one.name: self._since.get(one.name, now) for one in lost}
        rows = tuple(row(one, self._since[one.name]) for one in lost)
        if rows != self.rows:
            self.rows = rows
            self._changed()


def row(lost: Lost, since: float) -> Agent:
    """A missing agent as the list shows it; it has no pane. The evidence tells what would run."""
    command = clean(shlex.join(lost.argv), limit=COMMAND_MAX)
    return Agent(
        key=f"{LOST}:{lost.name}",
        name=lost.name,
        kind=lost.kind or lost.argv[0].rpartition("/")[2],
        pane=PaneRef(lost.server, 0, "", 0),
        where="",
        session="",
        cwd=lost.cwd,
        command=lost.argv[0],
        title="",
        state=State.GONE,
        waiting=Waiting.NONE,
        since=since,
        changed_at=since,
        evidence=Evidence(Source.PROC, LOST, since, command),
        does=lost.why,
    )
