"""The wing of work trees: checkpoints of them, what differs, and the way back.

Invariant: nothing goes back but over what a preview showed, after a checkpoint of now, with the
agents of that tree at rest; what was done is checked and can be undone. A restore that was cut
short is taken back before anything else is done in that tree.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from orc_core.clock import Clock
from orc_core.code import (
    checkpoints,
    differences,
    git,
    linked,
    previews,
    repository,
    restoring,
    snapshots,
)
from orc_core.code.files import Files
from orc_core.code.lens import Lens
from orc_core.code.linked import Losses, Made
from orc_core.code.parties import Ledger, Occupants
from orc_core.code.previews import Wish
from orc_core.code.repository import WorkTree
from orc_core.code.restoring import TakenBack
from orc_core.code.room import Room, entered, room_of
from orc_core.code.snapshots import Taken
from orc_core.errors import OrcError, Overlap, ReadOnly, UsageError
from orc_core.model.code import (
    Cause,
    FileDiff,
    FileStep,
    Pick,
    RestorePlan,
    TreeCheckpoint,
    shown,
)
from orc_core.text import clean
from orc_storage.records import FilesTurned


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did; `turn` is what undo takes back, None where there was nothing to do."""

    turn: FilesTurned | None
    plan: RestorePlan
    rested: tuple[str, ...] = ()


