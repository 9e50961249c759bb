"""The shared vocabulary: frozen records of what the store holds.

Invariant: a record is a value. Nothing here reads, writes or waits, and a body is never
changed in place once it is in a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Body: TypeAlias = "dict[str, Json]"

REV_MAX: Final = 2**63 - 1
"""What a whole number of the store can hold."""

OPERATOR: Final = "operator"
"""The actor of everything a person does by hand; the screen calls it `you`."""


@dataclass(frozen=True, slots=True)
class Document:
    """What people and agents say of one thing, at its newest revision.

    `rev` counts from 1; `updated_at` is seconds since the epoch.
    """

    kind: str
    id: str
    rev: int
    body: Body
    sha256: str
    updated_at: float
    updated_by: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable version of a document; `parent_rev` is 0 for the first.

    `damage` says why it cannot be believed any more, "" where it can; then its body is empty.
    """

    kind: str
    id: str
    rev: int
    parent_rev: int
    body: Body
    at: float
    actor: str
    cause: str
    deleted: bool = False
    damage: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the hash chain that lists everything that was done."""

    seq: int
    at: float
    actor: str
    action: str
    kind: str
    id: str
    rev: int
    detail: Body
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; "" and 0 mean any. `since` is seconds since the epoch."""

    kind: str = ""
    id: str = ""
    actor: str = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the journal that lies in an archive: what came before it, and its own last hash.

    `sha256` and `bytes` are those of the file; `at` is when it was archived.
    """

    first_seq: int
    last_seq: int
    prev_hash: str
    head_hash: str
    file: str
    sha256: str
    bytes: int
    at: float


@dataclass(frozen=True, slots=True)
class Anchor:
    """The journal's head as it was noted outside the store.

    A new `epoch` begins where a store was replaced on purpose, and says `why`.
    """

    epoch: int
    seq: int
    hash: str
    at: float
    why: str = ""


class Check(StrEnum):
    """What was checked when a finding came up."""

    PAGES = "pages"
    CHAIN = "chain"
    REVISION = "revision"
    DOCUMENT = "document"
    ROW = "row"
    ANCHOR = "anchor"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a store.

    `kind` and `id` name the document it is about, "" for none; `rev` and `seq` the revision and
    the journal entry, 0 for none.
    """

    check: Check
    text: str
    kind: str = ""
    id: str = ""
    rev: int = 0
    seq: int = 0

    @property
    def is_beside(self) -> bool:
        """Whether only what lies beside the store is wrong: an archive, or the file of anchors."""
        return self.check is Check.ARCHIVE or (self.check is Check.ANCHOR and not self.seq)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Logged:
    """A journal entry as a timeline reads it; `now_rev` is its document's newest revision, or 0."""

    seq: int
    at: float
    actor: str
    action: str
    kind: str
    id: str
    rev: int
    detail: Body
    now_rev: int


@dataclass(frozen=True, slots=True)
class Base:
    """What a layer and the store last agreed on for one document.

    `body` is the agreed body (None: the document was absent in both) and `rev` the store
    revision it was agreed at. `seen` is the layer's own body as it was last read or written
    and `seen_sha256` the hash of its bytes, so that our own echo is no change.
    """

    layer: str
    kind: str
    id: str
    rev: int
    body: Body | None
    seen: Body | None
    seen_sha256: str


class Clash(StrEnum):
    """What kind of disagreement a conflict is."""

    EDIT_EDIT = "edit/edit"
    EDIT_DELETE = "edit/delete"
    ADD_ADD = "add/add"
    OVERLAP = "overlap"
    FORECAST = "forecast"


class ConflictState(StrEnum):
    """Where a conflict stands."""

    OPEN = "open"
    DEFERRED = "deferred"
    RESOLVED = "resolved"
    SUPERSEDED = "superseded"


