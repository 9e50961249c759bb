"""The preview of a restore: what differs from a checkpoint, and which of it would be done.

Invariant: a preview of the same files and the same wish is the same, so that one made again
tells whether anything moved. Looking writes nothing into a work tree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from orc_core.code import differences, picking, snapshots
from orc_core.code.files import Files
from orc_core.code.lens import Lens
from orc_core.code.planning import Sorted, sort_steps
from orc_core.code.room import Room
from orc_core.code.snapshots import Taken
from orc_core.errors import GitError, UnknownName
from orc_core.model.code import (
    FileDiff,
    FileStep,
    Held,
    Pick,
    RestorePlan,
    Share,
    TreeCheckpoint,
    shown,
)

NOT_UNDONE: Final = (
    "commits, branches, the index and the stash stay as they are",
    "what was pushed, sent, installed or run stays done",
    "ignored files stay as they are",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to go back: files and folders, all where none is named, and hunks of others."""

    paths: tuple[bytes, ...] = ()
    picked: tuple[Pick, ...] = ()
    is_exact: bool = False

    @property
    def names(self) -> tuple[bytes, ...]:
        """Every file and folder that is meant."""
        return (*self.paths, *(one.path for one in self.picked))


async def plan(room: Room, look: Lens, then: TreeCheckpoint, wish: Wish) -> tuple[RestorePlan, str]:
    """What would be done, and the tree that the files make now.

    Raises UnknownName, UsageError, GitError.
    """
    taken, every = await compare(look, then)
    found = await asyncio.to_thread(_sorted, room, every.steps, then, taken, wish)
    kept_back = (
        *found.kept_back,
        *(one for one in every.kept_back if differences.chosen(one.path, wish.names)),
    )
    if wish.names and not (found.steps or found.stays or kept_back):
        raise UnknownName(
            f"nothing at {shown(wish.names[0])} differs from {then.id}:"
            f" `orc code diff {then.id}` tells what does"
        )
    steps = found.steps
    if wish.picked:
        steps = await _picked(look, taken.content, then.content, steps, wish.picked)
    told = RestorePlan(
        checkpoint=then,
        top=str(room.tree.top),
        is_exact=wish.is_exact,
        chosen=wish.paths,
        steps=steps,
        stays=found.stays,
        kept_back=kept_back,
        not_undone=NOT_UNDONE,
        picked=wish.picked,
    )
    return told, taken.content


async def compare(look: Lens, then: TreeCheckpoint) -> tuple[Taken, Sorted]:
    """What a tree holds now, and every step from there to a checkpoint."""
    taken = await snapshots.take(look, also=await held_by(look, then))
    steps, other = await differences.steps(look, taken.content, then.content)
    return taken, Sorted(steps, (), other)


async def held_by(look: Lens, checkpoint: TreeCheckpoint) -> frozenset[bytes]:
    """The files that a checkpoint holds."""
    names = await look.run("ls-tree", "-r", "-z", "--name-only", checkpoint.content)
    return frozenset(names.split(b"\0")) - {b""}


async def lines(
    look: Lens,
    now: str,
    then: str,
    steps: Sequence[FileStep],
    picked: Sequence[Pick] = (),
) -> tuple[FileDiff, ...]:
    """The lines of a preview; without them where there are too many to be read."""
    try:
        found = await differences.diffs(look, now, then, steps)
    except GitError:
        return ()
    of_path = {one.path: one.hunks for one in picked}
    return tuple(
        picking.part(one, of_path[one.path]) if one.path in of_path else one for one in found
    )


def shares(plan: RestorePlan, touched: Sequence[Share], of: str) -> tuple[Share, ...]:
    """The files of a plan in which somebody else than `of` was since the checkpoint."""
    paths = {step.path for step in plan.steps}
    since = plan.checkpoint.at
    found = [one for one in touched if one.path in paths and one.agent != of and one.at >= since]
    return tuple(sorted(found, key=lambda one: (one.path, -one.at, one.agent))) if of else ()


async def _picked(
    look: Lens, now: str, then: str, steps: Sequence[FileStep], picked: Sequence[Pick]
) -> tuple[FileStep, ...]:
    """Steps that make contents of which some hunks went back; those are written down."""
    of_path = {step.path: step for step in steps}
    some = [of_path[one.path] for one in picked if one.path in of_path]
    diffs = {one.path: one for one in await differences.diffs(look, now, then, some)}
    for one in picked:
        found = diffs.get(one.path)
        hunks = found.hunks if found is not None else ()
        before, after = picking.check(of_path.get(one.path), one, hunks)
        old, new = [await look.run("cat-file", "blob", held.object) for held in (before, after)]
        mixed = picking.pick(old, new, hunks, one.hunks)
        name = await look.run("hash-object", "-w", "--no-filters", "--stdin", stdin=mixed)
        # What is no line, as the x bit, goes back with a whole file alone.
        held = Held(before.mode, name.decode("ascii").strip())
        of_path[one.path] = replace(of_path[one.path], after=held)
    return tuple(of_path[step.path] for step in steps)


def _sorted(
    room: Room, steps: Sequence[FileStep], then: TreeCheckpoint, taken: Taken, wish: Wish
) -> Sorted:
    with Files(room.tree.top, room.tree.hash_name) as files:
        return sort_steps(
            steps,
            then=then,
            now_left_out=taken.left_out,
            wanted=wish.names,
            is_exact=wish.is_exact,
            obstacle=files.obstacle,
        )
