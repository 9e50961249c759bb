"""The wing of merges: two branches made one, decided by a person, committed at the end.

Invariant: the agents' work trees, HEADs and indexes are only read. Until the commit nothing of
the repository changes; then one branch moves from the commit it was at, or is made, and no
branch does that somebody has checked out. Aborting leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.code import (
    attempts,
    checking,
    committing,
    git,
    handing,
    mergenotes,
    repository,
    targets,
)
from orc_core.code.attempts import Tried
from orc_core.code.lens import Lens
from orc_core.code.mergenotes import Note
from orc_core.code.parties import Register
from orc_core.code.repository import WorkTree
from orc_core.code.room import Room, entered
from orc_core.code.weaving import marked
from orc_core.code.worktrees import branches, short
from orc_core.errors import OrcError, Overlap, ReadOnly, UsageError
from orc_core.model.code import shown
from orc_core.model.merging import CheckResult, Choice, Merge, Merged, MergeSide, Take
from orc_core.text import clean

_NAMED_MAX: Final = 5


class Merges:
    """Merges of branches; `folder` holds a private room for each repository."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        environ: Mapping[str, str],
        actor: str,
        register: Register | None = None,
        read_only: bool = False,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._environ = environ
        self._actor = actor
        self._register = register
        self._read_only = read_only

    async def find(self, folder: Path) -> WorkTree:
        """The work tree in which a folder is; raises NoWorkTree, GitError."""
        await git.check_version(git.FORECASTS, "a merge")
        return await repository.find(folder, self._environ)

    async def preview(
        self, tree: WorkTree, left: str, right: str, *, into: str = "", check: Sequence[str] = ()
    ) -> Merge:
        """What a merge would come to; nothing is kept. Raises UnknownName, UsageError, GitError."""
        async with self._in(tree) as room:
            return (await self._show(room, await self._plan(room, left, right, into, check)))[0]

    async def begin(
        self,
        tree: WorkTree,
        left: str,
        right: str,
        *,
        into: str = "",
        check: Sequence[str] = (),
        who: Mapping[str, tuple[str, str]] | None = None,
    ) -> Merge:
        """Begin to merge the right side into the left one; `who` has agent and task by branch.

        One that is under way for the same commits, or with an agent, is gone on with. Raises
        UnknownName, UsageError, GitError, ReadOnly.
        """
        async with self._at_work(tree, "begin a merge") as room:
            for one in mergenotes.listing(room):
                # The agent's own merge moves the branch; that is the one to look at.
                if one.handed and (one.left.name, one.right.name) == (left, right):
                    return (await self._show(room, one))[0]
            note = await self._plan(room, left, right, into, check)
            for one in mergenotes.listing(room):
                if (one.left.commit, one.right.commit) == (note.left.commit, note.right.commit):
                    if into or check:
                        one = mergenotes.renewed(one, note.into if into else "", check)
                        await asyncio.to_thread(mergenotes.keep, room, one)
                    return (await self._show(room, one))[0]
            left_side, right_side = (_known(one, who or {}) for one in (note.left, note.right))
            id = mergenotes.new_id(room)
            note = replace(note, id=id, left=left_side, right=right_side)
            merge, tried = await self._show(room, note)
            note = replace(note, digest=mergenotes.digest(tried.parts))
            await asyncio.to_thread(mergenotes.keep, room, note)
        return merge

    async def _plan(
        self, room: Room, left: str, right: str, into: str, check: Sequence[str]
    ) -> Note:
        known = await branches(room.tree, self._environ)
        one, other = [
            await targets.side(room.tree, known, name, self._environ) for name in (left, right)
        ]
        if await targets.has(room.tree, other.commit, (one.commit,), self._environ):
            raise UsageError(f"{one.name} has all of {other.name} already: nothing to merge")
        ref, why = await targets.choose(room.tree, known, one, other, into, self._environ)
        return Note("", self._clock.now(), one, other, ref, why, tuple(check))

    async def listing(self, tree: WorkTree) -> list[Merge]:
        """The merges of a repository that are under way, the oldest first."""
        async with self._in(tree) as room:
            notes = await asyncio.to_thread(mergenotes.listing, room)
            return [(await self._show(room, one))[0] for one in notes]

    async def show(self, tree: WorkTree, id: str = "") -> Merge:
        """A merge under way, or the only one; raises UnknownName, UsageError, GitError."""
        async with self._in(tree) as room:
            return (await self._show(room, await self._find(room, id)))[0]

    async def _find(self, room: Room, id: str) -> Note:
        return await asyncio.to_thread(mergenotes.find, room, id)

    async def _show(self, room: Room, note: Note) -> tuple[Merge, Tried]:
        async with self._scratch(room, note) as look:
            tried = await attempts.attempt(look)
        known = {one.ref: one.commit for one in await branches(room.tree, self._environ)}
        moved = tuple(
            f"{one.name} moved since: it is at {known.get(one.ref, 'no commit')[:10]} now"
            for one in (note.left, note.right)
            if one.ref and known.get(one.ref) != one.commit
        )
        texts = {
            one.path: one.woven.text(dict.fromkeys(range(len(one.woven.hunks)), Choice(Take.RIGHT)))
            for one in tried.collisions
            if one.woven is not None and one.woven.hunks
        }
        is_same = not note.digest or note.digest == mergenotes.digest(tried.parts)
        merge = Merge(
            note.id,
            clean(str(room.tree.common_dir), limit=1024),
            note.left,
            note.right,
            short(note.into),
            note.into_why,
            tried.parts,
            note.choices if is_same else {},
            texts,
            tried.notes,
            moved,
            note.check,
            note.checked,
            note.handed,
            note.at,
        )
        return merge, tried

    async def choose(self, tree: WorkTree, id: str, choices: Mapping[int, Choice | None]) -> Merge:
        """Keep what was chosen for some parts, None for not decided; raises UsageError."""
        async with self._at_work(tree, "decide a merge") as room:
            note = await self._find(room, id)
            merge, tried = await self._show(room, note)
            parts = {one.number: one for one in tried.parts}
            kept = dict(merge.choices)
            for number, choice in choices.items():
                if number not in parts:
                    raise UsageError(f"no part {number} in {note.id}: there are 1 to {len(parts)}")
                if choice is None:
                    kept.pop(number, None)
                    continue
                if choice.take not in parts[number].takes:
                    takes = ", ".join(parts[number].takes)
                    raise UsageError(f"part {number} can be {takes}, not {choice.take.value}")
                self._check_value(choice, tried.sizes[parts[number].path], number)
                kept[number] = choice
            note = replace(note, choices=kept, digest=mergenotes.digest(tried.parts), checked=None)
            await asyncio.to_thread(mergenotes.keep, room, note)
        return replace(merge, choices=kept, checked=None)

    @staticmethod
    def _check_value(choice: Choice, size: int, number: int) -> None:
        if len(choice.value) > mergenotes.VALUE_MAX_BYTES:
            raise UsageError(f"the text for part {number} has more than 1 MB: shorten it")
        if marked(choice.value, size):
            raise UsageError(f"the text for part {number} has a conflict marker: take it out")

    async def check(self, tree: WorkTree, id: str = "", check: Sequence[str] = ()) -> Merge:
        """Run the check command on what is chosen, all of it decided; raises UsageError."""
        async with self._at_work(tree, "check a merge") as room:
            note = await self._find(room, id)
            note = replace(note, check=tuple(check) or note.check)
            if not note.check:
                raise UsageError("there is nothing to check with: give --check COMMAND")
            merge, _ = await self._show(room, note)
            self._refuse_open(merge)
            async with self._scratch(room, note) as look:
                tried = await attempts.attempt(look)
                result = await attempts.resolve(look, tried, merge.choices)
                note = replace(note, checked=await self._checked(look, note, result))
            await asyncio.to_thread(mergenotes.keep, room, note)
        return replace(merge, checked=note.checked, check=note.check)

    async def _checked(self, look: Lens, note: Note, tree: str) -> CheckResult:
        files = look.index.parent / "files"
        files.mkdir()
        await attempts.check_out(look, tree, files)
        return await checking.run(note.check, files, tree, self._environ)

    async def commit(self, tree: WorkTree, id: str = "", *, into: str = "") -> Merged:
        """Commit what is chosen, on its branch or on `into`, after the check if there is one.

        Raises UsageError where something is open or the branch cannot be had, OrcError where the
        check fails, Overlap where the branch moved meanwhile; then nothing is changed.
        """
        async with self._at_work(tree, "commit a merge") as room:
            note = await self._find(room, id)
            if (done := await self._finished(room, note)) is not None:
                return done
            known = await branches(tree, self._environ)
            wanted = into or note.into.removeprefix(targets.HEADS)
            ref, _ = await targets.choose(tree, known, note.left, note.right, wanted, self._environ)
            old = next((one.commit for one in known if one.ref == ref), "")
            if ref == note.left.ref and old != note.left.commit:
                raise Overlap(
                    f"{note.left.name} moved since this merge was begun: `orc code merge abort"
                    f" {note.id}`, then begin anew, or give --into a new branch"
                )
            merge, _ = await self._show(room, note)
            self._refuse_open(merge)
            async with self._scratch(room, note, keep=True) as look:
                tried = await attempts.attempt(look)
                content = await attempts.resolve(look, tried, merge.choices)
                await self._refuse_marked(look, tried, content)
                note = await self._pass_check(room, look, note, content)
                commit = await committing.write(
                    look,
                    (note.left, note.right),
                    content,
                    committing.message(note.left, note.right, ref, tried),
                    await committing.identity(tree, self._environ, self._clock.now(), self._actor),
                )
            note = replace(note, into=ref, commit=commit, old=old)
            await asyncio.to_thread(mergenotes.keep, room, note)
            await committing.move(tree, self._environ, ref, commit, old)
            done = await self._finished(room, note)
        assert done is not None  # noqa: S101
        return done

    async def _pass_check(self, room: Room, look: Lens, note: Note, content: str) -> Note:
        """Run the check where it did not pass on these very files; raises OrcError."""
        known = note.checked
        if not note.check or (known is not None and known.passed and known.tree == content):
            return note
        note = replace(note, checked=await self._checked(look, note, content))
        await asyncio.to_thread(mergenotes.keep, room, note)
        if note.checked is not None and not note.checked.passed:
            raise OrcError(
                f"nothing was committed: {note.checked.text}\n{note.checked.said}".strip()
            )
        return note

    async def _finished(self, room: Room, note: Note) -> Merged | None:
        """End a merge whose branch has its commit; None where it does not."""
        if not note.commit:
            return None
        known = {one.ref: one.commit for one in await branches(room.tree, self._environ)}
        if known.get(note.into) != note.commit:
            return None
        branch = short(note.into)
        back = committing.way_back(note.into, note.commit, note.old)
        done = Merged(f"{branch} is at {note.commit[:10]} now", branch, note.commit, back)
        return await self._end(room, note, done)

    async def _end(self, room: Room, note: Note, done: Merged) -> Merged:
        if self._register is not None:
            sides = f"{note.left.title} and {note.right.title}"
            await self._register.merged(note.id, done, sides)
        await asyncio.to_thread(mergenotes.drop, room, note)
        return done

    async def abort(self, tree: WorkTree, id: str = "") -> str:
        """Forget a merge and what was chosen; which one that was. Raises UnknownName, ReadOnly."""
        async with self._at_work(tree, "abort a merge") as room:
            note = await self._find(room, id)
            if (done := await self._finished(room, note)) is not None:
                raise UsageError(f"{note.id} is committed: {done.way_back} takes it back")
            await asyncio.to_thread(mergenotes.drop, room, note)
        return note.id

    async def prompt(self, tree: WorkTree, id: str, branch: str) -> str:
        """What to tell an agent that is to do the merge on its branch; raises UsageError."""
        async with self._in(tree) as room:
            merge, tried = await self._show(room, await self._find(room, id))
            return handing.prompt(merge, await self._own(tree, branch), tried.sizes)

    async def hand(self, tree: WorkTree, id: str, agent: str, branch: str) -> None:
        """Note that an agent was told to do the merge on its branch; raises UsageError."""
        async with self._at_work(tree, "hand over a merge") as room:
            own = await self._own(tree, branch)
            note = replace(await self._find(room, id), handed=agent, handed_ref=own.ref)
            await asyncio.to_thread(mergenotes.keep, room, note)

    async def _own(self, tree: WorkTree, branch: str) -> MergeSide:
        known = await branches(tree, self._environ)
        own = await targets.side(tree, known, branch, self._environ)
        if not own.ref.startswith(targets.HEADS):
            raise UsageError(f"{own.name} is no branch here: a merge cannot be committed on it")
        return own

    async def verify(self, tree: WorkTree, id: str = "") -> Merged:
        """Look at what an agent made of a merge and end it; raises OrcError for what is missing."""
        async with self._at_work(tree, "verify a merge") as room:
            note = await self._find(room, id)
            if not note.handed_ref:
                raise UsageError(
                    f"{note.id} is with no agent: `orc code merge hand` gives it to one"
                )
            known = {one.ref: one.commit for one in await branches(tree, self._environ)}
            tip = known.get(note.handed_ref, "")
            branch = short(note.handed_ref)
            faults = [
                f"{branch} lacks {one.name} ({one.commit[:10]})"
                for one in (note.left, note.right)
                if not tip or not await targets.has(tree, one.commit, (tip,), self._environ)
            ]
            async with self._scratch(room, note) as look:
                tried = await attempts.attempt(look)
                if not faults:
                    marks = await attempts.markers_left(look, tried, tip)
                    faults += [f"conflict markers are left in {shown(path)}" for path in marks]
                if not faults and note.check:
                    result = await self._checked(look, note, tip)
                    faults += [] if result.passed else [result.text]
            if faults:
                raise OrcError(f"{note.handed} is not done with {note.id}: {'; '.join(faults)}")
            text = f"{note.handed} merged it: {branch} is at {tip[:10]} and has both sides"
            done = Merged(text, branch, tip, "")
            return await self._end(room, note, done)

    async def _refuse_marked(self, look: Lens, tried: Tried, content: str) -> None:
        if marks := await attempts.markers_left(look, tried, content):
            names = ", ".join(shown(path) for path in marks[:_NAMED_MAX])
            raise UsageError(f"conflict markers are left in {names}: edit the part that has them")

    @staticmethod
    def _refuse_open(merge: Merge) -> None:
        if merge.open:
            names = ", ".join(
                f"{one.number} ({shown(one.path)})" for one in merge.open[:_NAMED_MAX]
            )
            more = len(merge.open) - _NAMED_MAX
            names += f" and {more} more" if more > 0 else ""
            raise UsageError(f"not decided yet: {names}; `orc code merge choose` decides them")

    @asynccontextmanager
    async def _in(self, tree: WorkTree) -> AsyncIterator[Room]:
        key = hashlib.sha256(os.fsencode(tree.common_dir)).hexdigest()[:20]
        room = Room(tree, self._folder / key)
        async with entered(room, self._clock):
            yield room

    @asynccontextmanager
    async def _at_work(self, tree: WorkTree, what: str) -> AsyncIterator[Room]:
        if self._read_only:
            raise ReadOnly(f"cannot {what}: opened with --read-only")
        async with self._in(tree) as room:
            yield room

    @asynccontextmanager
    async def _scratch(self, room: Room, note: Note, *, keep: bool = False) -> AsyncIterator[Lens]:
        left, right = note.left.commit, note.right.commit
        async with attempts.scratch(room, left, right, self._environ, keep=keep) as look:
            yield look


def _known(side: MergeSide, who: Mapping[str, tuple[str, str]]) -> MergeSide:
    """A side with the agent that is at work there, and its task."""
    agent, task = who.get(side.name, ("", ""))
    return replace(side, agent=agent, task=task)