WAITING: Final = frozenset({ConflictState.OPEN, ConflictState.DEFERRED})
"""The states in which a conflict waits for somebody."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a conflict: who holds which value, and where it came from.

    `present` is False where the side has no value at all: missing is not null. `writer` is
    "" when it is not known; `rev` is 0 for a layer that has no revisions.
    """

    layer: str
    value: Json
    present: bool
    writer: str
    at: float
    rev: int
    cause: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sides that changed one path of one document differently since their base.

    `left` is the layer's side, `right` the store's. `path` is dotted, "" for the whole
    document; one like `text#2` is a run of lines of that text, absent where it has none. `line`
    is where these begin, from 1: in the base while the conflict waits, in the store's text of
    revision `closed_rev` once it is decided. `base_present` is False where the base had no value
    there; `base_at` and `base_by` tell when and by whom its revision was written, where that is
    known. `closed_rev` is the store's revision when it was decided or superseded, 0 before.
    `strategy` names the policy that decided it without a person, "" for none.
    """

    id: str
    kind: Clash
    doc_kind: str
    doc: str
    path: str
    base: Json
    base_present: bool
    base_rev: int
    left: Side
    right: Side
    state: ConflictState
    opened_at: float
    why: str = ""
    decided_at: float = 0.0
    decided_by: str = ""
    decision: str = ""
    value: Json = None
    value_present: bool = False
    deferred_until: float = 0.0
    closed_rev: int = 0
    base_at: float = 0.0
    base_by: str = ""
    line: int = 0
    strategy: str = ""

    @property
    def of_code(self) -> bool:
        return self.kind in (Clash.OVERLAP, Clash.FORECAST)


@dataclass(frozen=True, slots=True)
class Change:
    """One document touched by an act; `from_rev` is 0 where the act created it."""

    kind: str
    id: str
    from_rev: int
    to_rev: int


class Deed(StrEnum):
    """What an act did: it wrote documents or files, or did something to conflicts."""

    WRITE = "write"
    DECIDE = "decide"
    REOPEN = "reopen"
    DEFER = "defer"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class FilesTurned:
    """The files of a work tree, taken from one checkpoint of it to another."""

    top: str
    before: str
    after: str
    label: str
    files: int


@dataclass(frozen=True, slots=True)
class Act:
    """One entry of an actor's undo list: what it did, the revisions and conflicts it touched.

    `label` says it to people. `state` is done, undone or dropped (a newer act came after it was
    undone). `turned` is what its last undoing or redoing wrote, `left_open` the conflicts that
    it left for somebody to decide.
    """

    seq: int
    at: float
    actor: str
    deed: Deed
    label: str
    changes: tuple[Change, ...]
    conflicts: tuple[str, ...]
    state: str
    turned: tuple[Change, ...] = ()
    left_open: tuple[str, ...] = ()
    tree: FilesTurned | None = None
    """What it did to files, where that is its deed."""
    automatic: bool = False
    """Whether it was done for the actor and not by them."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A named point to come back to; `seq` is the journal's head when it was made."""

    number: int
    name: str
    note: str
    at: float
    actor: str
    seq: int
    automatic: bool


@dataclass(frozen=True, slots=True)
class LiveRow:
    """What was last seen of one pane, so that its name outlives the process that saw it.

    `server` names the tmux server by socket path; `server_start`, `pane_id` and `pane_pid`
    tell two panes apart that share a number.
    """

    server: str
    server_start: int
    pane_id: str
    pane_pid: int
    name: str
    agent_kind: str
    state: str
    since: float
    evidence: str
    seen_at: float


@dataclass(frozen=True, slots=True)
class StateChange:
    """One step in the life of an agent: the state it went into, when, and on what evidence."""

    name: str
    at: float
    state: str
    evidence: str


@dataclass(frozen=True, slots=True)
class NumberedState:
    """A step in the life of an agent with the number under which it was written down."""

    seq: int
    name: str
    at: float
    state: str
    evidence: str


@dataclass(frozen=True, slots=True)
class BeatRow:
    """The last sign of life of one agent; `monotonic_s` counts within one `boot`."""

    name: str
    at: float
    monotonic_s: float
    boot: str
    status: str
    progress: str


@dataclass(frozen=True, slots=True)
class StandingRow:
    """What a supervisor remembers of one agent; `at` is seconds since the epoch."""

    name: str
    phase: str
    quick: int
    restarts: int
    reason: str
    at: float
