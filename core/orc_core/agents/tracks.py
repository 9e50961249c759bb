"""What is kept of one pane between ticks, and how it is shown.

Invariant: a track belongs to one pane for its whole life; another pane with the same number
gets a track of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import ne
from typing import Final

from orc_core.agents.detect import Live
from orc_core.agents.endings import SILENT_AFTER_S, declared, unruled
from orc_core.agents.flicker import Flicker, flicker_line
from orc_core.agents.limits import limit_line
from orc_core.agents.names import Declared
from orc_core.agents.processes import Facts
from orc_core.agents.prompts import summary
from orc_core.agents.rules import Kind
from orc_core.agents.signals import Reading
from orc_core.model.agent import ENDED, OTHER, Agent, Prompt, Signal, Source, State, Usage
from orc_core.text import age
from orc_core.tmux.watcher import PaneInfo
from orc_storage.records import LiveRow

EXIT_WITHIN_S: Final = 2.0
"""By then tmux or the shell has said how a program ended, if they ever do."""
BEFORE_S: Final = 1.0
"""By then a shell has written all that it says of a program's end."""
READY: Final = "ready for a task"
KNOWN_FROM_BEFORE: Final = "known-from-before"
"""The rule of the evidence of a state that was written down by another process."""


@dataclass(slots=True)
class Track:
    """What is kept of one pane between ticks. Times are epoch seconds."""

    info: PaneInfo
    kind: str = OTHER
    name: str = ""
    named_as: str = ""
    """The kind it had when it was given its name."""
    declared: Declared | None = None
    """What was said of the agent in the pane, by a person or by itself."""
    argv: tuple[str, ...] = ()
    process: Facts | None = None
    looked_at: float = float("-inf")
    """When its processes were looked at last."""
    checked_at: float = float("-inf")
    """When the agent's own process was last found to be there as before."""
    foreground: int = 0
    """The process group that its terminal belonged to then."""
    stopped: bool = False
    lines: tuple[str, ...] = ()
    before: tuple[tuple[str, ...], ...] = ((), ())
    """The screen of a second ago or more, and the one right before this, from while it lived."""
    before_at: float = 0.0
    screen_at: float = 0.0
    changed_at: float = 0.0
    title_at: float = 0.0
    reading: Reading = field(default_factory=lambda: Reading(()))
    is_read: bool = False
    """Whether `reading` is of this title and these lines."""
    told: tuple[Signal, ...] = ()
    live: Live | None = None
    ended_at: float = 0.0
    end: Signal | None = None
    dismissed_at: float = 0.0
    last_prompt: str = ""
    conversation: str = ""
    usage: Usage = field(default_factory=Usage)
    activity: str = ""
    prompt: Prompt | None = None
    asked: tuple[str, float] = ("", 0.0)
    """The prompt it waited on when it was last written down, and since when."""
    prompt_of: tuple[object, ...] = ()
    confirmed_at: float = 0.0
    """When tmux last told of the pane."""
    known_as: State | None = None
    """The state that was written down of it last, by another process."""
    judged_as: tuple[int, str] | None = None
    """The pid and start of the process that was judged last."""
    flicker: Flicker = field(default_factory=Flicker)
    refused: str = ""
    """The last step that the machine of states refused, and when: `crashed to working`."""
    busy_child: str = ""
    child_at: float = float("-inf")
    screens: int = 0
    """At how many looks its screen was another one than before."""
    changed_lines: int = 0
    seen_since: float = 0.0
    turns: int = 0
    """How often it was looked at in turn, without any news of it."""
    cpu_s: dict[int, float] = field(default_factory=dict)

    def see(self, lines: tuple[str, ...], at: float) -> None:
        """Its screen has become another one."""
        if not self.ended_at:
            old, _ = self.before
            if not 0 <= at - self.before_at < BEFORE_S:
                old, self.before_at = self.lines, at
            self.before = (old, self.lines)
        if self.lines:
            self.screens += 1
            self.changed_lines += sum(map(ne, self.lines, lines))
            self.changed_lines += abs(len(lines) - len(self.lines))
        self.changed_at, self.lines, self.is_read = at, lines, False

    @property
    def started_at(self) -> float:
        return self.process.started_at if self.process is not None else 0.0

    @property
    def is_unwanted(self) -> bool:
        """Whether a person asked for its end."""
        return self.declared is not None and self.declared.stopped

    @property
    def limited_since(self) -> float | None:
        """When the limit was announced that stands there since before this process began."""
        live = self.live
        known = live is not None and live.evidence.rule == KNOWN_FROM_BEFORE
        return live.since if known and live is not None and live.state is State.LIMITED else None

    @property
    def lives_as(self) -> tuple[int, str]:
        """The pid and start of the agent's process; (0, "") where it is not known."""
        return (self.process.pid, self.process.start) if self.process is not None else (0, "")

    @property
    def is_renewed(self) -> bool:
        """Whether another process is to be judged than the last time; none is no other one."""
        return self.process is not None and self.judged_as != self.lives_as


