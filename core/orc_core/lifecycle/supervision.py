"""When an agent that ended is started again: the machine of the supervisor, pure.

Invariant: after `max_restarts` in a row that did not live for `min_uptime_s` an agent is in
error, and stays there until a person starts it. Nothing here reads a clock or rolls dice: time
and chance come in as arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from orc_core.errors import IllegalMove
from orc_core.model.life import Phase, Policy, Restart, Standing

JITTER: Final = 0.25
"""How much of a pause is left to chance, so that many agents do not start in step."""

DOUBLINGS_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended; both None where nobody knows, which counts as a failure."""

    status: int | None = None
    signal: int | None = None
    why: str = ""

    @property
    def failed(self) -> bool:
        return self.status != 0 or bool(self.signal)

    def __str__(self) -> str:
        if self.why:
            return self.why
        if self.signal:
            return f"signal {self.signal}"
        return "it ended, how is not known" if self.status is None else f"exit {self.status}"


def ended(
    policy: Policy,
    standing: Standing,
    exit: Exit,
    *,
    uptime_s: float,
    now_s: float,
    chance: float,
    must: bool = False,
) -> Standing:
    """Its program ended after `uptime_s`; `chance` is from 0 to 1. `must` overrides the policy.

    Raises IllegalMove unless it was running.
    """
    if standing.phase is not Phase.RUNNING:
        raise IllegalMove(f"an agent that is {standing.phase} cannot end")
    wanted = must or policy.restart is Restart.ALWAYS
    wanted = wanted or (policy.restart is Restart.ON_FAILURE and exit.failed)
    if not wanted:
        return replace(standing, phase=Phase.ENDED, quick=0, due_s=0.0, reason=str(exit))
    quick = 0 if uptime_s >= policy.min_uptime_s else standing.quick + 1
    if quick > policy.max_restarts:
        reason = f"{exit}; after {policy.max_restarts} restarts in a row it did not live"
        reason += f" for {policy.min_uptime_s:g} s"
        return replace(standing, phase=Phase.ERROR, due_s=0.0, reason=reason)
    due_s = now_s + pause_s(policy, quick, chance)
    return replace(standing, phase=Phase.WAITING, quick=quick, due_s=due_s, reason=str(exit))


def pause_s(policy: Policy, quick: int, chance: float) -> float:
    """How long to wait before the next start: doubled for each quick end, part of it by chance."""
    doubled = policy.backoff_s * 2.0 ** min(max(quick - 1, 0), DOUBLINGS_MAX)
    longest = min(doubled, max(policy.backoff_max_s, policy.backoff_s))
    return longest * (1.0 - JITTER * min(max(chance, 0.0), 1.0))


def is_due(standing: Standing, now_s: float) -> bool:
    """Whether it is time to start it again."""
    return standing.phase is Phase.WAITING and now_s >= standing.due_s


def started(standing: Standing) -> Standing:
    """It was started again; raises IllegalMove unless it waited for that."""
    if standing.phase is not Phase.WAITING:
        raise IllegalMove(f"an agent that is {standing.phase} does not wait to be started")
    return replace(standing, phase=Phase.RUNNING, restarts=standing.restarts + 1, due_s=0.0)


def steady(policy: Policy, standing: Standing, uptime_s: float) -> Standing:
    """It runs; one that lived long enough has no quick ends behind it any more."""
    if standing.phase is Phase.RUNNING and standing.quick and uptime_s >= policy.min_uptime_s:
        return replace(standing, quick=0, reason="")
    return standing


def begun(standing: Standing) -> Standing:
    """A person started it: what was before counts no more, from whatever phase."""
    return replace(standing, phase=Phase.RUNNING, quick=0, due_s=0.0, reason="")


def halted(standing: Standing, phase: Phase, reason: str) -> Standing:
    """It is not to be started again: a person stopped it, or its pane is gone.

    Raises IllegalMove where `phase` is one in which it would be.
    """
    if phase in (Phase.RUNNING, Phase.WAITING):
        raise IllegalMove(f"an agent that is {phase} is not halted")
    return replace(standing, phase=phase, due_s=0.0, reason=reason)
