"""What must hold in a simulated workspace at every moment, and once it has come to rest.

Invariant: the laws know only what people and processes did and what lies in store, layers and
conflicts; they ask the program for nothing. A word such as `w17` is written by one act alone, so
that its way can be followed.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from orc_core.sync.hunks import side_lines
from orc_core.sync.merge import diff
from orc_core.sync.paths import MISSING, field_of, get_path, hunk_number, same
from orc_core.sync.policies import AUTO
from orc_storage import bases, conflicts, documents, journal
from orc_storage.errors import FileFault
from orc_storage.mirrored import parse
from orc_storage.records import Body, Conflict, ConflictState, Entry, Revision
from simulated_workspace import BOARD, World
from virtual_time import PROCESS

KIND = "task"
LAYERS = ("file", BOARD)
WAITING = {ConflictState.OPEN, ConflictState.DEFERRED}
_WORD = re.compile(r"w\d+")


def words(text: str | bytes | None) -> set[str]:
    """The words in a text that somebody wrote."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return set(_WORD.findall(text or ""))


@dataclass
class Deed:
    """One change asked of a process: its `cause` stands in the revision that it made.

    `begun` and `kept` are steps of the world, 0 for never; `over` is the revision that it was
    asked to be made on, `got` the one it was told of.
    """

    number: int
    process: str
    word: str
    begun: int
    over: int = 0
    kept: int = 0
    got: int = 0
    is_told: bool = False

    @property
    def cause(self) -> str:
        return f"deed {self.number}"