def shown(key: str, track: Track, kind: Kind | None, now: float) -> Agent:
    """The pane as the fleet list shows it."""
    live = track.live
    if track.kind == OTHER or live is None:
        signal = unruled(track.info, track.argv, track.changed_at)
        if track.declared is not None:
            still_s = now - track.changed_at
            signal = declared(signal, track.info, still_s=still_s, stopped=track.is_unwanted)
        same = live is not None and live.state is signal.state
        since = live.since if live is not None and same else track.changed_at
        live = Live(signal.state, since, signal.evidence, does=signal.does)
        track.live, track.told = live, (signal,)
    return Agent(
        key=key,
        name=track.name,
        kind=track.kind,
        pane=track.info.pane,
        where=track.info.where,
        session=track.info.session,
        cwd=track.info.cwd,
        command=track.info.command,
        title=track.info.title,
        state=live.state,
        waiting=live.waiting,
        since=live.since,
        changed_at=track.changed_at,
        evidence=live.evidence,
        does=says(track, live, kind, now),
        agrees=live.agrees,
        last_prompt=track.last_prompt,
        busy_child=track.busy_child,
        substate=live.substate,
        usage=track.usage,
        resets_at=live.resets_at,
        flips=track.flicker.flips(now),
        conversation=track.conversation,
        ours=track.declared is not None,
    )


def row(agent: Agent, seen_at: float, prompt: Prompt | None) -> LiveRow:
    """What is worth keeping of an agent, so that its name and state outlive this process."""
    evidence = f"{agent.evidence.source.value} {agent.evidence.rule}"
    return LiveRow(
        server=agent.pane.server,
        server_start=agent.pane.server_start,
        pane_id=agent.pane.pane_id,
        pane_pid=agent.pane.pid,
        name=agent.name,
        agent_kind=agent.kind,
        state=agent.state.value,
        since=agent.since,
        evidence=f"{evidence} {prompt.fingerprint}" if prompt is not None else evidence,
        seen_at=seen_at,
    )


def says(track: Track, live: Live, kind: Kind | None, now: float) -> str:
    """What the row says beside the state: what it asks, does, or why it stopped."""
    if live.state is State.WAITING and track.prompt is not None:
        return summary(track.prompt)
    if live.state is State.LIMITED and live.resets_at:
        line = limit_line(live.resets_at, now)
        return f"{line} · {track.usage.account}" if track.usage.account else line
    if live.evidence.rule not in ENDED and (flips := track.flicker.flips(now)):
        return flicker_line(flips)
    if live.state is State.WORKING and now - track.changed_at >= SILENT_AFTER_S:
        silence = f"silent {age(now - track.changed_at)}"
        return f"{silence}: {track.busy_child}" if track.busy_child else silence
    if live.does or kind is None:
        return live.does
    if live.state is State.WAITING:
        if live.quiet_since is not None:
            return ""
        text = live.evidence.text
        return text if live.evidence.source is Source.SCREEN else text.partition(": ")[2]
    if live.state in (State.WORKING, State.DONE):
        return track.activity
    return READY if live.state is State.IDLE else ""


def name_row(track: Track) -> LiveRow:
    """The row that keeps a track's name taken while others are named."""
    pane = track.info.pane
    where = (pane.server, pane.server_start, pane.pane_id, pane.pid)
    return LiveRow(*where, track.name, track.kind, "", 0.0, "", 0.0)
