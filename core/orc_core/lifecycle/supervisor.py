"""The supervisor: starts agents again that ended, as far as a person asked for it.

Invariant: it runs in the process that leads the workspace and in no other, so that nobody is
started twice. It starts only in the pane that the agent ended in: a pane that was closed was
closed by someone, and a server that is gone stays gone until a person resumes what ran there.
Before it starts anything it reads the document again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from orc_core.agents.processes import Facts
from orc_core.clock import Clock
from orc_core.errors import OrcError
from orc_core.lifecycle import ending, supervision
from orc_core.lifecycle.memory import resident_bytes
from orc_core.lifecycle.places import Places, Whereabouts, see
from orc_core.lifecycle.supervision import Exit
from orc_core.lifecycle.wing import Lifecycle
from orc_core.model.agent import PaneRef
from orc_core.model.health import Layer, LayerState
from orc_core.model.life import Known, Phase, Standing
from orc_core.tmux.making import Seen
from orc_storage import journal
from orc_storage.database import Database
from orc_storage.errors import StorageError
from orc_storage.records import StandingRow

LOOK_EVERY_S: Final = 1.0
MEMORY_EVERY_S: Final = 5.0
MEMORY_STRIKES: Final = 2
"""How often in a row an agent has to be over its limit: a peak is no leak."""

UNSAID_S: Final = 2.0
"""How long to wait for someone to say how a program ended."""

ACTOR: Final = "supervisor"

_SEEN: Final = (Whereabouts.THERE, Whereabouts.DEAD)


@dataclass(slots=True)
class _Ward:
    """An agent that is supervised; times are seconds of the monotonic clock."""

    known: Known
    standing: Standing
    process: Facts | None = None
    inherited: bool = True
    """Whether it ran before we looked for the first time."""
    born_s: float = 0.0
    missed_s: float = 0.0
    strikes: int = 0
    memory_s: float = float("-inf")


class Supervisor:
    """Watches over the agents of one workspace; `chance` gives numbers from 0 to 1.

    `changed` is called when what `layers` says differs.
    """

    def __init__(
        self,
        wing: Lifecycle,
        db: Database,
        clock: Clock,
        *,
        leads: Callable[[], bool],
        changed: Callable[[], None] = lambda: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.trouble = ("", 0.0)
        """Why the last look was not brought to its end, since when; "" where it was."""
        self._changed = changed
        self._wing = wing
        self._db = db
        self._clock = clock
        self._leads = leads
        self._chance = chance
        self._wards: dict[str, _Ward] = {}
        self._seq = -1

    async def run(self) -> None:
        """Watch over agents while this process leads, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            if not self._leads():
                # Whoever leads next knows what was written down, and so will we.
                self._wards, self._seq = {}, -1
                self._note("")
                continue
            try:
                await self.look()
                self._note("")
            except (OrcError, StorageError, OSError) as error:  # OSError: no process to be had
                self._note(str(error))

    def layers(self) -> tuple[Layer, ...]:
        """A line of the sync pane where this process watches over agents and cannot."""
        trouble, at = self.trouble
        if not trouble:
            return ()
        return (Layer("supervisor", LayerState.DEGRADED, "", 0.0, 0, 0, trouble, at),)

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble[0]:
            self.trouble = (trouble, self._clock.now())
            self._changed()

    def standing(self, name: str) -> Standing | None:
        """Where a supervised agent stands, None where it is not supervised."""
        ward = self._wards.get(name.casefold())
        return ward.standing if ward is not None else None

    async def look(self) -> None:
        """Look at every agent once, and do what is due."""
        await self._read()
        await ending.refreshed(self._wing.processes)
        running = [one for one in self._wards.values() if one.standing.phase is Phase.RUNNING]
        ended = [ward for ward in running if not self._lives(ward)]
        if ended:
            places = await see(ward.known.server for ward in ended)
            for ward in ended:
                await self._note_end(ward, places)
        for ward in list(self._wards.values()):
            if supervision.is_due(ward.standing, self._clock.monotonic()):
                await self._start(ward)
            elif ward.standing.phase is Phase.RUNNING and self._lives(ward):
                await self._check(ward)

    async def _read(self) -> None:
        """Take in what the crew says, where anything was written since."""
        seq, _ = await self._db.read(journal.head)
        if seq == self._seq:
            return
        if self._seq == -1:
            await self._wing.recover()
        known = {one.name.casefold(): one for one in await self._wing.crew.listing()}
        rows = await self._wing.crew.standings() if self._seq < 0 else {}
        self._seq = seq
        for key, one in known.items():
            ward = self._wards.get(key)
            if ward is None:
                if one.policy.watched and one.argv:
                    before = _remembered(rows.get(key), one, self._clock.monotonic())
                    self._wards[key] = ward = _Ward(one, before)
            elif _begun_anew(ward.known.pane, one.pane, ward.known.wanted, one.wanted):
                ward.standing = supervision.begun(ward.standing)
                ward.process, ward.missed_s, ward.strikes = None, 0.0, 0
                ward.inherited = False
            if ward is not None:
                ward.known = one
                if one.wanted == "stopped" and ward.standing.phase is not Phase.STOPPED:
                    reason = "a person stopped it"
                    await self._set(ward, supervision.halted(ward.standing, Phase.STOPPED, reason))
        for key in list(self._wards):
            now = known.get(key)
            if now is None or not now.policy.watched:
                del self._wards[key]

    def _lives(self, ward: _Ward) -> bool:
        """Whether its program runs, which is that very process for as long as it was watched."""
        pane = ward.known.pane
        if pane is None:
            return True  # it is being started: what becomes of it shows when its pane is known
        return ward.process is not None and ending.lives(self._wing.processes, ward.process)

    def _meet(self, ward: _Ward, pane: PaneRef, where: Whereabouts) -> None:
        """Learn which process it is, once tmux says that the pane is still the one written down.

        Before that its pid may long be another's, which is nobody's to end.
        """
        facts = self._wing.processes.facts(pane.pid)
        if facts is not None and (where is Whereabouts.THERE or facts.state == "Z"):
            ward.process, ward.born_s = facts, self._clock.monotonic()

    async def _note_end(self, ward: _Ward, places: Places) -> None:
        where, seen = places.of(ward.known)
        if ward.process is None and seen is not None and where in _SEEN:
            self._meet(ward, seen.pane, where)
        if where is Whereabouts.SERVER_GONE:
            reason = f"its tmux server is gone: `orc resume {ward.known.name}`"
            await self._set(ward, supervision.halted(ward.standing, Phase.ENDED, reason))
        elif where is Whereabouts.CLOSED:
            reason = f"its pane was closed: `orc resume {ward.known.name}`"
            await self._set(ward, supervision.halted(ward.standing, Phase.ENDED, reason))
        elif where is Whereabouts.DEAD and seen is not None:
            exit = self._exit(ward, seen)
            if exit is not None:
                await self._end(ward, exit)
        # Anything else is not known well enough to act on: the next look will tell.

    def _exit(self, ward: _Ward, seen: Seen) -> Exit | None:
        exit = ending.how_it_ended(self._wing.processes, seen)
        if exit is not None:
            return exit
        now_s = self._clock.monotonic()
        ward.missed_s = ward.missed_s or now_s
        return Exit() if now_s - ward.missed_s >= UNSAID_S else None

    async def _end(self, ward: _Ward, exit: Exit, *, must: bool = False) -> None:
        now_s = self._clock.monotonic()
        ward.missed_s, ward.strikes = 0.0, 0
        after = supervision.ended(
            ward.known.policy,
            ward.standing,
            exit,
            uptime_s=self._uptime_s(ward),
            now_s=now_s,
            chance=self._chance(),
            must=must,
        )
        await self._set(ward, after)

    def _uptime_s(self, ward: _Ward) -> float:
        """How long it ran: as it was watched, or longer where it ran before that."""
        watched_s = self._clock.monotonic() - ward.born_s if ward.process is not None else 0.0
        if ward.process is None or not ward.inherited or not ward.process.started_at:
            return watched_s
        return max(watched_s, self._clock.now() - ward.process.started_at)

    async def _start(self, ward: _Ward) -> None:
        """Start it again in its pane, unless a person did something about it meanwhile."""
        fresh = await self._wing.crew.find(ward.known.name)
        if fresh is None or fresh.wanted != "running" or fresh.pane != ward.known.pane:
            self._seq = -2  # the crew is read again, and says what to do
            return
        places = await see([fresh.server])
        where, _ = places.of(fresh)
        if where in (Whereabouts.SERVER_GONE, Whereabouts.CLOSED):
            await self._note_end(ward, places)
            return
        if where is not Whereabouts.DEAD:
            due_s = self._clock.monotonic() + LOOK_EVERY_S
            ward.standing = replace(ward.standing, due_s=due_s)
            return
        number = ward.standing.restarts + 1
        try:
            made = await self._wing.launcher.bring_back(
                fresh, where, cause=f"restart {number} after {ward.standing.reason}", actor=ACTOR
            )
        except OrcError as error:
            ward.standing = supervision.started(ward.standing)
            ward.process = None
            await self._end(ward, Exit(why=f"it could not be started: {error}"), must=True)
            return
        ward.known = replace(fresh, pane=made.pane)
        ward.process = self._wing.processes.facts(made.pane.pid)
        ward.born_s, ward.inherited = self._clock.monotonic(), False
        await self._set(ward, supervision.started(ward.standing))

    async def _check(self, ward: _Ward) -> None:
        """One that lives: is it steady, and is it within its limit?"""
        policy, now_s = ward.known.policy, self._clock.monotonic()
        steady = supervision.steady(policy, ward.standing, self._uptime_s(ward))
        if steady != ward.standing:
            await self._set(ward, steady)
        if not policy.memory_max or ward.process is None:
            return
        if now_s - ward.memory_s < MEMORY_EVERY_S:
            return
        ward.memory_s = now_s
        used = resident_bytes(self._wing.processes, ward.process.pid)
        ward.strikes = ward.strikes + 1 if used is not None and used > policy.memory_max else 0
        if used is None or ward.strikes < MEMORY_STRIKES:
            return
        why = f"{used / 2**20:.0f} MiB of {policy.memory_max / 2**20:.0f} MiB used"
        ended = await self._wing.stopper.end_process(
            ward.known.kind, ward.process, timeout_s=policy.kill_after_s
        )
        if ended.ok:
            await self._end(ward, Exit(why=why), must=True)

    async def _set(self, ward: _Ward, standing: Standing) -> None:
        ward.standing = standing
        row = StandingRow(
            ward.known.name,
            standing.phase.value,
            standing.quick,
            standing.restarts,
            standing.reason[:300],
            self._clock.now(),
        )
        await self._wing.crew.stand(row)


def _begun_anew(
    before: PaneRef | None, now: PaneRef | None, wanted_before: str, wanted: str
) -> bool:
    """Whether a person started it: it is in another pane, or wanted again."""
    return before != now or (wanted_before == "stopped" and wanted == "running")


def _remembered(row: StandingRow | None, known: Known, now_s: float) -> Standing:
    """Where an agent stood when another process led; what was due is due after a pause anew."""
    if row is None:
        return Standing()
    standing = Standing(Phase(row.phase), row.quick, row.restarts, reason=row.reason)
    if standing.phase is Phase.WAITING:
        due_s = now_s + supervision.pause_s(known.policy, row.quick, 0.0)
        return replace(standing, due_s=due_s)
    if standing.phase is Phase.STOPPED and known.wanted == "running":
        return supervision.begun(standing)
    return standing
