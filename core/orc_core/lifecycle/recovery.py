"""Agents that should run and are not there, and those whose pane was not written down.

Invariant: what is lost is offered and never started by itself. A pane is taken for an agent's
only where it says so itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from orc_core.agents.kinds import program_kind
from orc_core.agents.processes import script_of
from orc_core.agents.rules import RuleSet
from orc_core.lifecycle.places import Places, Whereabouts
from orc_core.model.agent import OTHER
from orc_core.model.life import Known, Lost
from orc_core.tmux.making import Seen

_WHY: Final = {
    Whereabouts.SERVER_GONE: "its tmux server is gone",
    Whereabouts.CLOSED: "its pane was closed",
    Whereabouts.NONE: "it was never seen to start",
}

_HAS_PANE: Final = (Whereabouts.THERE, Whereabouts.DEAD, Whereabouts.UNKNOWN)


def lost(places: Places, known: Iterable[Known], rules: RuleSet, home: str) -> tuple[Lost, ...]:
    """The agents of a crew that should run and are not there."""
    found: list[Lost] = []
    for one in known:
        where, _ = places.of(one)
        if one.wanted != "running" or not one.argv or where not in _WHY:
            continue
        if places.marked(one, home) is not None or (
            where is Whereabouts.NONE and one.origin != "spawned"
        ):
            continue
        if where is Whereabouts.NONE and not _answered(places, one.server):
            continue
        argv, again = resume_argv(one, rules)
        guess = again and one.conversation not in argv
        found.append(Lost(one.name, one.kind, _WHY[where], argv, one.cwd, one.server, again, guess))
    return tuple(found)


def resume_argv(known: Known, rules: RuleSet) -> tuple[tuple[str, ...], bool]:
    """What takes up an agent's last conversation, and whether its kind knows how to.

    Where it does not, it is what the agent was started with. Without the id of the conversation
    it is the newest one of the agent's folder.
    """
    kind = rules.kind(known.kind)
    own = _program(known.argv, rules)
    if kind is None or not own:
        return known.argv, False
    if known.conversation and kind.agent.resume_by:
        return (*own, *kind.agent.resume_by, known.conversation), True
    if not kind.agent.resume:
        return known.argv, False
    return (*own, *kind.agent.resume), True


def _program(argv: tuple[str, ...], rules: RuleSet) -> tuple[str, ...]:
    """The words of a command line up to the agent itself: `claude`, `node …/cli.js`; () where
    something else starts it, which would not understand an agent's arguments."""
    if not argv:
        return ()
    if program_kind(rules, argv[:1]) != OTHER:
        return argv[:1]
    script = script_of(argv)
    if not script or program_kind(rules, argv) == OTHER:
        return ()
    return argv[: argv.index(script) + 1]


def unbound(places: Places, known: Iterable[Known], home: str) -> tuple[tuple[Known, Seen], ...]:
    """Agents whose document does not know the pane that was made for them.

    That is what is left when a process is killed between making the pane and writing it down.
    """
    found: list[tuple[Known, Seen]] = []
    for one in known:
        where, _ = places.of(one)
        seen = places.marked(one, home)
        if seen is not None and where not in _HAS_PANE:
            found.append((one, seen))
    return tuple(found)


def _answered(places: Places, server: str) -> bool:
    return server in places.gone or server in places.panes
