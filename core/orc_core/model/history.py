"""Going back: differences, plans, reports, and what a timeline tells.

Invariant: nothing goes back without a plan that can be shown first, and a plan names what it
does not touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from orc_storage.records import Body, FilesTurned, Json

NAMED_MAX: Final = 3
"""How many ids stand in a line that names some."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One path that differs between two bodies; a side that lacks it has `*_present` False."""

    path: str
    before: Json
    after: Json
    before_present: bool = True
    after_present: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """A path that goes back only if somebody decides so: it was changed again since.

    `base` is what was to be taken back, as of `base_rev`, `now` what stands there, written by
    `by` in revision `rev`, and `wanted` what there was in `wanted_rev`, 0 for before the first.
    Path "" is the whole document.
    """

    path: str
    base: Json
    now: Json
    wanted: Json
    base_present: bool
    now_present: bool
    wanted_present: bool
    by: str
    rev: int
    base_rev: int
    wanted_rev: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan does to one document.

    `from_rev` is the newest revision when it was planned: over another one it is refused.
    `body` is what the document will hold, None deletes it. `to_rev` is the revision it goes
    back to, 0 where only parts do.
    """

    kind: str
    id: str
    from_rev: int
    body: Body | None
    diff: tuple[FieldChange, ...]
    standing: tuple[Standing, ...] = ()
    to_rev: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What going back would do, all of it or nothing.

    `label` is how the undo list and the cause of the revisions call it, `action` the journal's
    word. `returns`, `stays` and `lost` are lines for people: what comes back, what stays, what
    cannot be taken back. With `checkpoint` an automatic one of that note is made first. `act`
    is the number of the act that is undone or done again, 0 where this is a new one.
    """

    label: str
    action: str
    steps: tuple[Step, ...]
    returns: tuple[str, ...]
    stays: tuple[str, ...]
    lost: tuple[str, ...]
    checkpoint: str = ""
    act: int = 0
    tree: FilesTurned | None = None
    """What goes back are the files of a work tree, and no documents."""

    @property
    def standing(self) -> tuple[Standing, ...]:
        """What somebody has to decide, over all documents."""
        return tuple(one for step in self.steps for one in step.standing)


@dataclass(frozen=True, slots=True)
class Mark:
    """One revision of one document, picked to be taken back."""

    kind: str
    id: str
    rev: int


@dataclass(frozen=True, slots=True)
class Report:
    """What an act did, in one line, and the way back: undo, or redo after an undo.

    Which key or command that is, each front end says for itself.
    """

    text: str
    undoable: bool
    rev: int = 0
    redoable: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a timeline is asked for; "" and 0.0 ask for everything.

    `since` and `until` are seconds since the epoch, the second one excluded. `kind` is a kind
    of document or what was done (`conflict`, `restore`, `state`). `first` and `last` are
    numbers of journal entries, both included. Names are compared without regard to case;
    `words` are looked for anywhere.
    """

    doc_kind: str = ""
    doc: str = ""
    agent: str = ""
    actor: str = ""
    kind: str = ""
    state: str = ""
    since: float = 0.0
    until: float = 0.0
    first: int = 0
    last: int = 0
    words: tuple[str, ...] = ()
    any_of: tuple[tuple[Query, ...], ...] = ()
    """Groups of questions, of each of which one has to hold."""
    none_of: tuple[Query, ...] = ()
    """Questions that must not hold."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened since a time, in seconds since the epoch: who went into which states.

    By state the names of those who did at least once; `conflicts` counts those that arose,
    decided since or not.
    """

    since: float
    states: Mapping[str, frozenset[str]] = field(default_factory=dict)
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline: a journal entry, or a change of an agent's state.

    `seq` counts journal entries or, where `is_state`, state changes. `rev` is the revision that
    was written, 0 for none, and `now_rev` the newest one of that document.
    """

    seq: int
    at: float
    actor: str
    action: str
    kind: str
    id: str
    rev: int
    now_rev: int
    text: str
    is_state: bool = False

    @property
    def key(self) -> str:
        """What tells it from every other line of a timeline."""
        return f"{'s' if self.is_state else 'j'}{self.seq}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a timeline ended: the numbers of what was told last; None before the end."""

    journal: int
    states: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of a timeline, newest first; `next` is where the page after it begins."""

    moments: tuple[Moment, ...]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint as lists show it; `documents` is how many it refers to."""

    name: str
    note: str
    at: float
    actor: str
    seq: int
    is_automatic: bool
    documents: int


@dataclass(frozen=True, slots=True)
class Held:
    """A document of a checkpoint: its revision there and now; 0 where it is not there."""

    kind: str
    id: str
    rev: int
    now_rev: int
    differs: bool


@dataclass(frozen=True, slots=True)
class Done:
    """One entry of an undo list; `is_undone` ones wait for redo."""

    at: float
    label: str
    is_undone: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is wanted of one conflict; `value` counts where `take` is value."""

    id: str
    take: str
    value: Json = None


@dataclass(frozen=True, slots=True)
class ManyReport:
    """What deciding many at once did: their ids, why others stay, and in a few words how."""

    done: tuple[str, ...]
    left: tuple[str, ...]
    how: str

    @property
    def text(self) -> str:
        """One line for people."""
        if not self.done and not self.left:
            return "no conflict is open"
        text = f"{spelled(self.done)} decided: {self.how}" if self.done else "nothing decided"
        return f"{text}; {len(self.left)} left: {self.left[0]}" if self.left else text


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of doing one thing to many: to which it was done, and why not to the others.

    `word` says what was done, as in `4 stopped`.
    """

    done: tuple[str, ...]
    refused: tuple[str, ...]
    word: str

    @property
    def text(self) -> str:
        """One line for people."""
        parts = [f"{len(self.done)} {self.word}"] if self.done or not self.refused else []
        if self.refused:
            parts.append(f"{len(self.refused)} refused: {self.refused[0]}")
        return ", ".join(parts)


def spelled(ids: Sequence[str]) -> str:
    """Name some ids, the first ones by name."""
    named = ", ".join(ids[:NAMED_MAX])
    return f"{named} and {len(ids) - NAMED_MAX} more" if len(ids) > NAMED_MAX else named
