"""What is published to panes, and what counts as somebody's edit there: pure.

Invariant: an edit is a value that differs from what the pane was given, in a pane that is known
to hold what it was given. In any other pane everything is written and nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from orc_core.model.life import NOTE_MAX
from orc_core.text import clean
from orc_core.tmux.options import AGENT, NOTE, STATE, TASK, Listing, PaneOptions, Setting, render
from orc_storage.records import Base, Body

TASK_OPTION: Final = "task"
NOTE_OPTION: Final = "note"
_EDITED: Final = {TASK_OPTION: TASK, NOTE_OPTION: NOTE}
_RANKS: Final = {"running": 0, "failed": 1, "ready": 2}
"""Which of an agent's tasks is shown: those that are over never are."""


@dataclass(frozen=True, slots=True)
class Pane:
    """One agent in a pane that we publish to; `identity` tells it from any other pane, ever."""

    agent: str
    state: str
    server: str
    identity: str
    options: PaneOptions

    @property
    def pane_id(self) -> str:
        return self.options.pane_id


@dataclass(frozen=True, slots=True)
class Given:
    """What a pane was given last, and what before that, until it is known to have arrived."""

    agent: str
    server: str
    identity: str
    values: Mapping[str, str]
    before: Mapping[str, str]

    def holds(self, pane: Pane) -> bool:
        """Whether this is what that pane was given, so that what differs is an edit."""
        same = (self.identity, self.agent) == (pane.identity, pane.agent)
        return same and pane.options.values[AGENT] == pane.agent


@dataclass(frozen=True, slots=True)
class Work:
    """As much of a task as decides in which pane it is shown."""

    id: str
    assignee: str
    status: str
    priority: int


def identity_of(listing: Listing, pane_id: str) -> str:
    """What tells a pane from any other: process and start of its server, and its number."""
    return f"{listing.pid}.{listing.start}.{pane_id}"


def edit(pane: Pane, given: Given | None, name: str) -> str | None:
    """What somebody set a pane's task or note to; None where nobody did."""
    if given is None or not given.holds(pane):
        return None
    value = pane.options.values[_EDITED[name]]
    return None if value in (given.values[name], given.before[name]) else value


def noted(value: str) -> str:
    """A note as somebody set it in a pane, fit to be kept."""
    return clean(" ".join(value.split()), limit=NOTE_MAX).strip()


def work_of(body: Body) -> Work:
    """As much of a task's body as is shown."""
    priority = body.get("priority")
    return Work(
        id=str(body.get("id", "")),
        assignee=str(body.get("assignee") or ""),
        status=str(body.get("status", "ready")),
        priority=priority if isinstance(priority, int) else 0,
    )


def is_open(work: Work) -> bool:
    """Whether a task can be shown; one that is over never is."""
    return work.status in _RANKS


def assigned(agent: str, tasks: Iterable[Work]) -> str:
    """The id of the task that is shown for an agent: what runs first, then by priority."""
    own = [one for one in tasks if one.assignee.casefold() == agent.casefold()]
    open_ones = filter(is_open, own)
    ordered = sorted(open_ones, key=lambda one: (_RANKS[one.status], -one.priority, one.id))
    return ordered[0].id if ordered else ""


def wanted(pane: Pane, task: str, note: str) -> dict[str, str]:
    """What a pane should say."""
    return {
        AGENT: pane.agent,
        STATE: pane.state,
        TASK: task,
        NOTE: render(note, NOTE_MAX),
    }


def settings(pane: Pane, given: Given | None, want: Mapping[str, str]) -> list[Setting]:
    """What to write to a pane: what differs, and over nothing that somebody set since."""
    has = pane.options.values
    if given is None or not given.holds(pane):
        return [
            Setting(pane.pane_id, option, None, value or None)
            for option, value in want.items()
            if has[option] != value
        ]
    found = [
        Setting(pane.pane_id, option, None, want[option])
        for option in (AGENT, STATE)
        if has[option] != want[option]
    ]
    for name, option in _EDITED.items():
        if has[option] != want[option] and edit(pane, given, name) is None:
            # What tmux would expand cannot be compared with, and is what was just merged.
            before = has[option] if render(has[option]) == has[option] else None
            found.append(Setting(pane.pane_id, option, before, want[option] or None))
    return found


def clearing(options: PaneOptions) -> list[Setting]:
    """What to write to a pane that is published to no more; the mark of who made it stays."""
    values = options.values
    keep = {AGENT} if options.home else set()
    return [
        Setting(options.pane_id, option, None, None)
        for option, value in values.items()
        if value and option not in keep
    ]


def promised(pane: Pane, given: Given | None, want: Mapping[str, str]) -> Given:
    """What a pane is about to be given; until that has arrived it may still hold what it had."""
    values = {name: want[option] for name, option in _EDITED.items()}
    if given is None or not given.holds(pane):
        has = {name: pane.options.values[option] for name, option in _EDITED.items()}
        return Given(pane.agent, pane.server, pane.identity, values, has)
    for name in _EDITED:
        if edit(pane, given, name) is not None:
            values[name] = given.values[name]
    return replace(given, values=values, before=given.values)


def arrived(given: Given) -> Given:
    """What a pane holds once it was written to."""
    return replace(given, before=given.values)


def taken_in(given: Given, name: str, value: str) -> Given:
    """An edit of somebody was merged: the pane holds it as if it had been given."""
    values = {**given.values, name: value}
    return replace(given, values=values, before=values)


KIND: Final = "pane"
"""The kind under which the bases of panes are kept, beside those of documents."""


def to_base(layer: str, given: Given) -> Base:
    """What a pane was given, as it is kept."""
    said: Body = {"id": given.agent, "server": given.server, **given.values}
    return Base(layer, KIND, given.agent, 0, {**given.before}, said, given.identity)


def from_base(base: Base) -> Given:
    """Read what a pane was given."""
    seen, before = base.seen or {}, base.body or {}
    return Given(
        agent=str(seen.get("id", base.id)),
        server=str(seen.get("server", "")),
        identity=base.seen_sha256,
        values={name: str(seen.get(name, "")) for name in _EDITED},
        before={name: str(before.get(name, "")) for name in _EDITED},
    )
