"""The panes of tmux servers as a layer: what agents are and do, readable in tmux itself.

Invariant: `@orc_agent` and `@orc_state` are output; `@orc_task` and `@orc_note` are edits where
somebody set them in a pane that held what we gave, and nowhere else. What is shown follows from
the copies that this layer holds, at most one command list a second.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from orc_core.clock import Clock
from orc_core.sync import panes
from orc_core.sync.copies import Copy
from orc_core.sync.layers import Key, Reading, Unreadable
from orc_core.sync.panes import NOTE_OPTION, TASK_OPTION, Given, Pane, Work
from orc_core.sync.publication import Fleet, Publication
from orc_core.tmux import options
from orc_storage import bases, documents
from orc_storage.canonical import digest, encode
from orc_storage.database import Connection, Database
from orc_storage.records import Base, Body

TASK: Final = "task"
AGENT: Final = "agent"
LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store holds for this layer, by folded id."""

    tasks: Mapping[str, Base]
    agents: Mapping[str, Base]
    open_tasks: Mapping[str, str]
    crew: Mapping[str, str]


class TmuxLayer:
    """The panes of the servers in `fleet` that are ours, or that a person `named`."""

    name: Final = "tmux"
    kinds: Final = frozenset({TASK, AGENT})
    lists_all: Final = False

    def __init__(
        self, db: Database, fleet: Fleet, clock: Clock, named: Callable[[], Collection[str]]
    ) -> None:
        self._db = db
        self._clock = clock
        self._publication = Publication(db, self.name, fleet, named)
        self._tasks: dict[str, Work] = {}
        self._notes: dict[str, str] = {}
        self._has_view = False
        self._wrote_at = float("-inf")

    async def prepare(self, kind: str) -> bool:
        """There is nothing to make."""
        return False

    async def scan(self, kind: str) -> dict[str, Reading]:
        """Look at all panes, and return what they say of a kind."""
        await self._look(afresh=True)
        if not self._panes:
            return {}
        known = await self._read_known()
        if kind == AGENT:
            every = {**known.crew, **_ids(known.agents)}
            shown = {id for folded, id in every.items() if folded in self._panes}
            return {id: self._agent(id, known.agents.get(id.casefold())) for id in shown}
        ids = {**known.open_tasks, **_ids(known.tasks)}
        return {id: self._task(id, known.tasks.get(folded)) for folded, id in ids.items()}

    async def read(self, kind: str, id: str) -> Reading | None:
        """Return what the panes said of a document when they were last looked at."""
        if not self._panes or (kind == AGENT and id.casefold() not in self._panes):
            return None
        if kind == TASK:
            base = await self._db.read(lambda conn: bases.get(conn, self.name, TASK, id))
            return self._task(id, base)
        base, is_known = await self._db.read(partial(_look_up_agent, layer=self.name, id=id))
        return self._agent(id, base) if is_known else None

    async def give(self, copy: Copy, body: Body | None, rev: int) -> str:
        """Take in what is to be shown; it is written with all the rest."""
        self._hold(copy.kind, copy.id, body)
        return "" if body is None else digest(encode(body))

    async def finish(self) -> None:
        """Write what differs, unless something was written less than a second ago."""
        now = self._clock.monotonic()
        if now - self._wrote_at < LOOK_EVERY_S:
            return
        await self._load_view()
        if await self._publication.publish(self._wanted, self._taken):
            self._wrote_at = now

    async def changes(self) -> AsyncGenerator[Collection[Key], None]:
        """Yield the documents that somebody edited in a pane, and agents that look different."""
        told: set[Key] = set()
        had_panes = False
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self._look()
            edited = self._edits()
            names = (edited - told) | self._outdated()
            if self._panes and not had_panes:
                names = {(TASK, ""), (AGENT, "")}
            if names:
                yield names
            told, had_panes = edited, bool(self._panes)

    async def withdraw(self) -> None:
        """Forget all that was given, and take our options away."""
        await self._publication.withdraw()
        self._tasks, self._notes, self._has_view = {}, {}, False

    def close(self) -> None:
        """Nothing is held."""

    @property
    def _panes(self) -> Mapping[str, Pane]:
        return self._publication.panes

    async def _look(self, *, afresh: bool = False) -> None:
        await self._publication.look(afresh=afresh)
        await self._load_view()

    async def _load_view(self) -> None:
        """Begin with what this layer held when it was last followed."""
        if self._has_view or not self._panes:
            return
        known = await self._read_known()
        for kind, held in ((TASK, known.tasks), (AGENT, known.agents)):
            for base in held.values():
                self._hold(kind, base.id, base.seen)
        self._has_view = True

    async def _read_known(self) -> _Known:
        return await self._db.read(partial(_read, layer=self.name))

    def _hold(self, kind: str, id: str, body: Body | None) -> None:
        """Keep as much of a document as is shown."""
        folded = id.casefold()
        if kind == TASK:
            self._tasks.pop(folded, None)
        else:
            self._notes.pop(folded, None)
        if body is not None and kind == TASK:
            self._tasks[folded] = panes.work_of(body)
        elif body is not None:
            self._notes[folded] = _note(body)

    def _agent(self, id: str, base: Base | None) -> Reading:
        """An agent's document as its pane has it."""
        pane = self._panes[id.casefold()]
        task = self._publication.edit(pane, TASK_OPTION)
        if task and not self._is_open(task):
            said = f"{options.TASK} of its pane is {task[:60]!r}, which is no open task"
            return Unreadable(AGENT, id, f"{said}: `orc tasks` lists them")
        if base is None or base.seen is None:
            return self._nothing(AGENT, id)
        note = self._publication.edit(pane, NOTE_OPTION)
        if note is None:
            return self._unchanged(base)
        return self._edited(base, {"note": panes.noted(note)}, pane)

    def _task(self, id: str, base: Base | None) -> Reading:
        """A task as the panes have it: who works on it."""
        if base is None or base.seen is None:
            return self._nothing(TASK, id)
        claims, releases = self._claims(id.casefold())
        if len(claims) > 1:
            who = " and ".join(sorted(pane.agent for pane in claims))
            return Unreadable(TASK, id, f"the panes of {who} both say {options.TASK} {id}")
        if claims:
            return self._edited(base, {"assignee": claims[0].agent}, claims[0])
        held = str(base.seen.get("assignee") or "").casefold()
        for pane in releases:
            if pane.agent.casefold() == held:
                return self._edited(base, {"assignee": ""}, pane)
        return self._unchanged(base)

    def _claims(self, folded: str) -> tuple[list[Pane], list[Pane]]:
        """The panes in which somebody set this task, and those in which they set another."""
        claims: list[Pane] = []
        releases: list[Pane] = []
        for name, pane in self._panes.items():
            value = self._publication.edit(pane, TASK_OPTION)
            if value is None or (value and not self._is_open(value)):
                continue
            given = self._publication.given[name].values[TASK_OPTION]
            if value.casefold() == folded:
                claims.append(pane)
            elif given.casefold() == folded:
                releases.append(pane)
        return claims, releases

    def _nothing(self, kind: str, id: str) -> Copy:
        """The layer was never given it: that deletes nothing."""
        return Copy(self.name, kind, id, None, None, "", 0.0, f"tmux {id}", is_lost=True)

    def _unchanged(self, base: Base) -> Copy:
        hash, cause = base.seen_sha256, f"tmux {base.id}"
        return Copy(self.name, base.kind, base.id, base.seen, base.rev, hash, 0.0, cause)

    def _edited(self, base: Base, fields: Body, pane: Pane) -> Copy:
        body: Body = {**(base.seen or {}), **fields}
        hash, now = f"edit {digest(encode(body))}", self._clock.now()
        cause = f"tmux {self._publication.place(pane)}"
        return Copy(self.name, base.kind, base.id, body, base.rev, hash, now, cause)

    def _edits(self) -> set[Key]:
        """Name the documents that somebody edited in a pane."""
        names: set[Key] = set()
        for folded, pane in self._panes.items():
            task = self._publication.edit(pane, TASK_OPTION)
            if task is not None:
                both = (task, self._publication.given[folded].values[TASK_OPTION])
                names |= {(TASK, self._tasks[id.casefold()].id) for id in both if self._is_open(id)}
            if task is not None or self._publication.edit(pane, NOTE_OPTION) is not None:
                names.add((AGENT, pane.agent))
        return names

    def _is_open(self, task: str) -> bool:
        """Whether a value is a task that this layer holds and that is not over."""
        work = self._tasks.get(task.casefold())
        return work is not None and panes.is_open(work)

    def _outdated(self) -> set[Key]:
        """Name the agents whose panes do not say what they should."""
        given = self._publication.given
        return {
            (AGENT, pane.agent)
            for folded, pane in self._panes.items()
            if panes.settings(pane, given.get(folded), self._wanted(pane))
        }

    def _wanted(self, pane: Pane) -> dict[str, str]:
        task = panes.assigned(pane.agent, self._tasks.values())
        return panes.wanted(pane, task, self._notes.get(pane.agent.casefold(), ""))

    def _taken(self, pane: Pane, given: Given) -> Given:
        """What a pane was given, with the edits that this layer holds by now."""
        task = panes.edit(pane, given, TASK_OPTION)
        if task is not None and self._holds(pane, given.values[TASK_OPTION], task):
            given = panes.taken_in(given, TASK_OPTION, task)
        note = panes.edit(pane, given, NOTE_OPTION)
        if note is not None and self._notes.get(pane.agent.casefold()) == panes.noted(note):
            given = panes.taken_in(given, NOTE_OPTION, note)
        return given

    def _holds(self, pane: Pane, before: str, task: str) -> bool:
        """Whether this layer says that an agent works on a task, and on the one before no more."""
        name = pane.agent.casefold()
        left, taken = self._tasks.get(before.casefold()), self._tasks.get(task.casefold())
        is_left = left is None or left.assignee.casefold() != name
        return is_left and (not task or (taken is not None and taken.assignee.casefold() == name))


def _note(body: Body) -> str:
    note = body.get("note")
    return note if isinstance(note, str) else ""


def _ids(held: Mapping[str, Base]) -> dict[str, str]:
    return {folded: base.id for folded, base in held.items()}


def _look_up_agent(conn: Connection, layer: str, id: str) -> tuple[Base | None, bool]:
    """What an agent's pane was given, and whether there is a document of it at all."""
    base = bases.get(conn, layer, AGENT, id)
    return base, base is not None or bool(documents.of(conn, AGENT, [id], damaged=[]))


def _read(conn: Connection, layer: str) -> _Known:
    return _Known(
        tasks={base.id.casefold(): base for base in bases.listing(conn, layer, TASK)},
        agents={base.id.casefold(): base for base in bases.listing(conn, layer, AGENT)},
        open_tasks={
            one.id.casefold(): one.id
            for one in documents.listing(conn, TASK)
            if panes.is_open(panes.work_of(one.body))
        },
        crew={one.id.casefold(): one.id for one in documents.listing(conn, AGENT)},
    )
