"""Who occupies a pane: of what kind the agent is, which process it is, and when it ended.

Invariant: an agent is its process; it has ended when that process is gone and a shell is left,
and is another one when another program took its place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from orc_core.agents.kinds import kind_of
from orc_core.agents.processes import (
    Facts,
    Processes,
    foreground,
    in_group,
    is_shell,
    is_wrapper,
)
from orc_core.agents.rules import RuleSet
from orc_core.agents.tracks import EXIT_WITHIN_S, Track
from orc_core.model.agent import OTHER, State
from orc_core.tmux.watcher import PaneInfo

LOOK_AGAIN_S: Final = 5.0
"""How long what was found out about the processes of a pane that changes is good for."""
LOOK_ANEW_S: Final = 30.0
"""For how long a look at the agent's own process is enough to tell that all is as it was."""


class Occupancy:
    """Finds out who occupies the panes, from their processes."""

    def __init__(self, rules: RuleSet, processes: Processes) -> None:
        self._rules = rules
        self._processes = processes

    def identify(self, track: Track, now: float) -> None:
        """Say of what kind the pane is, and note when the agent in it ended."""
        track.looked_at = track.checked_at = now
        info = track.info
        if info.dead:
            track.ended_at = track.ended_at or now
            return
        own = self._processes.facts(track.process.pid) if track.process else None
        track.stopped = own is not None and own.state == "T"
        leader = foreground(self._processes, info.pane.pid)
        pane = self._processes.facts(info.pane.pid)
        track.foreground = pane.foreground if pane is not None else 0
        facts = self._processes.facts(leader)
        if facts is not None and facts.state == "Z":
            facts = None
        track.argv = self._processes.argv(leader)
        # What tmux calls the command may be a second old; the process tells the present.
        here = info if facts is None else replace(info, command=facts.name)
        kind = kind_of(self._rules, here, track.argv)
        if kind == OTHER and facts is not None and is_wrapper(track.argv):
            kind, facts = self._wrapped(here, facts)
        if kind == OTHER and facts is not None and not is_shell(facts.name):
            kind = self._declared(track)
        if kind != OTHER:
            if kind != track.kind or track.ended_at:
                self._become(track, kind, facts)
            elif not self._lives(track):
                track.process = facts
        elif track.kind != OTHER and not self._lives(track):
            self._outlived(track, facts, now)

    def keep_up(self, track: Track, now: float) -> None:
        """Identify the pane again where that is due: seldom while the same agent is in it."""
        if 0 <= now - track.checked_at < LOOK_AGAIN_S:
            return
        if 0 <= now - track.looked_at < LOOK_ANEW_S and self.is_same(track):
            track.checked_at = now
        else:
            self.identify(track, now)

    def is_same(self, track: Track) -> bool:
        """Whether the agent of before is still in the pane's foreground, from one look at it."""
        own, process = self._processes.facts(track.info.pane.pid), track.process
        if own is None or process is None or track.ended_at or track.info.dead:
            return False
        now = self._processes.facts(process.pid)
        if now is None or now.state == "Z":
            return False
        if (now.start, now.name) != (process.start, process.name):
            return False
        return own.foreground == track.foreground and (now.state == "T") is track.stopped

    def identify_anew(self, track: Track, now: float) -> None:
        """Say of what kind the pane is by other rules than before, which may not know it."""
        if track.kind != OTHER and self._rules.kind(track.kind) is None:
            self._become(track, OTHER, None)
        self.identify(track, now)

    def _declared(self, track: Track) -> str:
        """The kind that a person gave to what runs in a pane, if there are rules for it."""
        kind = track.declared.kind if track.declared is not None else OTHER
        return kind if self._rules.kind(kind) is not None else OTHER

    def _wrapped(self, info: PaneInfo, leader: Facts) -> tuple[str, Facts]:
        """The agent that a script or a launcher (`npx codex`) runs in its own process group."""
        for facts in in_group(self._processes, leader):
            argv = self._processes.argv(facts.pid)
            kind = kind_of(self._rules, replace(info, command=facts.name, title=""), argv)
            if kind != OTHER:
                return kind, facts
        return OTHER, leader

    def _outlived(self, track: Track, facts: Facts | None, now: float) -> None:
        """An agent is gone from its pane: a shell is left, another program, or nothing yet."""
        shell = is_shell(track.info.command if facts is None else facts.name)
        if facts is not None and (not shell or self._left_behind(track, now)):
            self._become(track, OTHER, None)
        elif shell and (facts is not None or track.process is None):
            track.ended_at = track.ended_at or now

    def _lives(self, track: Track) -> bool:
        """Whether the agent's own process still runs, behind a shell or under another name."""
        if track.process is None:
            return False
        facts = self._processes.facts(track.process.pid)
        return facts is not None and facts.start == track.process.start and facts.state != "Z"

    def _left_behind(self, track: Track, now: float) -> bool:
        """Whether the operator knows that the agent in this shell ended, and went on.

        One that was idle may have been killed: the shell gets the time to say so.
        """
        if track.live is None:
            return True
        if track.live.state is State.IDLE:
            return 0.0 < track.ended_at <= now - EXIT_WITHIN_S
        crashed = track.live.state is State.CRASHED
        return crashed and 0.0 < track.dismissed_at < track.changed_at

    def _become(self, track: Track, kind: str, process: Facts | None) -> None:
        if track.kind != kind or track.ended_at:
            track.name = track.name if track.kind == kind else ""
            track.live = None if track.kind != kind else track.live
            track.told, track.prompt, track.last_prompt = (), None, ""
            track.conversation = ""
        track.kind, track.process = kind, process
        track.ended_at, track.dismissed_at, track.end = 0.0, 0.0, None
        track.cpu_s.clear()
        track.is_read = False