class Trees:
    """Acts on work trees; `folder` holds a private room for each."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        environ: Mapping[str, str],
        actor: str,
        ledger: Ledger | None = None,
        occupants: Occupants | None = None,
        read_only: bool = False,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._environ = environ
        self._actor = actor
        self._ledger = ledger
        self._occupants = occupants
        self._read_only = read_only

    async def find(self, folder: Path) -> WorkTree:
        """The work tree in which a folder is; raises NoWorkTree, GitError."""
        await git.check_version(git.OLDEST, "looking at work trees")
        return await repository.find(folder, self._environ)

    async def listing(self, tree: WorkTree) -> list[TreeCheckpoint]:
        """The checkpoints of a work tree, the newest first."""
        return await checkpoints.listing(tree, self._environ)

    async def checkpoint(
        self, tree: WorkTree, note: str = "", *, cause: Cause = Cause.ASKED
    ) -> TreeCheckpoint:
        """Keep the files of a work tree as they are; raises GitError, ReadOnly."""
        async with self._at_work(tree, "make a checkpoint") as room:
            made, _ = await self._keep(room, note, cause)
            await self._prune(tree)
        return made

    async def at_prompt(self, tree: WorkTree, note: str) -> TreeCheckpoint | None:
        """Keep the files before a prompt is done; None where the newest checkpoint holds them."""
        async with self._at_work(tree, "make a checkpoint") as room:
            newest = next(iter(await self.listing(tree)), None)
            async with snapshots.looking(room, self._environ, keep=True) as look:
                taken = await snapshots.take(look)
            if newest is not None and newest.content == taken.content:
                return None
            made, _ = await self._keep(room, note, Cause.PROMPT)
            await self._prune(tree)
        return made

    async def _keep(
        self, room: Room, note: str, cause: Cause, also: Collection[bytes] = ()
    ) -> tuple[TreeCheckpoint, Taken]:
        async with snapshots.looking(room, self._environ, keep=True) as look:
            taken = await snapshots.take(look, also=also)
            made = await checkpoints.save(
                look,
                taken,
                at=self._clock.now(),
                actor=self._actor,
                note=note,
                cause=cause,
                environ=self._environ,
            )
        if self._ledger is not None:
            await self._ledger.kept(made)
        return made, taken

    async def _prune(self, tree: WorkTree) -> None:
        pinned = await self._ledger.pinned() if self._ledger is not None else ()
        known = await self.listing(tree)
        gone = checkpoints.superfluous(known, self._clock.now(), pinned)
        await checkpoints.forget(tree, gone, self._environ)

    async def diff(
        self, tree: WorkTree, id: str, paths: Sequence[bytes] = ()
    ) -> tuple[TreeCheckpoint, tuple[FileDiff, ...]]:
        """How the files of a tree differ now from those of a checkpoint; nothing is kept.

        Lines that begin with `-` stand there now, with `+` in the checkpoint.
        """
        then = await checkpoints.find(tree, id, self._environ)
        async with self._looking(tree) as (_, look):
            taken, every = await previews.compare(look, then)
            some = [one for one in every.steps if differences.chosen(one.path, paths)]
            return then, await differences.diffs(look, taken.content, then.content, some)

    async def uncommitted(self, tree: WorkTree, paths: Sequence[bytes]) -> tuple[FileDiff, ...]:
        """How files differ from what is checked out; `-` is committed, `+` stands there now."""
        async with self._looking(tree) as (_, look):
            head, _ = await repository.head(tree, self._environ)
            if not head:
                return ()
            taken = await snapshots.take(look)
            every, _ = await differences.steps(look, head, taken.content)
            some = [one for one in every if differences.chosen(one.path, paths)]
            return await differences.diffs(look, head, taken.content, some)

    async def plan(
        self,
        tree: WorkTree,
        id: str,
        paths: Sequence[bytes] = (),
        *,
        picked: Sequence[Pick] = (),
        is_exact: bool = False,
        of: str = "",
    ) -> RestorePlan:
        """Preview taking the files of a tree, or some of them, back to a checkpoint.

        `paths` are files and folders, from the top of the tree; of the files in `picked` only
        some hunks go back. With an agent's name as `of`, `shares` tells where others were.
        Raises UnknownName, UsageError, GitError.
        """
        wish = Wish(tuple(paths), tuple(picked), is_exact)
        then = await checkpoints.find(tree, id, self._environ)
        async with self._looking(tree) as (room, look):
            plan, content = await previews.plan(room, look, then, wish)
            lines = await previews.lines(look, content, then.content, plan.steps, wish.picked)
        if self._occupants is None:
            return replace(plan, diffs=lines)
        agents = await self._occupants.within(tree.top)
        touched = await self._occupants.touched(tree.top)
        shares = previews.shares(plan, touched, of)
        return replace(plan, diffs=lines, agents=tuple(agents), shares=shares)

    async def narrow(
        self,
        tree: WorkTree,
        seen: RestorePlan,
        paths: Sequence[bytes],
        picked: Sequence[Pick] = (),
    ) -> RestorePlan:
        """The part of a preview that was chosen: files, and hunks of others.

        Raises Overlap where one of them is another by now.
        """
        plan = await self.plan(
            tree, seen.checkpoint.id, paths, picked=picked, is_exact=seen.is_exact
        )
        before = {step.path: step.before for step in seen.steps}
        for step in plan.steps:
            if step.path not in before or before[step.path] != step.before:
                raise Overlap(
                    f"{shown(step.path)} changed since the preview: look at a new one first"
                )
        return plan

    async def restore(self, tree: WorkTree, plan: RestorePlan, *, stop: bool = False) -> Restored:
        """Carry out a plan: agents at rest, a checkpoint of now, the files, and a look at them.

        Agents are interrupted, with `stop` ended.
        Raises Overlap where the tree is another than the preview showed; then nothing is done.
        """
        if not plan.steps:
            return Restored(None, plan)
        rested: Sequence[str] = ()
        async with self._at_work(tree, "restore files") as room:
            if self._occupants is not None:
                rested = await self._occupants.quiet(tree.top, stop=stop)
            also = [step.path for step in plan.steps]
            label = f"restore {plan.checkpoint.id}"
            note = f"before: {label}"
            now, _ = await self._keep(room, note, Cause.RESTORE, also)
            async with snapshots.looking(room, self._environ, keep=True) as look:
                wish = Wish(plan.chosen, plan.picked, plan.is_exact)
                fresh, _ = await previews.plan(room, look, plan.checkpoint, wish)
                if fresh.steps != plan.steps:
                    raise Overlap(
                        f"files in {clean(plan.top, limit=200)} changed since the preview:"
                        " look at a new one first"
                    )
                turn = FilesTurned(str(tree.top), now.id, "", label, len(plan.steps))
                await restoring.carry_out(room, look, plan.steps, turn)
            turn = await self._finish(room)
            await self._prune(tree)
        return Restored(turn, plan, tuple(rested))

    async def _finish(self, room: Room) -> FilesTurned:
        """Write down a restore of which all files are there."""
        found = restoring.unfinished(room)
        assert found is not None  # noqa: S101
        if not found.turn.before:  # an undo or redo, which has its checkpoints
            await asyncio.to_thread(restoring.close, room)
            return found.turn
        note = f"after: {found.turn.label}"
        before = await checkpoints.find(room.tree, found.turn.before, self._environ)
        async with snapshots.looking(room, self._environ, keep=True) as look:
            # What was there before counts, though it may be ignored again now.
            also = await previews.held_by(look, before) | {step.path for step in found.steps}
        after, _ = await self._keep(room, note, Cause.RESTORE, also)
        turn = replace(found.turn, after=after.id)
        if self._ledger is not None:
            await self._ledger.turned(turn)
        await asyncio.to_thread(restoring.close, room)
        return turn

    async def turn(self, turn: FilesTurned, *, is_undo: bool) -> int:
        """Undo or redo a restore: how many files that changed.

        Raises Overlap where somebody changed one of them since; then nothing is done.
        """
        tree = await self.find(Path(turn.top))
        ids = (turn.after, turn.before) if is_undo else (turn.before, turn.after)
        async with self._at_work(tree, "restore files") as room:
            old, new = [await checkpoints.find(tree, id, self._environ) for id in ids]
            async with snapshots.looking(room, self._environ, keep=True) as look:
                every, _ = await differences.steps(look, old.content, new.content)
                steps = await asyncio.to_thread(_left_to_do, room, every, old, new)
                if steps and self._occupants is not None:
                    await self._occupants.quiet(tree.top, stop=False)
                if steps:
                    verb = "undo" if is_undo else "redo"
                    again = FilesTurned(turn.top, "", "", f"{verb}: {turn.label}", len(steps))
                    await restoring.carry_out(room, look, steps, again)
            await asyncio.to_thread(restoring.close, room)
        return len(steps)

    async def make_linked(self, folder: Path, branch: str) -> Made:
        """Make a work tree for a branch, beside the repository in which a folder is.

        Raises UsageError, GitError, ReadOnly.
        """
        self._refuse_read_only("make a work tree")
        return await linked.make(await self.find(folder), branch, self._environ)

    async def unmake_linked(self, folder: Path, made: Made) -> None:
        """Take back what `make_linked` did just now."""
        await linked.unmake(await self.find(folder), made, self._environ)

    async def losses(self, tree: WorkTree) -> Losses:
        """What removing a linked work tree would lose; raises UsageError for the main one."""
        return await linked.losses(room_of(tree, self._folder), self._environ)

    async def remove_linked(self, tree: WorkTree, *, discard: bool) -> TreeCheckpoint:
        """Remove a linked work tree after a checkpoint of it, which is returned; its branch stays.

        Raises OrcError where agents are in it, and unless `discard` where something in it is
        not committed or on no other branch.
        """
        found = await self.losses(tree)
        agents = await self._occupants.within(tree.top) if self._occupants is not None else ()
        if agents:
            raise OrcError(f"{agents[0]} is in {found.top}: `orc stop {agents[0]}` ends it")
        if not discard and (found.file_count or found.commits):
            raise OrcError(
                f"{found.top} has {found.file_count} file(s) with work that is not committed and"
                f" {len(found.commits)} commit(s) that are on no other branch: commit and merge"
                " them, or give --discard"
            )
        made = await self.checkpoint(tree, f"before: remove {tree.top.name}")
        await linked.remove(tree, self._environ)
        return made

    async def recover(self, tree: WorkTree) -> TakenBack | FilesTurned | None:
        """Take back, or write down, a restore that was cut short; None where none was."""
        self._refuse_read_only("recover a work tree")
        async with entered(room_of(tree, self._folder), self._clock):
            return await self._recover(room_of(tree, self._folder))

    async def _recover(self, room: Room) -> TakenBack | FilesTurned | None:
        found = await asyncio.to_thread(restoring.unfinished, room)
        if found is None:
            return None
        if found.is_done:
            return await self._finish(room)
        async with snapshots.looking(room, self._environ, keep=True) as look:
            return await restoring.take_back(room, look)

    def _refuse_read_only(self, what: str) -> None:
        if self._read_only:
            raise ReadOnly(f"cannot {what}: opened with --read-only")

    @asynccontextmanager
    async def _at_work(self, tree: WorkTree, what: str) -> AsyncIterator[Room]:
        self._refuse_read_only(what)
        room = room_of(tree, self._folder)
        async with entered(room, self._clock):
            await self._recover(room)
            yield room

    @asynccontextmanager
    async def _looking(self, tree: WorkTree) -> AsyncIterator[tuple[Room, Lens]]:
        room = room_of(tree, self._folder)
        async with entered(room, self._clock):
            if not self._read_only:
                await self._recover(room)
            async with snapshots.looking(room, self._environ, keep=False) as look:
                yield room, look


def _left_to_do(
    room: Room, steps: Sequence[FileStep], old: TreeCheckpoint, new: TreeCheckpoint
) -> list[FileStep]:
    """The steps that are not done yet; raises Overlap where a file is neither old nor new."""
    left: list[FileStep] = []
    with Files(room.tree.top, room.tree.hash_name) as files:
        for step in steps:
            now = files.held(step.path)
            if now == step.after:
                continue
            if now != step.before:
                raise Overlap(
                    f"{shown(step.path)} was changed since {old.id}:"
                    f" `orc code restore {new.id}` shows what that would undo"
                )
            left.append(step)
    return left


def relative(tree: WorkTree, cwd: Path, paths: Sequence[str]) -> tuple[bytes, ...]:
    """Names that a person gave, as git has them from the top of the tree.

    Raises UsageError for one that is outside of it.
    """
    found: list[bytes] = []
    for path in paths:
        place = Path(os.path.normpath(cwd / path))
        if not place.is_relative_to(tree.top):
            raise UsageError(f"{clean(path, limit=200)} is not in the work tree {tree.top}")
        found.append(os.fsencode(place.relative_to(tree.top)))
    return tuple(found)
