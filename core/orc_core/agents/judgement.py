"""Judging one agent: all that is known of it, folded into its state, prompt and busiest child.

Invariant: nothing is remembered here; what is kept between two judgements stands in the track.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from orc_core.agents.detect import IDLE_AFTER_S, Live, doubted_at, fold, strongest_first
from orc_core.agents.endings import SILENT_AFTER_S, as_wanted, death, left_shell
from orc_core.agents.freshness import aged
from orc_core.agents.processes import Processes, busiest_child
from orc_core.agents.prompts import prompt_of
from orc_core.agents.rules import RuleSet
from orc_core.agents.sources import Report, SignalSource, Subject
from orc_core.agents.tracks import EXIT_WITHIN_S, Track
from orc_core.agents.transitions import Transition, reason
from orc_core.model.agent import OTHER, Evidence, Prompt, Signal, Source, State, Usage

LEVEL_KEPT_S: Final = 60.0
"""How long a level that says the same again counts as what it said first."""

SOON_S: Final = 0.25
SILENT_AGAIN_S: Final = 10.0
COUNTDOWN_S: Final = 30.0
FLIPS_AGAIN_S: Final = 10.0
STARTING_S: Final = 15.0
SHELL_SAYS_S: Final = 0.5
TRANSITIONS_MAX: Final = 2000


class Judge:
    """Judges agents by rules, processes and sources."""

    def __init__(
        self,
        rules: RuleSet,
        processes: Processes,
        sources: Sequence[SignalSource],
        home: Path,
    ) -> None:
        self._rules = rules
        self._processes = processes
        self._sources = tuple(sources)
        self._home = home
        self.transitions: deque[tuple[Track, str, Transition]] = deque(maxlen=TRANSITIONS_MAX)
        """Each step with its track and what that was called then, "" where it had no name yet."""
        """The steps that nobody has taken yet, oldest first; the oldest are dropped."""

    def judge(self, track: Track, now: float) -> None:
        """Fold all that is known of an agent into its state, prompt and busiest child."""
        made = [*self._of_process(track, now), *track.reading.signals]
        if not track.ended_at:
            reports = self._reports(track, now)
            made.extend(signal for report in reports for signal in report.signals)
            track.usage = merged_usage([report.usage for report in reports])
            told = next((report.last_prompt for report in reports if report.last_prompt), "")
            track.last_prompt = told or track.last_prompt
            known = (report.conversation for report in reports if report.conversation)
            track.conversation = next(known, track.conversation)
            if not made and _is_starting(track, now):
                evidence = Evidence(Source.SCREEN, "just-started", track.started_at)
                made.append(Signal(evidence, State.STARTING))
        track.told = strongest_first([aged(one, now, track.confirmed_at) for one in made])
        before = track.live
        folded = fold(
            before,
            track.told,
            now,
            hold=track.reading.hold,
            confirmed_at=track.confirmed_at,
        )
        live = self._step(track, folded, now)
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
        elif _was_told(track.asked, live):
            track.live = replace(live, since=track.asked[1])
        if before is None or before.state is not live.state:
            last = before.state if before is not None else live.state
            track.flicker.note(last, live.state, now, _cause(track, live))
        if live.state is not State.WORKING or now - track.changed_at < SILENT_AFTER_S:
            track.busy_child = ""
        elif now - track.child_at >= SILENT_AGAIN_S:
            track.child_at = now
            pid = track.process.pid if track.process else track.info.pane.pid
            track.busy_child = busiest_child(self._processes, pid, track.cpu_s)

    def _step(self, track: Track, live: Live, now: float) -> Live:
        """The next state, or the one before where the machine of states refuses the step."""
        before = track.live.state if track.live is not None else None
        renewed, track.judged_as = track.is_renewed, track.lives_as
        if live.state is (before or track.known_as):
            track.known_as = None
            return live
        why = reason(before, live.state, renewed=renewed)
        if why is None:
            track.refused = f"{before} to {live.state}"
            return track.live or live
        step = Transition(now, before, live.state, live.evidence, why)
        self.transitions.append((track, track.name, step))
        return live

    def due_at(self, track: Track, now: float) -> float | None:
        """When time alone will change what is said of an agent; None for never."""
        live = track.live
        if track.kind == OTHER:
            return None
        if live is None or live.state is State.STARTING:
            return now + SOON_S
        dues = [track.reading.until, doubted_at(track.told, now)]
        if track.ended_at:
            dues.append(now if now - track.ended_at < EXIT_WITHIN_S else float("inf"))
        if live.quiet_since is not None and live.state not in (State.IDLE, State.DONE):
            dues.append(live.quiet_since + IDLE_AFTER_S)
        if live.state is State.WORKING:
            silent_at = track.changed_at + SILENT_AFTER_S
            dues.append(silent_at if now < silent_at else now + SILENT_AGAIN_S)
        if live.state is State.LIMITED:
            dues.append(now + COUNTDOWN_S)
        if track.flicker.flips(now):
            dues.append(now + FLIPS_AGAIN_S)
        due = min(dues)
        return due if due < float("inf") else None

    def is_exit_unsaid(self, track: Track, now: float) -> bool:
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
            return [as_wanted(signal, stopped=track.is_unwanted)] if signal is not None else []
        if track.ended_at:
            # What the shell said of a crash stays true when it has scrolled away.
            if track.end is None or now - track.ended_at < EXIT_WITHIN_S:
                shell = track.argv[0] if track.argv else info.command
                status = self._exit_status(track, now)
                told = left_shell(
                    track.lines,
                    shell,
                    track.started_at,
                    track.ended_at,
                    exit_status=status,
                    before=track.before,
                )
                if track.end is None or told.state is State.CRASHED:
                    track.end = told
            return [as_wanted(track.end, stopped=track.is_unwanted)]
        if track.stopped and track.process is not None:
            text = f"pid {track.process.pid} is stopped"
            evidence = Evidence(Source.PROC, "stopped", track.changed_at, text)
            return [Signal(evidence, State.IDLE, does="stopped: fg brings it back", attended=True)]
        return []

    def _exit_status(self, track: Track, now: float) -> int | None:
        told = (report.exit_status for report in self._reports(track, now))
        return next((status for status in told if status is not None), None)

    def _reports(self, track: Track, now: float) -> list[Report]:
        kind = self._rules.kind(track.kind)
        if kind is None:
            return []
        info, process = track.info, track.process
        subject = Subject(
            pane=info.pane,
            kind=kind,
            name=track.name,
            tty=info.tty,
            cwd=info.cwd,
            pid=process.pid if process is not None else info.pane.pid,
            started_at=track.started_at,
            ended_at=track.ended_at,
        )
        return [source.report(subject, now) for source in self._sources]

    def _prompt(self, track: Track, live: Live) -> Prompt | None:
        if live.state is not State.WAITING:
            track.prompt_of = ()
            return None
        of = (track.lines, live.waiting, live.evidence, track.name, track.info.cwd)
        if of == track.prompt_of:
            return track.prompt
        track.prompt_of = of
        if track.reading.layout is None:
            return None
        return prompt_of(
            track.reading.layout,
            track.kind,
            track.name,
            live.waiting,
            live.evidence,
            cwd=track.info.cwd,
            home=str(self._home),
        )


def _cause(track: Track, live: Live) -> str:
    """What explains that an agent works, or what it asks; "" for everything else."""
    if live.state is State.WORKING:
        return track.last_prompt
    return track.prompt.fingerprint if track.prompt is not None else ""


def _is_starting(track: Track, now: float) -> bool:
    """Whether nothing tells of a process yet because it has only just begun."""
    if track.reading.hold or not 0 < now - track.started_at < STARTING_S:
        return False
    live = track.live
    return live is None or live.state in (State.STARTING, State.UNKNOWN) or track.is_renewed


def _was_told(asked: tuple[str, float], live: Live) -> bool:
    """Whether this question is the event that was told already when it was written down."""
    rule, since = asked
    evidence = live.evidence
    event = live.state is State.WAITING and evidence.source is Source.HOOK
    return event and evidence.rule == rule and evidence.at <= since < live.since


def _same_evidence(before: Evidence, now: Evidence) -> bool:
    """Whether a level only says again what it said a moment ago."""
    same = (before.source, before.rule, before.text) == (now.source, now.rule, now.text)
    return same and now.source is Source.LEVEL and 0 <= now.at - before.at < LEVEL_KEPT_S


def merged_usage(told: Sequence[Usage | None]) -> Usage:
    """What several sources tell of usage: each figure as it was told last."""
    merged = Usage()
    for usage in sorted((one for one in told if one is not None), key=lambda one: one.at):
        merged = Usage(
            context=merged.context if usage.context is None else usage.context,
            cost_usd=merged.cost_usd if usage.cost_usd is None else usage.cost_usd,
            tokens=merged.tokens if usage.tokens is None else usage.tokens,
            model=usage.model or merged.model,
            account=usage.account or merged.account,
            at=usage.at,
        )
    return merged
