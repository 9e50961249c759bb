"""The wing of lives: agents spawned, stopped, restarted, adopted, forgotten, resumed.

Invariant: nothing is started, stopped or closed but what a person named. What a person wants is
written down before anything is done to bring it about, so that a supervisor never works against
it; what was done is told step by step.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from orc_core.agents.kinds import program_kind
from orc_core.agents.processes import Processes, system_processes
from orc_core.agents.rules import RuleSet
from orc_core.clock import Clock
from orc_core.errors import OrcError, ReadOnly, TmuxError, TmuxTimeout, UsageError
from orc_core.lifecycle import ending, places, recovery, stopping
from orc_core.lifecycle.crew import Crew, base_of
from orc_core.lifecycle.launch import Launcher
from orc_core.lifecycle.places import Whereabouts
from orc_core.lifecycle.registration import Registrar
from orc_core.lifecycle.rules import pane_json, policy_json
from orc_core.lifecycle.starting import folder_of, home_of, start, start_again
from orc_core.lifecycle.stopping import Stopper
from orc_core.model.agent import OTHER, Agent
from orc_core.model.agent_body import CONVERSATION
from orc_core.model.life import Done, Known, Lost, Policy
from orc_core.text import clean
from orc_core.tmux import making
from orc_core.tmux.server import Address
from orc_storage.database import Database
from orc_storage.records import Json

DEAD_WITHIN_S: Final = 3.0
DEAD_EVERY_S: Final = 0.05
SETTLED_WITHIN_S: Final = 3.0
LOOKS: Final = 2


@dataclass(frozen=True, slots=True)
class Wishes:
    """What may be said of an agent beside its command."""

    name: str = ""
    kind: str = ""
    labels: Sequence[str] = ()
    capabilities: Sequence[str] = ()
    policy: Policy = field(default_factory=Policy)
    instance_of: str = ""


class Lifecycle:
    """Acts on the lives of agents; made by the hub.

    `taken` are names of agents that are seen at the moment and may not be given to others.
    """

    def __init__(
        self,
        db: Database,
        address: Address,
        rules: RuleSet,
        clock: Clock,
        *,
        actor: str,
        environ: Mapping[str, str],
        cwd: Path,
        read_only: bool = False,
        processes: Processes | None = None,
        wished: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`wished` is awaited when a wish was written and before it is carried out."""
        self.crew = Crew(db)
        self._wished = wished
        self.processes = processes if processes is not None else system_processes()
        self._db = db
        self._address = address
        self._rules = rules
        self._clock = clock
        self._actor = actor
        self._environ = environ
        self._cwd = cwd
        self._read_only = read_only
        self._home = home_of(db.folder)
        self.launcher = Launcher(db.folder, self.crew, actor=actor, environ=environ)
        self.stopper = Stopper(self.processes, rules, clock)
        self.registrar = Registrar(
            db, self.crew, clock, self.processes, actor=actor, environ=environ
        )

    def acting_as(self, actor: str) -> Lifecycle:
        """The same in the name of another actor."""
        return Lifecycle(
            self._db,
            self._address,
            self._rules,
            self._clock,
            actor=actor,
            environ=self._environ,
            cwd=self._cwd,
            read_only=self._read_only,
            processes=self.processes,
            wished=self._wished,
        )

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        wishes: Wishes = Wishes(),
        cwd: str = "",
        env: Sequence[str] = (),
        session: str = making.SESSION,
        taken: Collection[str] = (),
    ) -> Done:
        """Start a program in a new window and put it on the crew.

        Raises UsageError before anything is done, TmuxError where tmux refuses; then nothing is
        left behind. After TmuxTimeout, or when this is cancelled, a pane may still come: the
        agent stays on the crew, and its pane is found as soon as tmux shows it.
        """
        self._refuse_read_only("spawn")
        folder = folder_of(cwd, self._cwd)
        # Once before the name is taken, so that what is wrong leaves no trace.
        order = start("x", argv, folder, env, workspace=self._db.folder, environ=self._environ)
        making.check(order, session)
        kind = wishes.kind or program_kind(self._rules, argv)
        self._check_kind(kind)
        known = await self.crew.add(
            {
                "origin": "spawned",
                "kind": "" if kind == OTHER else kind,
                "argv": list(argv),
                "cwd": order.cwd,
                "env": list(env),
                "server": self._address.socket_path,
                "session": session,
                "instance_of": wishes.instance_of,
                "labels": list(wishes.labels),
                "capabilities": list(wishes.capabilities),
                "policy": policy_json(wishes.policy),
            },
            name=wishes.name,
            base=base_of(argv[0]) if kind == OTHER else kind,
            taken=taken,
            actor=self._actor,
            cause="orc spawn",
        )
        try:
            made = await self.launcher.make(known)
        except TmuxTimeout as error:
            return await self._settled(known, error)
        except (OrcError, OSError):
            await self.crew.drop(known.name, actor=self._actor, cause="orc spawn: it failed")
            raise
        text = f"{known.name} was started in {made.session}, pane {made.pane.pane_id}"
        return Done(known.name, True, text, pane=made.pane, undo=f"orc stop {known.name}")

    async def _settled(self, known: Known, error: TmuxTimeout) -> Done:
        """What became of a start to which tmux did not answer; raises TmuxTimeout if unknown."""
        with contextlib.suppress(TimeoutError, TmuxError):
            async with asyncio.timeout(SETTLED_WITHIN_S):
                while known.name not in await self.recover(known.name):
                    await self._clock.sleep(DEAD_EVERY_S)
        known = await self.crew.get(known.name)
        if known.pane is None:
            raise TmuxTimeout(
                f"{error}: whether {known.name} was started is not known. It stays on the crew, and"
                " its pane is found once tmux answers: see `orc agents --lost`; "
                f"`orc forget {known.name}` gives it up"
            ) from error
        text = f"{known.name} was started, pane {known.pane.pane_id}; tmux was slow to say so"
        return Done(known.name, True, text, pane=known.pane, undo=f"orc stop {known.name}")

    async def stop(
        self,
        target: Agent | Known,
        *,
        force: bool = False,
        timeout_s: float | None = None,
    ) -> Done:
        """End an agent: asked first, by force when its time is over, confirmed dead.

        Its pane stays. Raises UsageError where nothing says which process it is, and OrcError
        where tmux does not say whether the pane is still the one that was written down.
        """
        self._refuse_read_only("stop")
        known = await self.crew.find(target.name)
        if known is not None and known.pane is None:
            known = await self._get(known.name)
        there = await self.stopper.is_there(target, known)
        if known is not None and known.wanted != "stopped":
            known = await self._want(known, "stopped", "orc stop")
        ended = stopping.NOBODY
        if there:
            ended = await self.stopper.end(target, known, force=force, timeout_s=timeout_s)
        name = target.name
        text = f"{name} was stopped" if ended.ok else f"{name} does not end"
        way_back = f"orc restart {name}" if known is not None and known.argv else ""
        return Done(name, ended.ok, text, ended.steps, undo=way_back)

    async def restart(self, name: str, *, force: bool = False) -> Done:
        """End an agent and start it again with what it was started with, in its pane if it can.

        Raises UnknownName, UsageError, TmuxError.
        """
        self._refuse_read_only("restart")
        known = await self._get(name)
        start_again(known, workspace=self._db.folder, environ=self._environ)
        where, _ = (await places.see([known.server])).of(known)
        stopping.refuse_unknown(known, where)
        steps: tuple[str, ...] = ()
        if where is Whereabouts.THERE:
            found = await self.stopper.occupant(known, known.pane)
            if found is not None and not found.owns_pane:
                raise UsageError(
                    f"{known.name} was typed into a shell: stop it, and start it there again"
                )
            known = await self._want(known, "stopped", "orc restart")
            ended = await self.stopper.end(known, known, force=force)
            steps = ended.steps
            if not ended.ok:
                return Done(known.name, False, f"{known.name} does not end", steps)
            where = await self._dead(known)
        made = await self.launcher.bring_back(known, where)
        text = f"{known.name} was started again in pane {made.pane.pane_id}"
        return Done(known.name, True, text, steps, made.pane, undo=f"orc stop {known.name}")

    async def resume(self, name: str) -> Done:
        """Start an agent that is lost again, taking up its last conversation where it can.

        Raises UsageError where it is not lost.
        """
        self._refuse_read_only("resume")
        known = await self._get(name)
        lost = recovery.lost(await places.see([known.server]), [known], self._rules, self._home)
        if not lost:
            raise UsageError(f"{known.name} is not lost: `orc restart {known.name}` restarts it")
        made = await self.launcher.make(known, argv=lost[0].argv)
        text = f"{known.name} was resumed in pane {made.pane.pane_id}"
        if lost[0].is_guess:
            text += ", with the newest conversation of its folder"
        return Done(known.name, True, text, pane=made.pane, undo=f"orc stop {known.name}")

    async def lost(self, name: str = "") -> tuple[Lost, ...]:
        """The agents that should run and are not there, each with what would resume it.

        With a name that one alone, so that no other server is waited for.
        """
        await self.recover(name)
        known = tuple(one for one in await self.crew.listing() if name in ("", one.name))
        for _ in range(LOOKS):  # absent is believed when it was seen twice
            if not known:
                return ()
            seen = await places.see(one.server for one in known)
            found = recovery.lost(seen, known, self._rules, self._home)
            names = {one.name for one in found}
            known = tuple(one for one in known if one.name in names)
        return found

    async def recover(self, name: str = "") -> tuple[str, ...]:
        """Write down the panes that were made for agents and never written down; their names."""
        if self._read_only:
            return ()
        known = tuple(one for one in await self.crew.listing() if name in ("", one.name))
        seen = await places.see(one.server for one in known)
        found = recovery.unbound(seen, known, self._home)
        for one, pane in found:
            fields: dict[str, Json] = {"pane": pane_json(pane.pane)}
            cause = f"found in pane {pane.pane.pane_id}"
            await self.crew.edit(one.name, fields, actor=self._actor, cause=cause)
        return tuple(one.name for one, _ in found)

    async def note_conversations(self, agents: Sequence[Agent], crew: Sequence[Known]) -> None:
        """Write down by what agents find their conversations again, so that it outlives them."""
        if self._read_only:
            return
        told = {agent.pane: agent.conversation for agent in agents if agent.conversation}
        for one in crew:
            said = told.get(one.pane, "") if one.pane is not None else ""
            if said and said != one.conversation and CONVERSATION.fullmatch(said):
                fields: dict[str, Json] = {"conversation": said}
                await self.crew.edit(one.name, fields, actor=self._actor, cause="seen to be in it")

    async def adopt(self, agent: Agent, wishes: Wishes, *, taken: Collection[str] = ()) -> Done:
        """Put an agent on the crew that somebody else started; its pane stays as it is."""
        self._refuse_read_only("adopt")
        for known in await self.crew.listing():
            if known.pane == agent.pane:
                raise UsageError(f"{agent.pane.pane_id} is {known.name} already")
        kind = wishes.kind or agent.kind
        self._check_kind(kind)
        await ending.refreshed(self.processes)
        found = ending.occupant(self.processes, self._rules, agent.pane.pid, kind=kind)
        argv = self.processes.argv(found.facts.pid) if found is not None else ()
        is_named = agent.kind != OTHER and not wishes.name
        name = agent.name if is_named else wishes.name
        known = await self.crew.add(
            {
                "origin": "adopted",
                "kind": "" if kind == OTHER else kind,
                "argv": list(argv),
                "cwd": agent.cwd,
                "server": agent.pane.server,
                "session": agent.session,
                "labels": list(wishes.labels),
                "capabilities": list(wishes.capabilities),
                "policy": policy_json(wishes.policy),
                "pane": pane_json(agent.pane),
            },
            name=name,
            base=base_of(agent.command) if kind == OTHER else kind,
            taken=[one for one in taken if one.casefold() != agent.name.casefold()],
            actor=self._actor,
            cause="orc adopt",
            label="adopt",
        )
        text = f"{known.name} was adopted: pane {agent.pane.pane_id} as it is"
        return Done(known.name, True, text, pane=agent.pane, undoable=True)

    async def forget(self, name: str, *, living: bool = False) -> Done:
        """Take an agent off the crew; nothing ends. Raises UsageError where it lives, unless
        `living` says that this is meant."""
        self._refuse_read_only("forget")
        known = await self._get(name)
        where, seen = (await places.see([known.server])).of(known)
        if not living and where in (Whereabouts.THERE, Whereabouts.UNKNOWN):
            found = await self.stopper.occupant(known, known.pane)
            if found is not None:
                raise UsageError(
                    f"{known.name} lives: stop it first, or forget it with --living and it runs on"
                )
        await self.crew.drop(known.name, actor=self._actor, cause="orc forget", label="forget")
        if seen is not None and seen.mark == known.name:
            with contextlib.suppress(TmuxError):
                await making.unmark(Address(known.server), seen.pane.pane_id)
        text = f"{known.name} was forgotten; what it wrote and its history stay"
        return Done(known.name, True, text, undoable=True)

    async def supervise(self, name: str, policy: Policy) -> Done:
        """Set when an agent is started again; it takes effect in the process that leads."""
        self._refuse_read_only("supervise")
        known = await self.crew.get(name)
        if policy.watched:
            start_again(known, workspace=self._db.folder, environ=self._environ)
            found = await self.stopper.occupant(known, known.pane)
            if found is not None and not found.owns_pane:
                raise UsageError(
                    f"{known.name} was typed into a shell, which cannot be started again for it: "
                    "`orc spawn` starts one that can be supervised"
                )
        fields: dict[str, Json] = {"policy": policy_json(policy)}
        await self.crew.edit(
            known.name, fields, actor=self._actor, cause="orc supervise", label="supervise"
        )
        said = f"restarted {policy.restart}" if policy.watched else "not supervised any more"
        if policy.memory_max:
            said += f", at most {policy.memory_max / 2**20:.0f} MiB"
        return Done(known.name, True, f"{known.name} is {said}", undoable=True)

    async def _get(self, name: str) -> Known:
        """The agent of that name, with its pane found again where that was not written down."""
        known = await self.crew.get(name)
        if known.pane is None and known.name in await self.recover():
            return await self.crew.get(name)
        return known

    async def _want(self, known: Known, wanted: str, cause: str) -> Known:
        wish = {"wanted": wanted}
        written = await self.crew.edit(known.name, wish, actor=self._actor, cause=cause)
        if self._wished is not None:
            # Whoever watches has to know before the end comes: it would be taken for a crash.
            await self._wished()
        return written

    async def _dead(self, known: Known) -> Whereabouts:
        """Wait until tmux knows that the program in a pane ended, too."""
        deadline_s = self._clock.monotonic() + DEAD_WITHIN_S
        while True:
            where, _ = (await places.see([known.server])).of(known)
            if where is not Whereabouts.THERE:
                return where
            if self._clock.monotonic() >= deadline_s:
                raise OrcError(f"{known.name} ended, but tmux does not say so: try again")
            await self._clock.sleep(DEAD_EVERY_S)

    def _check_kind(self, kind: str) -> None:
        if kind and kind != OTHER and self._rules.kind(kind) is None:
            known = ", ".join(one.id for one in self._rules.kinds)
            raise UsageError(f"--kind {clean(kind, limit=40)} has no rule file: {known}, or other")

    def _refuse_read_only(self, verb: str) -> None:
        if self._read_only:
            raise ReadOnly(f"cannot {verb}: opened with --read-only")
