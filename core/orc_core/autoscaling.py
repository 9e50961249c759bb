"""As many instances of an agent as the queue wants: proposed, or started and stopped.

Invariant: only the leader acts, and only where that was switched on. Nobody who holds a task is
stopped, nor the agent that the others are made after, and one that a person stopped stays so;
after each change there is a rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import OrcError
from orc_core.lifecycle.places import see
from orc_core.lifecycle.scaling import INSTANCES_MAX, RUNS, in_order, scale
from orc_core.lifecycle.wing import Lifecycle
from orc_core.model.health import Layer, LayerState
from orc_core.model.life import Known
from orc_core.model.work import Holder, Proposal
from orc_core.settings import ScaleSettings
from orc_core.tasks import loads, sizing
from orc_core.tasks.handover import WORKERS
from orc_storage import deliveries
from orc_storage.database import Database
from orc_storage.errors import StorageError

LOOK_EVERY_S: Final = 10.0
ACTOR: Final = "autoscaler"
LONG_AGO_S: Final = 1e9


class Autoscaler:
    """Looks after the numbers of the agents named in `wishes`.

    `leads` tells whether this process leads, `changed` is called when `layers` says otherwise.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        store: Database,
        clock: Clock,
        wishes: Mapping[str, ScaleSettings],
        *,
        leads: Callable[[], bool] = lambda: False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._lifecycle = lifecycle.acting_as(ACTOR)
        self._store = store
        self._clock = clock
        self._wishes = wishes
        self._leads = leads
        self._changed = changed
        self._turned_s: dict[str, float] = {}
        """When the number of an agent's instances was changed last, monotonic."""
        self._told: tuple[str, ...] = ()
        self._told_at = 0.0

    async def run(self) -> None:
        """Look every ten seconds while this process leads, until cancelled."""
        while self._wishes:
            await self._clock.sleep(LOOK_EVERY_S)
            if not self._leads():
                self._turned_s = {}
                self._tell(())
                continue
            try:
                await self.look()
            except (OrcError, StorageError, OSError) as error:
                self._tell((str(error),))

    async def look(self) -> None:
        """Look once at every agent, and do what was switched on."""
        told: list[str] = []
        for one in await self.proposals():
            if one.wanted == one.runs:
                continue
            if one.automatic:
                await self._act(one)
            else:
                told.append(f"{one.text}: `orc scale {one.agent} {one.wanted}`")
        self._tell(tuple(told))

    async def proposals(self) -> tuple[Proposal, ...]:
        """What the queue wants of each agent that has a table; those nobody knows say so."""
        crew = await self._lifecycle.crew.listing()
        places = await see(one.server for one in crew)
        found: list[Proposal] = []
        for name, wish in self._wishes.items():
            members = [one for one in crew if name in (one.name, one.instance_of)]
            first = next((one for one in members if one.name == name), None)
            if first is None:
                raise OrcError(f"scale.{name}: no agent was started under that name: orc spawn it")
            running = [one.name for one in members if places.of(one)[0] in RUNS]
            found.append(await self._propose(first, running, wish))
        return tuple(found)

    def layers(self) -> tuple[Layer, ...]:
        """A line of the sync pane where there is something to propose."""
        if not self._told:
            return ()
        text = "; ".join(self._told)
        return (Layer("scale", LayerState.OK, "proposes", 0.0, 0, 0, text, self._told_at),)

    async def _propose(self, first: Known, running: Sequence[str], wish: ScaleSettings) -> Proposal:
        if first.wanted == "stopped" and first.name not in running:
            # A person stopped it, who alone starts it again.
            return Proposal(first.name, 0, 0, 0, 0, "", wish.automatic)
        alike = Holder("", first.kind, frozenset(first.capabilities))
        now = self._clock.now()
        load = await self._store.read(lambda conn: loads.measure(conn, alike, running, now))
        turned_s = self._turned_s.get(first.name)
        rested_s = LONG_AGO_S if turned_s is None else self._clock.monotonic() - turned_s
        size = sizing.wanted(load, bounds_of(wish), rested_s)
        return Proposal(
            first.name, load.runs, load.busy, load.waiting, size.wanted, size.why, wish.automatic
        )

    async def _act(self, one: Proposal) -> None:
        if one.wanted > one.runs:
            self._turned_s[one.agent] = self._clock.monotonic()
            await scale(self._lifecycle, one.agent, min(one.wanted, INSTANCES_MAX))
            return
        crew = await self._lifecycle.crew.listing()
        places = await see(known.server for known in crew)
        extra = [
            known
            for known in crew
            if known.instance_of == one.agent and places.of(known)[0] in RUNS
        ]
        extra.sort(key=lambda known: in_order(known.name), reverse=True)
        for known in extra:
            held = await self._store.read(
                lambda conn, name=known.name: deliveries.holding(conn, name)  # type: ignore[misc]
            )
            if not any(lease.group == WORKERS for lease in held):
                self._turned_s[one.agent] = self._clock.monotonic()
                await self._lifecycle.stop(known)
                return

    def _tell(self, told: tuple[str, ...]) -> None:
        if told != self._told:
            self._told, self._told_at = told, self._clock.now()
            self._changed()


def bounds_of(wish: ScaleSettings) -> sizing.Bounds:
    """The bounds that a table of the settings says."""
    return sizing.Bounds(
        least=wish.min,
        most=wish.max,
        busy_up=wish.busy_up,
        busy_down=wish.busy_down,
        waiting_up=wish.waiting_up,
        wait_up_s=wish.wait_up_s,
        rest_up_s=wish.rest_up_s,
        rest_down_s=wish.rest_down_s,
    )
