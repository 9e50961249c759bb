"""The observer: turns what the watcher saw into agents with a state and its evidence.

Invariant: only what was seen changes anything. A tick without a pane says nothing of it; a pane
leaves when the watcher says that it is gone. Everything kept is bounded by the panes there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Final

from orc_core.agents.detect import Live, mark_seen, verdicts
from orc_core.agents.judgement import TRANSITIONS_MAX, Judge
from orc_core.agents.names import NameBook, places
from orc_core.agents.occupancy import Occupancy
from orc_core.agents.processes import Glance, Processes, system_processes, tree
from orc_core.agents.registry import Sessions
from orc_core.agents.rules import RuleSet
from orc_core.agents.signals import signals
from orc_core.agents.sources import SignalSource
from orc_core.agents.tracks import KNOWN_FROM_BEFORE, Track, name_row, row, shown
from orc_core.agents.transitions import INTO, Transition
from orc_core.clock import Clock
from orc_core.errors import UnknownName
from orc_core.model.activity import Sight
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

__all__ = ["Explanation", "Observer"]

TURN_S: Final = 1.0
TURN_ROUND: Final = 16
"""Every agent has its turn once in so many seconds, whether anything was seen of it or not."""

JUDGED_EVERY: Final = 4
"""In so many turns an agent is judged once; in each it is looked at whether it still runs."""


class Observer:
    """The agents of one tmux server, from ticks. Every method answers from memory at once."""

    def __init__(
        self,
        rules: RuleSet,
        clock: Clock,
        home: Path,
        known: Sequence[LiveRow] = (),
        *,
        processes: Processes | None = None,
        sources: Sequence[SignalSource] = (),
        names: NameBook | None = None,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._processes = Glance(processes if processes is not None else system_processes())
        self._occupancy = Occupancy(rules, self._processes)
        self._sessions = Sessions(home, self._processes)
        self._judge = Judge(rules, self._processes, (self._sessions, *sources), home)
        self._names = names if names is not None else NameBook(known)
        self._tracks: dict[str, Track] = {}
        self._put_back: list[tuple[str, Transition]] = []
        self._shown: dict[str, Agent] = {}
        self._agents: tuple[Agent, ...] = ()
        self._dues: dict[str, float] = {}
        """When agents are to be judged again whose state time alone will change."""
        self._due_at = inf
        """When the first of them is, or before."""
        self._rota: deque[str] = deque()
        self._turned_at = float("-inf")
        self._confirmed_at = 0.0
        """When tmux last told of its panes."""
        self._misnamed = False

    def apply(self, tick: Tick) -> bool:
        """Take in what was seen; True when any agent differs from before.

        What nothing was seen of is judged again when time changes it, and in turns.
        """
        now = tick.at
        self._processes.forget()
        if tick.complete:
            self._confirmed_at = now
        gone = [pane.key for pane in tick.gone if self._leave(pane, now)]
        touched = {sighting.info.pane.key: self._sight(sighting, now) for sighting in tick.fresh}
        if tick.complete:
            touched |= {key: self._tracks[key] for key in self._due(now)}
            touched |= self._look_around(now)
        for key, track in touched.items():
            self._attend(key, track, now)
        if self._misnamed:
            touched |= self._name_all()
        return self._publish(touched, now, gone)

    def agents(self) -> tuple[Agent, ...]:
        """All panes as they were at the last tick, in no particular order."""
        return self._agents

    def lines(self, key: str) -> tuple[str, ...]:
        """The screen of a pane as it was last read; empty when it is not known."""
        track = self._tracks.get(key)
        return track.lines if track is not None else ()

    def sight(self, key: str) -> Sight:
        """What was seen of a pane so far; nothing where it is not known."""
        track = self._tracks.get(key)
        if track is None:
            return Sight()
        began_at = track.started_at if not track.ended_at else 0.0
        return Sight(track.seen_since, track.screens, track.changed_lines, began_at)

    def prompt(self, key: str) -> Prompt | None:
        """What a waiting agent asks, where its screen could be read as a prompt."""
        track = self._tracks.get(key)
        return track.prompt if track is not None else None

    def judge_again(self, keys: Collection[str]) -> bool:
        """A source has news of these panes: judge them now; True when any agent differs."""
        now = self._clock.now()
        self._processes.forget()
        touched = {key: track for key in keys if (track := self._tracks.get(key)) is not None}
        for key, track in touched.items():
            self._attend(key, track, now)
        if self._misnamed:
            touched |= self._name_all()
        return self._publish(touched, now)

    def keys(self) -> tuple[str, ...]:
        """The keys of all panes that are known."""
        return tuple(self._tracks)

    def read_again(self, keys: Collection[str]) -> bool:
        """The rules changed: read and judge these panes anew; True when any agent differs."""
        now = self._clock.now()
        self._processes.forget()
        touched = {key: track for key in keys if (track := self._tracks.get(key)) is not None}
        for key, track in touched.items():
            self._occupancy.identify_anew(track, now)
            track.is_read = False
            self._attend(key, track, now)
        if self._misnamed:
            touched |= self._name_all()
        return self._publish(touched, now)

    def declare_again(self) -> bool:
        """It was said anew who is in which pane; True when any agent differs."""
        now = self._clock.now()
        self._processes.forget()
        touched: dict[str, Track] = {}
        for key, track in self._tracks.items():
            declared = self._names.declared(track.info.pane)
            if declared == track.declared:
                continue
            if declared is None:
                track.process = None  # what was said of it is not true of it for that any more
            track.declared, touched[key] = declared, track
            self._occupancy.identify(track, now)
            self._attend(key, track, now)
        return self._publish(touched | self._name_all(), now)

    def transitions(self) -> list[tuple[str, Transition]]:
        """The steps of all agents that nobody has taken yet, by the agent's name, oldest first."""
        steps = self._judge.transitions
        taken = [(name or track.name, step) for track, name, step in steps]
        steps.clear()
        taken, self._put_back = self._put_back + taken, []
        return taken[-TRANSITIONS_MAX:]

    def put_back(self, steps: Sequence[tuple[str, Transition]]) -> None:
        """These steps could not be written down: they are told again next time."""
        self._put_back = [*steps, *self._put_back][-TRANSITIONS_MAX:]

    def _note(self, track: Track, state: State, now: float, why: str = "") -> None:
        """A step that nothing on the screen decided."""
        if track.kind == OTHER or track.live is None or track.live.state is state:
            return
        before = track.live.state
        step = Transition(now, before, state, track.live.evidence, why or INTO[state].reason)
        self._judge.transitions.append((track, track.name, step))

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
        self._note(track, State.IDLE, now, "it was looked at")
        track.live = live
        return self._publish({key: track}, now)

    def rows(self) -> list[LiveRow]:
        """What is worth keeping of each agent, so that its name and state outlive us."""
        return [
            row(agent, track.screen_at, track.prompt)
            for agent in self._agents
            if agent.kind != OTHER and (track := self._tracks[agent.key])
        ]

    def explain(self, key: str) -> Explanation:
        """Every signal, the one that won and what runs in the pane; raises UnknownName."""
        agent = self._shown.get(key)
        if agent is None:
            raise UnknownName(f"no pane {key} is watched: it is gone, or on another tmux server")
        track = self._tracks[key]
        self._processes.forget()
        kind = self._rules.kind(track.kind)
        winner = next((one for one in track.told if _decided(one, agent.evidence)), None)
        return Explanation(
            agent=agent,
            signals=track.told,
            winner=winner,
            verdicts=verdicts(track.told, winner),
            refused=track.refused,
            processes=tree(self._processes, agent.pane.pid),
            files=(str(kind.path),) if kind is not None else (),
        )

    def _leave(self, pane: PaneRef, now: float) -> bool:
        """A pane is gone, if it is the one that is known by this key."""
        track = self._tracks.get(pane.key)
        if track is None or track.info.pane != pane:
            return False
        del self._tracks[pane.key]
        self._note(track, State.GONE, now)
        self._dues.pop(pane.key, None)
        self._rota.remove(pane.key)
        self._misnamed = True
        return True

    def _due(self, now: float) -> list[str]:
        """The agents whose time has come, or whose session files changed."""
        due: list[str] = []
        if now >= self._due_at:
            due = [key for key, at in self._dues.items() if at <= now]
            self._due_at = min((at for at in self._dues.values() if at > now), default=inf)
        changed = self._sessions.changed()
        if changed:
            due += [key for key, one in self._tracks.items() if one.info.pane.pid in changed]
        return due

    def _turns(self, now: float) -> list[str]:
        """The panes whose turn it is to be looked at although nothing was seen of them.

        A few a second: all at once would hold up the loop.
        """
        if 0 <= now - self._turned_at < TURN_S:
            return []
        self._turned_at = now
        turns: list[str] = []
        for _ in range(-(-len(self._rota) // TURN_ROUND)):
            turns.append(self._rota[0])
            self._rota.rotate(-1)
        return turns

    def _look_around(self, now: float) -> dict[str, Track]:
        """The panes of this turn that are to be judged: those with another process, and a few."""
        found: dict[str, Track] = {}
        for key in self._turns(now):
            track = self._tracks[key]
            track.turns += 1
            if not self._occupancy.is_same(track):
                self._occupancy.identify(track, now)
                found[key] = track
            elif track.turns % JUDGED_EVERY == 0:
                found[key] = track
        return found

    def _sight(self, sighting: Sighting, now: float) -> Track:
        """Note what was seen of a pane."""
        info = sighting.info
        track = self._tracks.get(info.pane.key)
        if track is None or track.info.pane != info.pane:
            track = self._track(info, sighting.at)
        before, track.info = track.info, info
        if info.title != before.title:
            track.title_at = now
            track.is_read = False
        if sighting.lines is not None:
            track.screen_at = sighting.at
            if sighting.lines != track.lines:
                track.see(sighting.lines, sighting.at)
        looked = (info.command, info.dead) == (before.command, before.dead)
        if not looked:
            self._occupancy.identify(track, now)
        else:
            self._occupancy.keep_up(track, now)
        if info.where != before.where:
            self._misnamed = True
        return track

    def _attend(self, key: str, track: Track, now: float) -> None:
        """Read and judge one pane anew."""
        track.confirmed_at = self._confirmed_at
        if not track.is_read or now >= track.reading.until:
            self._read(track, now)
        if track.kind != OTHER and not self._judge.is_exit_unsaid(track, now):
            self._judge.judge(track, now)
        due = self._judge.due_at(track, now)
        if due is None:
            self._dues.pop(key, None)
        else:
            self._dues[key] = due
            self._due_at = min(self._due_at, due)
        if track.named_as != track.kind:
            self._misnamed = True

    def _track(self, info: PaneInfo, at: float) -> Track:
        """A new track, with the name and state that the pane is known by from before."""
        track = Track(info, screen_at=at, changed_at=at, title_at=at, seen_since=at)
        pane = info.pane
        track.declared = self._names.declared(pane)
        row = self._names.row(pane)
        if row is not None and self._rules.kind(row.agent_kind) is not None:
            evidence = Evidence(Source.SCREEN, KNOWN_FROM_BEFORE, row.seen_at)
            state = State(row.state) if row.state in set(State) else State.UNKNOWN
            track.kind, track.name, track.known_as = row.agent_kind, row.name, state
            if state is State.WAITING:
                track.asked = (row.evidence.rpartition(" ")[2], row.since)
            else:
                track.live = Live(state, row.since, evidence, quiet_since=row.seen_at)
        if pane.key not in self._tracks:
            self._rota.append(pane.key)
        self._tracks[pane.key] = track
        self._misnamed = True
        return track

    def _read(self, track: Track, now: float) -> None:
        track.is_read = True
        track.reading = signals(
            self._rules,
            track.kind,
            track.info,
            track.lines,
            now,
            title_at=track.title_at,
            screen_at=track.screen_at,
            limited_since=track.limited_since,
        )
        if self._rules.kind(track.kind) is not None and not track.reading.hold:
            track.last_prompt = track.reading.last_prompt or track.last_prompt
            track.activity = track.reading.activity

    def _name_all(self) -> dict[str, Track]:
        """Name all panes, and return those that have other names now."""
        self._misnamed = False
        tracks = self._tracks
        place = places([track.info.where for track in tracks.values()])
        wanted = [
            (one.info.pane, one.kind, place[one.info.where] if one.kind == OTHER else one.kind)
            for one in tracks.values()
        ]
        named = [name_row(one) for one in tracks.values() if one.name and one.kind != OTHER]
        names = self._names.name(named, wanted)
        renamed: dict[str, Track] = {}
        for key, track in tracks.items():
            track.named_as = track.kind
            if track.name != names[key]:
                track.name = names[key]
                renamed[key] = track
                if track.prompt is not None:
                    track.prompt = replace(track.prompt, agent=track.name)
        return renamed

    def _publish(
        self, touched: Mapping[str, Track], now: float, gone: Collection[str] = ()
    ) -> bool:
        differs = False
        for key in gone:
            if key not in self._tracks:
                differs |= self._shown.pop(key, None) is not None
        for key, track in touched.items():
            agent = shown(key, track, self._rules.kind(track.kind), now)
            if agent != self._shown.get(key):
                self._shown[key] = agent
                differs = True
        if differs:
            self._agents = tuple(self._shown.values())
        return differs


def _decided(signal: Signal, evidence: Evidence) -> bool:
    return (signal.evidence.source, signal.evidence.rule) == (evidence.source, evidence.rule)
