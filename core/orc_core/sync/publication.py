"""The panes that are published to: looked at, written, and let go of.

Invariant: only servers that were made by us, or that a person named, are written to; one that
is not ours is asked once. Only what differs is written, one command list a server at a time, and
what a pane is given is written down before it is written there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Protocol

from orc_core.errors import LayerOffline, TmuxError, TmuxGone, TmuxTimeout
from orc_core.model.agent import Agent
from orc_core.sync import panes
from orc_core.sync.panes import Given, Pane
from orc_core.tmux import options
from orc_core.tmux.options import Listing, Setting
from orc_core.tmux.server import Address
from orc_storage import bases
from orc_storage.database import Connection, Database, Transaction


class Fleet(Protocol):
    """The agents that are seen, as far as they are published."""

    def agents(self) -> tuple[Agent, ...]:
        """All panes of all servers that are watched."""

    def name_of(self, socket_path: str) -> str:
        """What people call a server."""


class Publication:
    """The panes of the servers in `fleet` that may be written to, for the layer of that name.

    `named` are the servers, by name or socket, that a person switched on though they are not
    ours.
    """

    def __init__(
        self, db: Database, layer: str, fleet: Fleet, named: Callable[[], Collection[str]]
    ) -> None:
        self.panes: dict[str, Pane] = {}
        """The panes that are published to, by the folded name of their agent."""
        self.given: dict[str, Given] = {}
        """What was given to the pane of each agent, by its folded name."""
        self._db = db
        self._layer = layer
        self._fleet = fleet
        self._named = named
        self._ours: dict[tuple[str, int], bool] = {}
        self._listings: dict[str, Listing] = {}
        self._is_read = False

    def edit(self, pane: Pane, name: str) -> str | None:
        """What somebody set a pane's task or note to; None where nobody did."""
        return panes.edit(pane, self.given.get(pane.agent.casefold()), name)

    def place(self, pane: Pane) -> str:
        """Name a pane for people."""
        return f"{self._fleet.name_of(pane.server)}:{pane.pane_id}"

    async def look(self, *, afresh: bool = False) -> None:
        """Read the options of all panes that are published to; raises LayerOffline.

        With `afresh`, what they were given is read again, too.
        """
        seen: dict[str, list[Agent]] = {}
        for agent in self._fleet.agents():
            if not agent.is_other and not agent.is_lost:
                seen.setdefault(agent.pane.server, []).append(agent)
        self._ours = {key: ours for key, ours in self._ours.items() if key[0] in seen}
        listings: dict[str, Listing] = {}
        troubles: list[TmuxError] = []
        for server, agents in seen.items():
            if not self._may_ask(server, agents[0].pane.server_start):
                continue
            try:
                listing = await options.read(Address(server))
            except TmuxGone:
                continue  # what was there stays as it was last seen
            except TmuxError as error:
                troubles.append(error)
                continue
            self._ours[server, listing.start] = listing.is_ours
            if self._may_write(server, listing.start):
                listings[server] = listing
        if troubles and not listings:
            raise LayerOffline(str(troubles[0]))
        self._listings = listings
        self.panes = {
            pane.agent.casefold(): pane
            for server, listing in listings.items()
            for pane in _placed(seen[server], listing)
        }
        if afresh or not self._is_read:
            self.given = await self._db.read(self._read_given)
            self._is_read = True
        await self._let_go()

    async def publish(
        self, wanted: Callable[[Pane], dict[str, str]], taken: Callable[[Pane, Given], Given]
    ) -> bool:
        """Write what differs from `wanted`; True where anything was written.

        `taken` returns what a pane was given, with the edits that were merged since.
        """
        wrote = False
        for server, listing in self._listings.items():
            plan: list[Setting] = []
            promises: list[Given] = []
            acknowledged: list[Given] = []
            for folded, pane in self.panes.items():
                if pane.server != server:
                    continue
                given = before = self.given.get(folded)
                if before is not None and before.holds(pane):
                    given = taken(pane, before)
                found = panes.settings(pane, given, wanted(pane))
                plan += found
                if found:
                    promises.append(panes.promised(pane, given, wanted(pane)))
                elif given is not None and given != before:
                    acknowledged.append(given)
            await self._keep([*acknowledged, *promises])
            if plan:
                await self._write(Address(server), listing, plan, promises)
                wrote = True
        return wrote

    async def withdraw(self) -> None:
        """Forget all that was given, and take our options away."""
        given = await self._db.read(self._read_given)
        if not given:
            return
        # First forgotten, then removed: what is gone from a pane must never count as an edit.
        await self._db.write(partial(bases.forget, layer=self._layer))
        for server in {one.server for one in given.values()}:
            await self._clear(server, {one.identity for one in given.values()})
        self.given, self.panes, self._listings = {}, {}, {}

    def _may_ask(self, server: str, start: int) -> bool:
        """Whether a server is to be asked for options: one that is not ours is asked once."""
        return (server, start) not in self._ours or self._may_write(server, start)

    def _may_write(self, server: str, start: int) -> bool:
        named = self._named()
        is_named = server in named or self._fleet.name_of(server) in named
        return is_named or self._ours.get((server, start), False)

    async def _let_go(self) -> None:
        """Take our options from servers that a person named once and does no more."""
        gone = [one for one in self.given.values() if self._is_foreign(one.server)]
        if not gone:
            return

        def forget(tx: Transaction) -> None:
            for one in gone:
                bases.remove(tx, self._layer, panes.KIND, one.agent)

        await self._db.write(forget)
        for one in gone:
            self.given.pop(one.agent.casefold(), None)
        for server in {one.server for one in gone}:
            await self._clear(server, {one.identity for one in gone})

    def _is_foreign(self, server: str) -> bool:
        """Whether a server is known and is none that may be written to."""
        starts = [start for path, start in self._ours if path == server]
        may_write = any(self._may_write(server, start) for start in starts)
        return bool(starts) and not may_write

    async def _write(
        self, address: Address, listing: Listing, plan: list[Setting], promises: list[Given]
    ) -> None:
        try:
            written = await options.write(address, listing, plan)
        except TmuxTimeout as error:
            raise LayerOffline(str(error)) from error
        except TmuxError:
            return  # a pane or the server is gone, or another by now: the next look tells
        late = {one.pane_id for one in plan[written:]}
        numbers = {pane.identity: pane.pane_id for pane in self.panes.values()}
        there = [one for one in promises if numbers[one.identity] not in late]
        await self._keep([panes.arrived(one) for one in there])
        for folded, pane in self.panes.items():
            own = [one for one in plan[:written] if one.pane_id == pane.pane_id]
            if pane.server == address.socket_path and own:
                values = pane.options.values | {one.option: one.value or "" for one in own}
                self.panes[folded] = replace(pane, options=replace(pane.options, values=values))

    async def _keep(self, given: Collection[Given]) -> None:
        """Write down what panes are given, so that our own echo is never an edit."""
        changed = [one for one in given if self.given.get(one.agent.casefold()) != one]
        if not changed:
            return

        def work(tx: Transaction) -> None:
            for one in changed:
                bases.put(tx, panes.to_base(self._layer, one))

        await self._db.write(work)
        self.given.update({one.agent.casefold(): one for one in changed})

    async def _clear(self, server: str, identities: Collection[str]) -> None:
        """Take our options from those panes of a server; one that does not answer keeps them."""
        try:
            address = Address(server)
            listing = await options.read(address)
            plan = [
                setting
                for pane_id, pane in listing.panes.items()
                if panes.identity_of(listing, pane_id) in identities
                for setting in panes.clearing(pane)
            ]
            while plan:
                written = await options.write(address, listing, plan)
                plan = plan[max(written, 1) :]
        except TmuxError:
            return

    def _read_given(self, conn: Connection) -> dict[str, Given]:
        found = bases.listing(conn, self._layer, panes.KIND)
        return {base.id.casefold(): panes.from_base(base) for base in found}


def _placed(agents: Collection[Agent], listing: Listing) -> list[Pane]:
    return [
        Pane(
            agent=agent.name,
            state=agent.state.value,
            server=agent.pane.server,
            identity=panes.identity_of(listing, agent.pane.pane_id),
            options=listing.panes[agent.pane.pane_id],
        )
        for agent in agents
        if agent.pane.server_start == listing.start and agent.pane.pane_id in listing.panes
    ]