@dataclass
class Ledger:
    """What was done from outside, and what was found to be wrong."""

    world: World
    deeds: dict[str, Deed] = field(default_factory=dict)
    adds: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    takes: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    trusted: set[str] = field(default_factory=set)
    """Documents of which an old copy without its number was put back: it is a new edit."""
    touched: set[tuple[str, str]] = field(default_factory=set)
    """Layer and id of each copy that somebody changed, or put something in place of."""
    broken: list[str] = field(default_factory=list)
    written: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    quiet_since: float = 0.0
    _seq: int = 0
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.world.told = self.committed
        self.world.overwrote = self.overwrote
        self.world.synced = self.synced

    def edited(self, layer: str, id: str, read: bytes | None, written: bytes) -> None:
        """Somebody changed what they had read in a layer."""
        before, after = words(read), words(written)
        self.adds[layer, id] |= after - before
        self.takes[layer, id] |= before - after
        self.quiet_since = self.world.loop.time()

    def fail(self, text: str) -> None:
        self.broken.append(f"{self.world.loop.time():.3f}: {text}")

    def synced(self, layer: str) -> None:
        """A process looks at a layer or writes it: it alone may."""
        process, leader = PROCESS.get(), self.world.leader
        if process is None or self.world.is_over:
            return
        if leader is None or leader.process is not process:
            who = "nobody" if leader is None else leader.process.name
            self.fail(f"{process.name} syncs the {layer}, and {who} holds the lock")

    def overwrote(self, layer: str, id: str, before: bytes | None, after: bytes | None) -> None:
        """The program replaced a copy: what was in it has to be somewhere else."""
        self.quiet_since = self.world.loop.time()
        lost = words(before) - words(after) - self._recorded()
        if lost:
            self.fail(f"{layer} {id}: {sorted(lost)} was overwritten and is nowhere else")
        if layer == "file" and before is not None:
            try:
                parse(before, id)
            except FileFault as fault:
                self.fail(f"file {id} was overwritten though it {fault}")

    def committed(self) -> None:
        """Something was committed: look at what is new."""
        conn = self.world.conn
        for entry in journal.since(conn, self._seq, limit=10_000):
            self._seq = entry.seq
            if entry.kind == KIND:
                self.quiet_since = self.world.loop.time()
            is_open = entry.action == "conflict" and entry.actor in LAYERS
            if is_open and (entry.actor, entry.id) not in self.touched:
                self.fail(f"{entry.detail}: nobody changed {entry.id} in the {entry.actor}")
            if entry.kind == KIND and "sha256" in entry.detail:
                self._look(entry, documents.revision(conn, KIND, entry.id, entry.rev))

    def _look(self, entry: Entry, now: Revision) -> None:
        conn = self.world.conn
        before = None if now.rev == 1 else documents.revision(conn, KIND, now.id, now.rev - 1)
        if now.cause.startswith("deed "):
            self.written[now.cause].append(entry.seq)
            if len(self.written[now.cause]) > 1:
                self.fail(f"{now.cause} was written twice, as {now.id} {now.rev} at last")
        if now.cause.startswith("conflict ") and before is not None:
            self._look_at_decision(before, now)
        if now.actor in LAYERS:
            self.synced(f"{now.actor} of {now.id}")
            if before is not None and not before.deleted and not now.deleted:
                self._look_at_import(before, now)

    def _look_at_decision(self, before: Revision, now: Revision) -> None:
        """A decision is made over what the conflict said that the store has."""
        id, _, _ = now.cause.removeprefix("conflict ").partition(",")
        decided = conflicts.get(self.world.conn, id)
        if decided is None or hunk_number(decided.path) or not decided.path:
            return
        said = decided.right.value if decided.right.present else MISSING
        found = get_path(before.body, decided.path)
        if not same(said, found):
            self.fail(f"{id} was decided over {said!r}, and the store had {found!r}")

    def _look_at_import(self, before: Revision, now: Revision) -> None:
        """A layer says only what somebody said in it, and takes back nothing else."""
        if now.id in self.trusted or now.actor == AUTO:
            return
        here = (now.actor, now.id)
        if here not in self.touched:
            self.fail(f"{now.id} {now.rev}: nobody changed it in the {now.actor}")
        old, new = words(json.dumps(before.body)), words(json.dumps(now.body))
        # Two copies of one number were given where a conflict ended without a revision.
        excused = self._ended_in_place(now.id)
        if same(before.body, now.body):
            self.fail(f"{now.actor} made revision {now.rev} of {now.id}, which changes nothing")
        if strange := new - old - self.adds[here] - excused:
            self.fail(f"{now.id} {now.rev}: nobody wrote {sorted(strange)} in the {now.actor}")
        if lost := old - new - self.takes[here] - excused:
            self.fail(f"{now.id} {now.rev}: nobody took {sorted(lost)} out of the {now.actor}")
        self.adds[here] -= new - old
        self.takes[here] -= old - new

    def _ended_in_place(self, id: str) -> set[str]:
        over = conflicts.listing(self.world.conn, states={ConflictState.SUPERSEDED})
        mine = [one for one in over if one.doc == id and one.closed_rev == one.right.rev]
        return {word for one in mine for word in words(f"{one.left.value} {one.right.value}")}

    def _recorded(self) -> set[str]:
        conn = self.world.conn
        found = set(self._known)
        for (body,) in conn.execute("SELECT body FROM revision"):
            found |= words(body)
        for (record,) in conn.execute("SELECT record FROM conflict"):
            found |= words(record)
        self._known = found
        return found

    def at_rest(self, faults: Iterable[tuple[str, str]]) -> None:
        """All is said and done: look at everything; `faults` are the layer and id of each."""
        conn = self.world.conn
        for finding in journal.verify(conn):
            self.fail(f"the journal: {finding}")
        self._look_at_deeds()
        held = {one.id: one.body for one in documents.listing(conn, KIND)}
        waiting = conflicts.listing(conn, states=WAITING)
        excused = set(faults)
        for layer, copies in self._copies(excused).items():
            self._compare(layer, copies, held, waiting, excused)
        recorded = self._recorded()
        for deed in self.deeds.values():
            if deed.got and deed.word not in recorded:
                self.fail(f"{deed.cause} was acknowledged, and {deed.word} is nowhere")

    def _copies(self, excused: set[tuple[str, str]]) -> dict[str, dict[str, Body]]:
        files: dict[str, Body] = {}
        for path in sorted((self.world.folder / "files" / "tasks").glob("*.json")):
            try:
                files[path.stem] = parse(path.read_bytes(), path.stem)[0]
            except FileFault as fault:
                if ("file", path.stem) not in excused:
                    self.fail(f"file {path.stem} {fault}, and nobody says so")
                    excused.add(("file", path.stem))
        return {"file": files, BOARD: {id: body for (_, id), body in self.world.board.items()}}

    def _look_at_deeds(self) -> None:
        for deed in self.deeds.values():
            seqs = self.written.get(deed.cause, [])
            if deed.got and not seqs:
                self.fail(f"{deed.cause} was acknowledged and is not in the history")
            if deed.got and deed.over and deed.got != deed.over + 1:
                self.fail(f"{deed.cause} was made over {deed.over} and became {deed.got}")
        told = [deed for deed in self.deeds.values() if deed.kept and deed.cause in self.written]
        for first in told:
            for then in self.deeds.values():
                is_later = then.process == first.process and then.begun > first.kept
                first_seq, *_ = self.written[first.cause]
                if is_later and min(self.written.get(then.cause, [first_seq])) < first_seq:
                    self.fail(f"{then.cause} was written before {first.cause}")

    def _compare(
        self,
        layer: str,
        copies: dict[str, Body],
        held: dict[str, Body],
        waiting: list[Conflict],
        excused: set[tuple[str, str]],
    ) -> None:
        if layer == BOARD and not self.world.has_board:
            return
        for id in sorted({*copies, *held}):
            if (layer, id) in excused or (layer, "") in excused:
                continue
            opens = [one for one in waiting if one.doc == id and one.left.layer == layer]
            paths = {field_of(one.path) for one in opens}
            ours, theirs = held.get(id), copies.get(id)
            for one in opens:
                self._look_at_sides(one, ours, theirs)
            if "" in paths:
                continue
            if ours is None or theirs is None:
                missing = "store" if ours is None else layer
                self.fail(f"{id} is not in the {missing}, and no conflict says so")
                continue
            base = bases.get(self.world.conn, layer, KIND, id)
            seen, agreed = (None, None) if base is None else (base.seen, base.body)
            if not same(seen, theirs) or not (opens or same(agreed, ours)):
                self.fail(f"{id}: the base does not say what the {layer} holds")
            for change in diff(ours, theirs):
                if change.path not in paths:
                    self.fail(
                        f"{id}.{change.path} is {change.before!r} in the store,"
                        f" {change.after!r} in the {layer}, and no conflict says so"
                    )

    def _look_at_sides(self, one: Conflict, ours: Body | None, theirs: Body | None) -> None:
        """An open conflict says what both sides hold."""
        for side, body, where in ((one.left, theirs, one.left.layer), (one.right, ours, "store")):
            if hunk_number(one.path):
                text = "" if body is None else str(body.get(field_of(one.path), ""))
                if "\n".join(side_lines(side)) not in text:
                    self.fail(f"{one.id}: the {where} does not hold {side.value!r} in {text!r}")
                continue
            value = side.value if side.present else MISSING
            found = MISSING if body is None else get_path(body, one.path)
            if not same(value, found):
                self.fail(f"{one.id} {one.path}: the {where} holds {found!r}, not {value!r}")
