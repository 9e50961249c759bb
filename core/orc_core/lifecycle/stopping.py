"""Stopping agents: which process is meant, whether it is still that one, and ending it.

Invariant: a pid that was written down is believed only where tmux says that the pane is still
the one of then; what cannot be told from others is never ended.
"""

from __future__ import annotations

import signal
from typing import Final

from orc_core.agents.processes import Facts, Processes
from orc_core.agents.rules import RuleSet
from orc_core.clock import Clock
from orc_core.errors import OrcError, UsageError
from orc_core.lifecycle import ending, places
from orc_core.lifecycle.places import Whereabouts
from orc_core.model.agent import OTHER, Agent, PaneRef
from orc_core.model.life import Known, Policy
from orc_core.text import clean

NOBODY: Final = ending.Ended(True, ("no process of it was there",))


class Stopper:
    """Ends what runs in panes, in the way of its kind of agent; nothing is written down."""

    def __init__(self, processes: Processes, rules: RuleSet, clock: Clock) -> None:
        self._processes = processes
        self._rules = rules
        self._clock = clock

    async def is_there(self, target: Agent | Known, known: Known | None) -> bool:
        """Whether the pane of an agent runs on: another process may have its pid by now.

        Raises UsageError, OrcError.
        """
        one = known or target
        server = one.server if isinstance(one, Known) else one.pane.server
        if isinstance(one, Known) and one.pane is None and one.origin == "registered":
            raise UsageError(
                f"{one.name} has no pane, and which process it is is not known: end it yourself"
            )
        where, _ = (await places.see([server])).at(server, one.pane)
        if isinstance(one, Known) and one.pane != _seen(target):
            refuse_unknown(one, where)
        return where in (Whereabouts.THERE, Whereabouts.UNKNOWN)

    async def end_process(
        self, kind: str, process: Facts, *, timeout_s: float, force: bool = False
    ) -> ending.Ended:
        """End one process in the way of its kind of agent."""
        rules = self._rules.kind(kind)
        asked = [signal.Signals[f"SIG{one}"] for one in rules.agent.stop] if rules else None
        return await ending.end(
            self._processes,
            self._clock,
            process,
            signals=asked or ending.GRACEFUL,
            timeout_s=timeout_s,
            force=force,
        )

    async def occupant(self, known: Known | Agent, pane: PaneRef | None) -> ending.Occupant | None:
        """The process that the agent in this pane is; None where there is none."""
        if pane is None:
            return None
        await ending.refreshed(self._processes)
        argv = known.argv if isinstance(known, Known) else ()
        return ending.occupant(
            self._processes, self._rules, pane.pid, kind=known.kind or OTHER, argv=argv
        )

    async def end(
        self,
        target: Agent | Known,
        known: Known | None,
        *,
        force: bool,
        timeout_s: float | None = None,
    ) -> ending.Ended:
        """End the agent in a pane that is there; raises UsageError where it cannot be told."""
        pane = known.pane if known is not None else target.pane
        found = await self.occupant(known or target, pane)
        if found is None and target.kind in ("", OTHER) and not (known is not None and known.argv):
            raise UsageError(
                f"{target.name} is a shell, and which of its programs is meant is not known: "
                f"`orc interrupt {target.name}` interrupts what runs there"
            )
        if found is None:
            return NOBODY
        policy = known.policy if known is not None else Policy()
        wait_s = policy.kill_after_s if timeout_s is None else timeout_s
        return await self.end_process(target.kind, found.facts, force=force, timeout_s=wait_s)


def _seen(target: Agent | Known) -> PaneRef | None:
    """The pane in which an agent is seen at the moment."""
    return target.pane if isinstance(target, Agent) else None


def refuse_unknown(known: Known, where: Whereabouts) -> None:
    """Raise OrcError where tmux does not say whether an agent runs."""
    if where is Whereabouts.UNKNOWN:
        shown = clean(known.server, limit=120)
        raise OrcError(f"tmux at {shown} does not answer: whether {known.name} runs is unknown")
