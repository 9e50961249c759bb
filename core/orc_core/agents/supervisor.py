"""The supervisor: turns what the watcher saw into agents with a state and its evidence.

Invariant: only what was seen changes anything. A tick without a pane says nothing of it; a pane
leaves when the watcher says that it is gone. Everything kept is bounded by the panes there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from orc_core.agents.detect import Live, fold, mark_seen, strongest_first
from orc_core.agents.names import assign, identity, places
from orc_core.agents.processes import (
    Facts,
    Processes,
    busiest_child,
    foreground,
    in_group,
    is_shell,
    is_wrapper,
    system_processes,
    tree,
)
from orc_core.agents.prompts import read_prompt
from orc_core.agents.registry import Sessions
from orc_core.agents.rules import RuleSet
from orc_core.agents.signals import (
    activity,
    death,
    kind_of,
    last_prompt,
    left_shell,
    signals,
)
from orc_core.agents.tracks import SILENT_AFTER_S, Track, name_row, row, shown
from orc_core.clock import Clock
from orc_core.errors import UnknownName
from orc_core.model.agent import (
    OTHER,
    Agent,
    Evidence,
    Explanation,
    PaneRef,
    Prompt,
    Signal,
    Source,
    State,
)
from orc_core.tmux.watcher import PaneInfo, Sighting, Tick
from orc_storage.records import LiveRow

__all__ = ["Explanation", "Supervisor"]

LOOK_AGAIN_S: Final = 2.0
READ_AGAIN_S: Final = 5.0
TURNS_MIN: Final = 4
TURNS_SHARE: Final = 10
"""A tenth of the panes at a tick, which is one a second where nothing changes."""
CHILD_EVERY_S: Final = 10.0
STARTING_S: Final = 15.0
EXIT_WITHIN_S: Final = 2.0
SHELL_SAYS_S: Final = 0.5

_ENDED: Final = (State.DONE, State.IDLE)


class Supervisor:
    """The agents of one tmux server, from ticks. Every method answers from memory at once."""

    def __init__(
        self,
        rules: RuleSet,
        clock: Clock,
        home: Path,
        known: Sequence[LiveRow] = (),
        *,
        processes: Processes | None = None,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._home = home
        self._processes = processes if processes is not None else system_processes()
        self._sessions = Sessions(home, self._processes)
        self._known = {identity(row): row for row in known}
        self._tracks: dict[str, Track] = {}
        self._agents: tuple[Agent, ...] = ()
        self._named: tuple[tuple[PaneRef, str, str], ...] = ()

    def apply(self, tick: Tick) -> bool:
        """Take in what was seen; True when any agent differs from before."""
        for pane in tick.gone:
            track = self._tracks.get(pane.key)
            if track is not None and track.info.pane == pane:
                del self._tracks[pane.key]
        looks = self._turns(lambda track: track.looked_at, LOOK_AGAIN_S, tick.at)
        reads = self._turns(lambda track: track.read_at, READ_AGAIN_S, tick.at)
        for sighting in tick.sightings:
            key = sighting.info.pane.key
            self._sight(sighting, tick.at, look=key in looks, read=key in reads)
        self._name_all()
        return self._publish(tick.at)

    def agents(self) -> tuple[Agent, ...]:
        """All panes as they were at the last tick, in no particular order."""
        return self._agents

    def lines(self, key: str) -> tuple[str, ...]:
        """The screen of a pane as it was last read; empty when it is not known."""
        track = self._tracks.get(key)
        return track.lines if track is not None else ()

    def prompt(self, key: str) -> Prompt | None:
        """What a waiting agent asks, where its screen could be read as a prompt."""
        track = self._tracks.get(key)
        return track.prompt if track is not None else None

    def seen(self, key: str) -> bool:
        """The operator looked: done becomes idle, and a crash may be left behind."""
        track = self._tracks.get(key)
        if track is None or track.live is None:
            return False
        now = self._clock.now()
        if track.live.state is State.CRASHED:
            track.dismissed_at = track.dismissed_at or now
            return False
        live = mark_seen(track.live, now)
        if live is track.live:
            return False
        track.live = live
        return self._publish(now)

    def rows(self) -> list[LiveRow]:
        """What is worth keeping of each agent, so that its name and state outlive us."""
        return [
            row(agent, track.screen_at, track.prompt)
            for agent in self._agents
            if agent.kind != OTHER and (track := self._tracks[agent.key])
        ]

    def explain(self, key: str) -> Explanation:
        """Every signal, the one that won and what runs in the pane; raises UnknownName."""
        agent = next((one for one in self._agents if one.key == key), None)
        if agent is None:
            raise UnknownName(f"no pane {key} is watched: it is gone, or on another tmux server")
        track = self._tracks[key]
        kind = self._rules.kind(track.kind)
        return Explanation(
            agent=agent,
            signals=track.told,
            winner=next((one for one in track.told if _decided(one, agent.evidence)), None),
            processes=tree(self._processes, agent.pane.pid),
            files=(str(kind.path),) if kind is not None else (),
        )

    def _turns(self, last: Callable[[Track], float], every_s: float, now: float) -> set[str]:
        """The panes whose turn it is to be looked at although nothing changed there.

        A share of them at a time: all at once would hold up the loop.
        """
        due = [(last(track), key) for key, track in self._tracks.items()]
        due = sorted(one for one in due if now - one[0] >= every_s)
        return {key for _, key in due[: max(TURNS_MIN, len(self._tracks) // TURNS_SHARE)]}

    def _sight(self, sighting: Sighting, now: float, *, look: bool, read: bool) -> None:
        info = sighting.info
        track = self._tracks.get(info.pane.key)
        if track is None or track.info.pane != info.pane:
            track = self._track(info, sighting.at)
        if info.title != track.info.title:
            track.title_at = now
        looked = (info.command, info.dead) == (track.info.command, track.info.dead)
        fresh = info.title != track.info.title
        track.info = info
        if sighting.lines is not None:
            track.screen_at = sighting.at
            if sighting.lines != track.lines:
                track.changed_at = sighting.at
                track.lines = sighting.lines
                fresh = True
        if look or not looked or track.looked_at == float("-inf"):
            self._identify(track, now)
        if fresh or read or track.read_at == float("-inf"):
            self._read(track, now)
        if track.kind != OTHER and not self._is_exit_unsaid(track, now):
            self._judge(track, now)

    def _track(self, info: PaneInfo, at: float) -> Track:
        """A new track, with the name and state that the pane is known by from before."""
        track = Track(info, screen_at=at, changed_at=at, title_at=at)
        pane = info.pane
        row = self._known.get((pane.server, pane.server_start, pane.pane_id, pane.pid))
        if row is not None and self._rules.kind(row.agent_kind) is not None:
            evidence = Evidence(Source.SCREEN, "known from before", row.seen_at)
            state = State(row.state) if row.state in set(State) else State.UNKNOWN
            track.kind, track.name = row.agent_kind, row.name
            if state is State.WAITING:
                track.asked = (row.evidence.rpartition(" ")[2], row.since)
            else:
                track.live = Live(state, row.since, evidence, quiet_since=row.seen_at)
        self._tracks[pane.key] = track
        return track

    def _identify(self, track: Track, now: float) -> None:
        """Say of what kind the pane is, and note when the agent in it ended."""
        track.looked_at = now
        info = track.info
        if info.dead:
            track.ended_at = track.ended_at or now
            return
        own = self._processes.facts(track.process.pid) if track.process else None
        track.stopped = own is not None and own.state == "T"
        leader = foreground(self._processes, info.pane.pid)
        facts = self._processes.facts(leader)
        if facts is not None and facts.state == "Z":
            facts = None
        track.argv = self._processes.argv(leader)
        # What tmux calls the command may be a second old; the process tells the present.
        here = info if facts is None else replace(info, command=facts.name)
        kind = kind_of(self._rules, here, track.argv)
        if kind == OTHER and facts is not None and is_wrapper(track.argv):
            kind, facts = self._wrapped(here, facts)
        if kind != OTHER:
            if kind != track.kind or track.ended_at:
                self._become(track, kind, facts)
            elif not self._lives(track):
                track.process = facts
        elif track.kind != OTHER and not self._lives(track):
            self._outlived(track, facts, now)

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
        if facts is not None and (not shell or self._left_behind(track)):
            self._become(track, OTHER, None)
        elif shell and (facts is not None or track.process is None):
            track.ended_at = track.ended_at or now

    def _lives(self, track: Track) -> bool:
        """Whether the agent's own process still runs, behind a shell or under another name."""
        if track.process is None:
            return False
        facts = self._processes.facts(track.process.pid)
        return facts is not None and facts.start == track.process.start and facts.state != "Z"

    def _left_behind(self, track: Track) -> bool:
        """Whether the operator knows that the agent in this shell ended, and went on."""
        if track.live is None or track.live.state is State.IDLE:
            return True
        crashed = track.live.state is State.CRASHED
        return crashed and 0.0 < track.dismissed_at < track.changed_at

    def _become(self, track: Track, kind: str, process: Facts | None) -> None:
        if track.kind != kind or track.ended_at:
            track.name = track.name if track.kind == kind else ""
            track.live = None if track.kind != kind else track.live
            track.told, track.prompt, track.last_prompt = (), None, ""
        track.kind, track.process = kind, process
        track.ended_at, track.dismissed_at, track.end = 0.0, 0.0, None
        track.cpu_s.clear()
        track.read_at = float("-inf")

    def _read(self, track: Track, now: float) -> None:
        track.read_at = now
        track.reading = signals(
            self._rules,
            track.kind,
            track.info,
            track.lines,
            now,
            title_at=track.title_at,
            screen_at=track.screen_at,
        )
        kind = self._rules.kind(track.kind)
        if kind is not None and not track.reading.hold:
            track.last_prompt = last_prompt(kind, track.lines) or track.last_prompt
            track.activity = activity(kind, track.lines)

    def _judge(self, track: Track, now: float) -> None:
        """Fold all that is known of an agent into its state, prompt and busiest child."""
        made = [*self._of_process(track, now), *track.reading.signals]
        if not track.ended_at:
            level = self._level(track, now)
            made.extend([level] if level is not None else [])
            if not made and not track.reading.hold and 0 < now - track.started_at < STARTING_S:
                evidence = Evidence(Source.SCREEN, "just-started", track.started_at)
                made.append(Signal(evidence, State.STARTING))
        track.told = strongest_first(made)
        live = fold(track.live, track.told, now, hold=track.reading.hold)
        if track.live is not None and _same_evidence(track.live.evidence, live.evidence):
            live = replace(live, evidence=track.live.evidence)
        track.live = live
        track.prompt = self._prompt(track, live)
        if track.prompt is not None:
            # Only the very same question has waited all along.
            fingerprint, since = track.asked
            if track.prompt.fingerprint == fingerprint:
                track.live = replace(live, since=since)
            track.asked = ("", 0.0)
        if live.state is not State.WORKING or now - track.changed_at < SILENT_AFTER_S:
            track.busy_child = ""
        elif now - track.child_at >= CHILD_EVERY_S:
            track.child_at = now
            pid = track.process.pid if track.process else track.info.pane.pid
            track.busy_child = busiest_child(self._processes, pid, track.cpu_s)

    def _is_exit_unsaid(self, track: Track, now: float) -> bool:
        """Whether an agent just ended and nobody says how yet.

        A terminal closes before tmux has a status; a shell is back before it writes `Killed`.
        """
        info = track.info
        if not info.dead:
            return 0 <= now - track.ended_at < SHELL_SAYS_S and track.live is not None
        if info.dead_status is not None or info.dead_signal is not None:
            return False
        facts = self._processes.facts(info.pane.pid)
        known = facts is not None and facts.exit_status is not None
        return not known and track.live is not None and now - track.ended_at < EXIT_WITHIN_S

    def _of_process(self, track: Track, now: float) -> list[Signal]:
        info = track.info
        if info.dead:
            facts = self._processes.facts(info.pane.pid)
            status = facts.exit_status if facts is not None else None
            ended_at = track.ended_at or now
            signal = death(info, track.started_at, ended_at, exit_status=status)
            return [signal] if signal is not None else []
        if track.ended_at:
            # What the shell said of a crash stays true when it has scrolled away.
            if track.end is None or now - track.ended_at < EXIT_WITHIN_S:
                shell = track.argv[0] if track.argv else info.command
                told = left_shell(track.lines, shell, track.started_at, track.ended_at)
                if track.end is None or told.state is State.CRASHED:
                    track.end = told
            return [track.end]
        if track.stopped and track.process is not None:
            text = f"pid {track.process.pid} is stopped"
            evidence = Evidence(Source.PROC, "stopped", track.changed_at, text)
            return [Signal(evidence, State.IDLE, does="stopped: fg brings it back", attended=True)]
        return []

    def _level(self, track: Track, now: float) -> Signal | None:
        kind = self._rules.kind(track.kind)
        if kind is None or kind.agent.level != "claude-sessions":
            return None
        return self._sessions.signal(track.info.pane.pid, now)

    def _prompt(self, track: Track, live: Live) -> Prompt | None:
        if live.state is not State.WAITING:
            track.prompt_of = ()
            return None
        of = (track.lines, live.waiting, live.evidence, track.name, track.info.cwd)
        if of == track.prompt_of:
            return track.prompt
        track.prompt_of = of
        return read_prompt(
            self._rules,
            track.kind,
            track.name,
            track.lines,
            live.waiting,
            live.evidence,
            cwd=track.info.cwd,
            home=str(self._home),
        )

    def _name_all(self) -> None:
        tracks = self._tracks.values()
        asked = tuple((track.info.pane, track.kind, track.info.where) for track in tracks)
        if asked == self._named:
            return
        self._named = asked
        place = places([where for _, _, where in asked])
        wanted = [
            (pane, kind, place[where] if kind == OTHER else kind) for pane, kind, where in asked
        ]
        rows = dict(self._known)
        for track in self._tracks.values():
            if track.name and track.kind != OTHER:
                row = name_row(track)
                rows[identity(row)] = row
        names = assign(list(rows.values()), wanted)
        for key, track in self._tracks.items():
            track.name = names[key]
            if track.prompt is not None and track.prompt.agent != track.name:
                track.prompt = replace(track.prompt, agent=track.name)

    def _publish(self, now: float) -> bool:
        agents = tuple(
            shown(key, track, self._rules.kind(track.kind), now)
            for key, track in self._tracks.items()
        )
        if agents == self._agents:
            return False
        self._agents = agents
        return True


def _same_evidence(before: Evidence, now: Evidence) -> bool:
    """Whether a level only says again what it said a moment ago."""
    same = (before.source, before.rule, before.text) == (now.source, now.rule, now.text)
    return same and now.source is Source.LEVEL and 0 <= now.at - before.at < READ_AGAIN_S


def _decided(signal: Signal, evidence: Evidence) -> bool:
    return (signal.evidence.source, signal.evidence.rule) == (evidence.source, evidence.rule)
