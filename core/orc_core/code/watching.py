"""Following the work trees of agents: looked at again when files or refs move, never by a clock.

Invariant: what the kernel tells of is looked at once things have settled, a tree at most once in
a while, one after the other; without the kernel's word each is looked at now and then. What is
watched is bounded, and a tree that cannot be read keeps none of the others waiting.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.code import repository, worktrees
from orc_core.code.forecasts import Forecasts, Tip
from orc_core.code.overlap import Worker, overlaps, touched
from orc_core.code.repository import WorkTree
from orc_core.code.room import Room, room_of
from orc_core.errors import GitError
from orc_core.model.code import Code, Forecast, Touch, TreeState
from orc_core.text import clean
from orc_core.tmux.inotify import ENTRIES, TerminalMarks

TREES_MAX: Final = 64
FOLDERS_MAX: Final = 1_000
"""How many folders of one work tree are watched."""
REF_FOLDERS_MAX: Final = 200
SETTLE_S: Final = 0.3
LOOK_FOR_AGENTS_S: Final = 1.0
AGAIN_S: Final = 60.0
"""When a tree is looked at without a word of the kernel: a net under it."""
AGAIN_UNWATCHED_S: Final = 15.0


class CodeWatch:
    """What is known of the work trees in which agents are.

    `workers` gives the agents with their folders; `changed` is called when anything differs.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        environ: Mapping[str, str],
        *,
        workers: Callable[[], Sequence[Worker]] = lambda: (),
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.code = Code()
        self._folder = folder
        self._clock = clock
        self._environ = environ
        self._workers = workers
        self._changed = changed
        self._found: dict[str, WorkTree | None] = {}
        self._swept_at = clock.monotonic()
        self._states: dict[str, TreeState] = {}
        self._looked_at: dict[str, float] = {}
        self._forecasts = Forecasts()
        self._tips: dict[str, tuple[tuple[Tip, ...], Tip | None]] = {}
        self._told: dict[str, tuple[Forecast, ...]] = {}
        self._marks = TerminalMarks(ENTRIES)
        self._of_folder: dict[str, set[str]] = {}

    async def run(self) -> None:
        """Follow the trees until cancelled."""
        stirred = asyncio.Event()
        self._marks.open()
        loop = asyncio.get_running_loop()
        if self._marks.available:
            loop.add_reader(self._marks.fd, stirred.set)
        forecasting: asyncio.Task[None] | None = None
        try:
            while True:
                if await self._step() and (forecasting is None or forecasting.done()):
                    forecasting = asyncio.create_task(self._forecast())
                await _first(stirred.wait(), self._clock.sleep(LOOK_FOR_AGENTS_S))
                if stirred.is_set():
                    await self._clock.sleep(SETTLE_S)
                    stirred.clear()
        finally:
            if self._marks.available:
                loop.remove_reader(self._marks.fd)
            self._marks.close()
            if forecasting is not None:
                forecasting.cancel()
                await asyncio.wait([forecasting])

    async def once(self, folders: Collection[Path] = ()) -> Code:
        """Look at the trees of all workers, and of these folders, and make the forecasts."""
        for worker in self._workers():
            await self._find(worker.folder)
        for folder in folders:
            await self._find(str(folder))
        for tree in self._trees():
            await self._look(tree)
        await self._forecast()
        self._put_together()
        return self.code

    async def _step(self) -> bool:
        """Look at what moved; whether forecasts are to be looked at again."""
        moved = {key for folder in self._marks.drain() for key in self._of_folder.get(folder, ())}
        here = {worker.folder for worker in self._workers()}
        for folder in here - self._found.keys():
            await self._find(folder)
        for folder in self._found.keys() - here:
            del self._found[folder]
        again_s = AGAIN_S if self._marks.available else AGAIN_UNWATCHED_S
        now = self._clock.monotonic()
        if now - self._swept_at >= again_s:  # what was no work tree may be one by now
            self._swept_at = now
            self._found = {name: tree for name, tree in self._found.items() if tree is not None}
        trees = self._trees()
        due = [
            tree
            for tree in trees
            if tree.key in moved or now - self._looked_at.get(tree.key, -again_s) >= again_s
        ]
        for tree in due:
            await self._look(tree)
        if due:
            await self._watch(trees)
        self._put_together()
        return bool(due)

    async def _find(self, folder: str) -> None:
        if folder in self._found or not folder:
            return
        try:
            self._found[folder] = await repository.find(Path(folder), self._environ)
        except (GitError, OSError):
            self._found[folder] = None

    def _trees(self) -> list[WorkTree]:
        found = {tree.key: tree for tree in self._found.values() if tree is not None}
        for gone in self._states.keys() - found.keys():
            del self._states[gone]
            self._looked_at.pop(gone, None)
        return list(found.values())[:TREES_MAX]

    async def _look(self, tree: WorkTree) -> None:
        self._looked_at[tree.key] = self._clock.monotonic()
        room = room_of(tree, self._folder)
        state = await worktrees.look(room, self._environ, self._clock.now())
        before = self._states.get(tree.key)
        if before is not None and replace(state, at=before.at) == before:
            state = before  # nothing differs but the time
        self._states[tree.key] = state
        await self._see_tips(room, state)

    async def _see_tips(self, room: Room, state: TreeState) -> None:
        """Take down which branches of the repository are to be tried with each other."""
        if state.trouble:
            return
        try:
            main = worktrees.main_of(await worktrees.branches(room.tree, self._environ))
        except (GitError, OSError):
            main = None
        of = state.repository
        tips = [
            Tip(one.title, one.head)
            for one in sorted(self._states.values(), key=lambda one: one.top)
            if one.repository == of and one.head
        ]
        base = Tip(worktrees.short(main.ref), main.commit) if main is not None else None
        self._tips[of] = (tuple(dict.fromkeys(tips)), base)

    async def _forecast(self) -> None:
        """Try the merges of branches that moved; those of each repository apart."""
        trouble = ""
        rooms = {str(tree.common_dir): room_of(tree, self._folder) for tree in self._trees()}
        for place, room in rooms.items():
            of = clean(place, limit=1024)
            if of not in self._tips:
                continue
            try:
                self._told[of] = await self._forecasts.of(room, *self._tips[of], self._environ)
            except (GitError, OSError) as error:
                trouble = clean(str(error), limit=300)
        known = {clean(place, limit=1024) for place in rooms}
        self._told = {of: some for of, some in self._told.items() if of in known}
        self._put_together(trouble)

    def touched(self) -> tuple[tuple[bytes, Touch], ...]:
        """The files in which agents were, by whom and at which prompt, the newest first."""
        return touched(self._placed(), self._states.values(), self._clock.now())

    def _places(self) -> dict[str, str]:
        return {
            folder: clean(str(tree.top), limit=1024)
            for folder, tree in self._found.items()
            if tree is not None
        }

    def _placed(self) -> list[Worker]:
        places = self._places()
        return [
            replace(worker, top=places[worker.folder])
            for worker in self._workers()
            if worker.folder in places
        ]

    def _put_together(self, trouble: str | None = None) -> None:
        places, workers = self._places(), self._placed()
        states = tuple(sorted(self._states.values(), key=lambda one: one.top))
        fresh = Code(
            trees=states,
            overlaps=overlaps(workers, states, self._clock.now()),
            forecasts=tuple(one for some in self._told.values() for one in some),
            places=tuple(sorted(places.items())),
            trouble=self.code.trouble if trouble is None else trouble,
        )
        if fresh != self.code:
            self.code = fresh
            self._changed()

    async def _watch(self, trees: Sequence[WorkTree]) -> None:
        """Watch the folders of these trees and of their refs, exactly."""
        of_folder: dict[str, set[str]] = {}
        for tree in trees:
            state = self._states.get(tree.key)
            named = (*state.changed, *state.untracked) if state is not None else ()
            for folder in await asyncio.to_thread(_folders, tree, named):
                of_folder.setdefault(folder, set()).add(tree.key)
        self._of_folder = of_folder
        self._marks.watch(of_folder)


