"""The fold: from signals to the state that is shown.

Invariant: pure. Death beats a level, a level beats a hook, a hook beats a title, a title beats
the screen; with nothing fresh the state is unknown and never working. Only the way to idle is
slowed down; nothing delays waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from orc_core.model.agent import Evidence, Signal, Source, State, Waiting

IDLE_AFTER_S: Final = 1.5
RANK: Final = {source: rank for rank, source in enumerate(Source)}
NOTHING: Final = "nothing-fresh"
EDGE_SETTLES_S: Final = 2.0
"""A screen that is this much newer than an event shows what came of it."""
EDGE_DOUBTED_S: Final = 10.0
"""A screen that is merely idle has to be this much newer: it may not show all there is."""

_BUSY: Final = (State.WORKING, State.WAITING)
_QUIET: Final = (State.IDLE, State.DONE)
_ENDS_BADLY: Final = (State.LIMITED, State.ERROR)


@dataclass(frozen=True, slots=True)
class Live:
    """What is known of one agent: its state, since when, and the signal that decided it.

    `quiet_since` is when signals first spoke of idle while the state is still held. `agrees` is
    False where the screen tells another state than the winning signal.
    """

    state: State
    since: float
    evidence: Evidence
    waiting: Waiting = Waiting.NONE
    does: str = ""
    agrees: bool = True
    quiet_since: float | None = None
    substate: str = ""
    resets_at: float = 0.0


def strongest_first(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """The signals in order of precedence; within one source the order given is kept."""
    return tuple(sorted(signals, key=lambda signal: RANK[signal.evidence.source]))


def fold(
    previous: Live | None,
    signals: Sequence[Signal],
    now: float,
    *,
    hold: bool = False,
    confirmed_at: float = 0.0,
) -> Live:
    """The next state of an agent.

    `hold` says that the screen shows a view over the conversation (a transcript, a menu), so
    that without a stronger word the state stays what it was. `confirmed_at` is until when titles
    and screens are known to have stood as they are, in epoch seconds.
    """
    fresh = [one for one in strongest_first(signals) if one.decides and not one.expired]
    winner = _winner(fresh, confirmed_at)
    if winner is None:
        if hold and previous is not None:
            return previous
        return _unknown(previous, now)
    if hold and previous is not None and _hides(winner):
        return previous
    return _settled(previous, winner, fresh, now)


def verdicts(told: Sequence[Signal], winner: Signal | None) -> tuple[str, ...]:
    """Why each signal decided or did not, in the order given."""
    return tuple(_verdict(signal, winner) for signal in told)


def _verdict(signal: Signal, winner: Signal | None) -> str:
    if signal is winner:
        return "decides"
    if not signal.decides:
        return "told beside the others, never decides"
    if signal.expired:
        return "expired: too old to be believed"
    if winner is None:
        return "a view over the conversation hides what it tells of"
    mine, its = RANK[signal.evidence.source], RANK[winner.evidence.source]
    source = winner.evidence.source.value
    if mine == its:
        return f"another {source} comes first"
    if mine > its:
        return f"weaker than {source}"
    return f"overtaken: the {source} knows better here"


def mark_seen(live: Live, now: float) -> Live:
    """The operator looked: what was done is idle from now on."""
    if live.state is not State.DONE:
        return live
    return replace(live, state=State.IDLE, since=now, quiet_since=None)


def doubted_at(told: Sequence[Signal], now: float) -> float:
    """When what is seen may next overtake an event; infinity where no event decides."""
    edge = next((one for one in told if one.decides and not one.expired), None)
    if edge is None or edge.evidence.source is not Source.HOOK:
        return inf
    if all(one.state is edge.state for one in told if not one.expired):
        return inf
    times = (edge.evidence.at + after_s for after_s in (EDGE_SETTLES_S, EDGE_DOUBTED_S))
    return min((at for at in times if at >= now), default=inf)


def _winner(fresh: Sequence[Signal], confirmed_at: float) -> Signal | None:
    """The strongest signal, unless the screen knows better.

    An idle title is the same at a prompt; an idle level does not tell why a turn ended. Titles
    are read less often than screens, so that a busy one may be older than the prompt.
    """
    if not fresh:
        return None
    first = fresh[0]
    if first.evidence.source is Source.LEVEL and first.state in _QUIET:
        hooks = (one for one in fresh if one.evidence.source is Source.HOOK)
        first = next((one for one in hooks if one.state in _ENDS_BADLY), first)
    if first.evidence.source is Source.HOOK:
        below = (one for one in fresh if RANK[one.evidence.source] > RANK[Source.HOOK])
        return next((one for one in below if _overtakes(one, first, confirmed_at)), first)
    if first.evidence.source is Source.LEVEL and first.state is State.WAITING and first.attended:
        # A menu that a person opened: what stands on the screen tells whether it asks for more.
        return fresh[-1]
    screen = next((signal for signal in fresh if signal.evidence.source is Source.SCREEN), None)
    if screen is None:
        return first
    if _knows_why(first, screen):
        return screen
    if first.state not in _QUIET:
        late = first.evidence.source is Source.TITLE and first.evidence.at < screen.evidence.at
        asks = first.state is State.WORKING and screen.state is State.WAITING
        return screen if late and asks else first
    if first.evidence.source is Source.TITLE and screen.state not in _QUIET:
        return screen
    return first


def _knows_why(first: Signal, screen: Signal) -> bool:
    """Whether the screen says why a turn ended, of which a stronger word says only that it did."""
    if first.evidence.source is Source.PROC or first.state not in _QUIET:
        return False
    return screen.state in (State.LIMITED, State.ERROR) or screen.waiting is Waiting.AUTH


def _overtakes(seen: Signal, edge: Signal, confirmed_at: float) -> bool:
    """Whether a title or a screen shows what came of an agent after an event.

    No event tells that a permission was given or that Esc ended a turn.
    """
    later = seen.evidence.at - edge.evidence.at
    stood = max(seen.evidence.at, confirmed_at) - edge.evidence.at
    if seen.state is edge.state or (seen.state in _QUIET and edge.state in _QUIET):
        return False
    if edge.state in _ENDS_BADLY and seen.state in _QUIET:
        return False
    if edge.state in _QUIET and seen.state in _ENDS_BADLY:
        return True
    if seen.state is State.WAITING:
        return later > 0.0
    plain = seen.state in _QUIET and not seen.attended
    return stood > (EDGE_DOUBTED_S if plain else EDGE_SETTLES_S)


def _hides(winner: Signal) -> bool:
    """Whether a view over the conversation explains this signal, or hides what it cannot know.

    A level calls a menu that the operator opened a dialog to be answered.
    """
    if winner.evidence.source is Source.LEVEL:
        return winner.waiting is Waiting.QUESTION
    return winner.evidence.source in (Source.TITLE, Source.SCREEN) and winner.state in _QUIET


def _unknown(previous: Live | None, now: float) -> Live:
    if previous is not None and previous.state is State.UNKNOWN:
        return replace(previous, quiet_since=None)
    at = previous.evidence.at if previous is not None else now
    return Live(State.UNKNOWN, now, Evidence(Source.SCREEN, NOTHING, at), does="nothing tells")


def _settled(previous: Live | None, winner: Signal, fresh: Sequence[Signal], now: float) -> Live:
    state, waiting = winner.state, _waiting(winner, fresh)
    same = [winner, *(one for one in fresh if one.state is winner.state)]
    since, quiet_since = now, None
    if previous is not None:
        if state in _QUIET:
            quiet_since = now if previous.quiet_since is None else previous.quiet_since
            held = _is_held(previous.state, winner.evidence.source)
            if held and now - quiet_since < IDLE_AFTER_S:
                return replace(previous, quiet_since=quiet_since)
            state = _quiet_state(previous, fresh)
            since = quiet_since
        if previous.state is state and previous.waiting is waiting:
            since = previous.since
    return Live(
        state=state,
        since=since,
        evidence=winner.evidence,
        waiting=waiting,
        does=_does(winner, same, fresh, state),
        agrees=_agrees(winner, fresh),
        quiet_since=quiet_since if state in _QUIET else None,
        substate=next((one.substate for one in same if one.substate), ""),
        resets_at=_resets_at(previous, winner, same),
    )


def _resets_at(previous: Live | None, winner: Signal, same: Sequence[Signal]) -> float:
    """When the limit ends. An announcement that still stands there means what it meant first."""
    if winner.state is not State.LIMITED:
        return 0.0
    if previous is not None and previous.resets_at:
        same_words = previous.evidence.text == winner.evidence.text
        if same_words and previous.state is State.LIMITED:
            return previous.resets_at
    return next((one.resets_at for one in same if one.resets_at), 0.0)


def _does(winner: Signal, same: Sequence[Signal], fresh: Sequence[Signal], state: State) -> str:
    """What those say that tell the same as the winner, or the same as is shown.

    What an agent said at the end of its turn is news only until it is seen.
    """
    ended = winner.state is State.DONE and winner.evidence.source is Source.HOOK
    told = () if ended and state is State.IDLE else same
    also = (one for one in fresh if one.state is state)
    return next((one.does for one in (*told, *also) if one.does), "")


def _is_held(state: State, source: Source) -> bool:
    """Whether idle is to be seen for a while first: a title or a screen may only flicker.

    A level or an event does not flicker after a prompt, and a death is final.
    """
    if state is State.WORKING:
        return source is not Source.PROC
    return state is State.WAITING and source not in (Source.PROC, Source.LEVEL, Source.HOOK)


def _waiting(winner: Signal, fresh: Sequence[Signal]) -> Waiting:
    """What is waited for; a prompt that is seen tells it better than a level does."""
    if winner.state is State.WAITING:
        for signal in fresh:
            if signal.evidence.source is Source.SCREEN and signal.state is State.WAITING:
                return signal.waiting
    return winner.waiting


def _quiet_state(previous: Live, fresh: Sequence[Signal]) -> State:
    """Done after work that nobody has seen the end of; idle when a person ended it."""
    if previous.state is State.DONE:
        return State.DONE
    if previous.state in _BUSY and not any(signal.attended for signal in fresh):
        return State.DONE
    return State.IDLE


def _agrees(winner: Signal, fresh: Sequence[Signal]) -> bool:
    """Whether the screen tells the same; a prompt that is waited at has to be on it."""
    if winner.evidence.source is Source.SCREEN:
        return True
    screen = next((signal for signal in fresh if signal.evidence.source is Source.SCREEN), None)
    if screen is None:
        return winner.state is not State.WAITING
    if winner.state in _QUIET:
        return screen.state in _QUIET
    return screen.state is winner.state
