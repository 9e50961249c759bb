"""The observer: turns what the watcher saw into agents with a state and its evidence.

Invariant: only what was seen changes anything. A tick without a pane says nothing of it; a pane
leaves when the watcher says that it is gone. Everything kept is bounded by the panes there are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from orc_core.agents.detect import Live, mark_seen, verdicts
from orc_core.agents.judgement import READ_AGAIN_S, TRANSITIONS_MAX, Judge
from orc_core.agents.names import NameBook, places
from orc_core.agents.occupancy import Occupancy
from orc_core.agents.processes import Processes, system_processes, tree
from orc_core.agents.registry import Sessions
from orc_core.agents.rules import RuleSet
from orc_core.agents.signals import activity, last_prompt, signals
from orc_core.agents.sources import SignalSource
from orc_core.agents.tracks import KNOWN_FROM_BEFORE, Track, name_row, row, shown
from orc_core.agents.transitions import INTO, Transition
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

__all__ = ["Explanation", "Observer"]

LOOK_AGAIN_S: Final = 2.0
TURNS_MIN: Final = 4
TURNS_SHARE: Final = 10
"""A tenth of the panes at a tick, which is one a second where nothing changes."""


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
        self._processes = processes if processes is not None else system_processes()
        self._occupancy = Occupancy(rules, self._processes)
        every = (Sessions(home, self._processes), *sources)
        self._judge = Judge(rules, self._processes, every, home)
        self._names = names if names is not None else NameBook(known)
        self._tracks: dict[str, Track] = {}
        self._put_back: list[tuple[str, Transition]] = []
        self._agents: tuple[Agent, ...] = ()
        self._named: tuple[tuple[PaneRef, str, str], ...] = ()

    def apply(self, tick: Tick) -> bool:
        """Take in what was seen; True when any agent differs from before."""
        for pane in tick.gone:
            track = self._tracks.get(pane.key)
            if track is not None and track.info.pane == pane:
                del self._tracks[pane.key]
                self._note(track, State.GONE, tick.at)
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

    def judge_again(self, keys: Collection[str]) -> bool:
        """A source has news of these panes: judge them now; True when any agent differs."""
        now = self._clock.now()
        for key in keys:
            track = self._tracks.get(key)
            if track is not None and track.kind != OTHER:
                self._judge.judge(track, now)
        return self._publish(now)

    def keys(self) -> tuple[str, ...]:
        """The keys of all panes that are known."""
        return tuple(self._tracks)

    def read_again(self, keys: Collection[str]) -> bool:
        """The rules changed: read and judge these panes anew; True when any agent differs."""
        now = self._clock.now()
        for key in keys:
            track = self._tracks.get(key)
            if track is None:
                continue
            self._occupancy.identify_anew(track, now)
            self._read(track, now)
            if track.kind != OTHER and not self._judge.is_exit_unsaid(track, now):
                self._judge.judge(track, now)
        self._name_all()
        return self._publish(now)

    def transitions(self) -> list[tuple[str, Transition]]:
        """The steps of all agents that nobody has taken yet, by the agent's name, oldest first."""
        taken = [(track.name, step) for track, step in self._judge.transitions]
        self._judge.transitions.clear()
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
        self._judge.transitions.append((track, step))

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
        track.info, track.confirmed_at = info, now
        if sighting.lines is not None:
            track.screen_at = sighting.at
            if sighting.lines != track.lines:
                track.changed_at = sighting.at
                track.lines = sighting.lines
                fresh = True
        if look or not looked or track.looked_at == float("-inf"):
            self._occupancy.identify(track, now)
        if fresh or read or track.read_at == float("-inf"):
            self._read(track, now)
        if track.kind != OTHER and not self._judge.is_exit_unsaid(track, now):
            self._judge.judge(track, now)

    def _track(self, info: PaneInfo, at: float) -> Track:
        """A new track, with the name and state that the pane is known by from before."""
        track = Track(info, screen_at=at, changed_at=at, title_at=at)
        pane = info.pane
        row = self._names.row(pane)
        if row is not None and self._rules.kind(row.agent_kind) is not None:
            evidence = Evidence(Source.SCREEN, KNOWN_FROM_BEFORE, row.seen_at)
            state = State(row.state) if row.state in set(State) else State.UNKNOWN
            track.kind, track.name, track.known_as = row.agent_kind, row.name, state
            if state is State.WAITING:
                track.asked = (row.evidence.rpartition(" ")[2], row.since)
            else:
                track.live = Live(state, row.since, evidence, quiet_since=row.seen_at)
        self._tracks[pane.key] = track
        return track

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
            limited_since=track.limited_since,
        )
        kind = self._rules.kind(track.kind)
        if kind is not None and not track.reading.hold:
            track.last_prompt = last_prompt(kind, track.lines) or track.last_prompt
            track.activity = activity(kind, track.lines)

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
        named = [name_row(track) for track in tracks if track.name and track.kind != OTHER]
        names = self._names.name(named, wanted)
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


def _decided(signal: Signal, evidence: Evidence) -> bool:
    return (signal.evidence.source, signal.evidence.rule) == (evidence.source, evidence.rule)