def _folders(tree: WorkTree, named: Iterable[bytes]) -> list[str]:
    """The folders in which something of a tree moves; blocks on the disk."""
    refs = [str(tree.git_dir), str(tree.common_dir)]
    for folder, names, _ in os.walk(tree.common_dir / "refs"):
        names[:] = [name for name in names if name != "orc"]
        if len(refs) < REF_FOLDERS_MAX:
            refs.append(folder)
    found = dict.fromkeys([str(tree.top)])
    for path in named:
        found.setdefault(str(Path(tree.top, os.fsdecode(path)).parent))
    for folder, names, _ in os.walk(tree.top):
        names[:] = [name for name in names if not name.startswith(".") and name not in _HEAVY]
        found.setdefault(folder)
        if len(found) >= FOLDERS_MAX:
            break
    return [*refs, *list(found)[:FOLDERS_MAX]]


_HEAVY: Final = frozenset({"node_modules", "target", "__pycache__", "venv", "dist", "build"})
"""Folders that are large, seldom tracked, and written to all the time."""


async def _first(*some: Awaitable[object]) -> None:
    """Wait until one of several is there, and end the others."""
    tasks = [asyncio.ensure_future(one) for one in some]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        # They end without an error here; whoever cancels us meanwhile has to be heard.
        await asyncio.gather(*tasks, return_exceptions=True)
