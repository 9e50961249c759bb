"""What was done to work trees, in the journal and on the undo lists.

Invariant: a restore is told once, however often it is reported, and its two checkpoints are kept
for as long as it can be undone or redone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

from orc_core.errors import Overlap, UsageError
from orc_core.model.code import TreeCheckpoint
from orc_core.model.history import Plan, Report
from orc_core.model.merging import Merged
from orc_core.text import clean
from orc_storage import acts, journal
from orc_storage.database import Database, Transaction
from orc_storage.records import Act, Body, Deed, FilesTurned

JOURNAL_KIND: Final = "worktree"


class TreeLedger:
    """Writes down what one actor does to work trees."""

    def __init__(self, db: Database, actor: str) -> None:
        self._db = db
        self._actor = actor

    async def kept(self, checkpoint: TreeCheckpoint) -> None:
        """Note a checkpoint in the journal."""

        def work(tx: Transaction) -> None:
            told: Body = {"cause": checkpoint.note, "tree": clean(checkpoint.top)}
            self._note(tx, "checkpoint", checkpoint.id, told)

        await self._db.write(work)

    async def turned(self, turn: FilesTurned) -> None:
        """Put a restore on top of the actor's undo list and into the journal, once."""

        def work(tx: Transaction) -> None:
            if turn in acts.trees(tx.conn):
                return
            label = f"{turn.label} ({turn.files} files)"
            acts.record(tx, actor=self._actor, label=label, changes=(), deed=Deed.FILES, tree=turn)
            self._note(tx, "restore", turn.before, told_of(turn))

        await self._db.write(work)

    async def merged(self, id: str, done: Merged, sides: str) -> None:
        """Note in the journal that a merge was committed."""

        def work(tx: Transaction) -> None:
            told: Body = {"cause": f"merge {sides}: {done.text}", "commit": done.commit}
            self._note(tx, "merge", id, told)

        await self._db.write(work)

    async def pinned(self) -> Collection[str]:
        """The checkpoints from and to which undo and redo go."""
        turns = await self._db.read(acts.trees)
        return {id for turn in turns for id in (turn.before, turn.after)}

    def _note(self, tx: Transaction, action: str, id: str, detail: Body) -> None:
        journal.append(
            tx, actor=self._actor, action=action, kind=JOURNAL_KIND, id=id, detail=detail
        )


def told_of(turn: FilesTurned) -> Body:
    """What the journal says of a restore."""
    return {
        "cause": f"{turn.label} ({turn.files} files)",
        "tree": clean(turn.top),
        "before": turn.before,
        "after": turn.after,
    }


class Turner(Protocol):
    """Takes the files of a work tree back, and there again."""

    async def turn(self, turn: FilesTurned, *, is_undo: bool) -> int:
        """Do it; how many files that changed. Raises Overlap where newer work is in the way."""
        ...


def plan_files(act: Act, tree: FilesTurned, *, is_undo: bool) -> Plan:
    """Preview the undo or redo of a restore."""
    verb = "undo" if is_undo else "redo"
    to = tree.before if is_undo else tree.after
    return Plan(
        label=f"{verb}: {clean(act.label, limit=200)}",
        action=verb,
        steps=(),
        returns=(f"{tree.files} files in {clean(tree.top, limit=200)}, as they are in {to}",),
        stays=("every other file", "commits, branches, the index and the stash"),
        lost=("what was pushed, sent, installed or run meanwhile",),
        act=act.seq,
        tree=tree,
    )


async def turn_files(
    db: Database, turner: Turner | None, act: Act, *, is_undo: bool, seen: Plan | None = None
) -> Report:
    """Undo or redo a restore of files, then note it on the list; raises Overlap, UsageError.

    Doing it twice changes nothing more, so that one that was cut short is done again.
    """
    if turner is None or act.tree is None:
        raise UsageError(f"{clean(act.label, limit=200)} cannot be turned here: use `orc undo`")
    if seen is not None and seen.act != act.seq:
        raise Overlap("something else was done since: look at a new preview first")
    await turner.turn(act.tree, is_undo=is_undo)
    verb = "undo" if is_undo else "redo"

    def work(tx: Transaction) -> None:
        acts.mark(tx, act.seq, "undone" if is_undo else "done")
        told = {**told_of(act.tree), "cause": f"{verb}: {act.label}"} if act.tree else {}
        journal.append(
            tx,
            actor=act.actor,
            action=verb,
            kind=JOURNAL_KIND,
            id=act.tree.before if act.tree else "",
            detail=told,
        )

    await db.write(work)
    label = clean(act.label, limit=200)
    text = f"undone: {label}" if is_undo else f"done again: {label}"
    return Report(text, undoable=not is_undo, redoable=is_undo)
