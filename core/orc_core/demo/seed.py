"""The demo's workspace: tasks, a past, and conflicts, made the way they are made in earnest.

Invariant: everything goes through the floors that real work goes through; nothing is written
into the store or its journal by another way. Only the time of the past is told by a clock of
its own.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from orc_core.clock import Clock
from orc_core.demo.tasks import AFTER, AGREED_MINUTES_AGO, DISAGREEMENTS, EDITS, TASKS, Edited
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.synchronizer import Synchronizer
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import TaskRules
from orc_storage import journal
from orc_storage.database import Database
from orc_storage.files import Mirror
from orc_storage.records import OPERATOR, Json

_KIND: Final = "task"
_MINUTE_S: Final = 60.0


class _StoryClock:
    """A clock that stands where the story is, some minutes before the demo begins."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begins = clock.now()
        self._at = self._begins

    def turn_to(self, minutes_ago: float) -> None:
        self._at = self._begins - minutes_ago * _MINUTE_S

    def now(self) -> float:
        return self._at

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, delay_s: float) -> None:
        await self._clock.sleep(delay_s)


async def seed(workspace: Path, clock: Clock) -> None:
    """Fill a fresh workspace: tasks, their history, three conflicts.

    The past ends at the clock's time. A workspace that holds something is left as it is.
    """
    story = _StoryClock(clock)
    async with await Database.open(workspace, now=story.now) as store:
        if (await store.read(journal.head))[0]:
            return
        desk = Tasks(store)
        for task in TASKS:
            story.turn_to(task.minutes_ago)
            await desk.add(task.title, actor=OPERATOR, cause="planned", key="", **task.fields)
        await _edit(desk, story, EDITS)

        story.turn_to(AGREED_MINUTES_AGO)
        mirror = Mirror(workspace / "files")
        synchronizer = Synchronizer(store, [FileLayer(mirror)], story, rules={_KIND: TaskRules()})
        await synchronizer.once()

        for each in DISAGREEMENTS:
            story.turn_to(each.file_minutes_ago)
            path = mirror.path(_KIND, each.in_store.id)
            await asyncio.to_thread(_edit_file, path, each.in_file, story.now())
            await _edit(desk, story, [each.in_store])
        await synchronizer.once()
        await _edit(desk, story, AFTER)
        story.turn_to(0.0)
        await synchronizer.once()


async def _edit(desk: Tasks, story: _StoryClock, edits: Iterable[Edited]) -> None:
    for edit in edits:
        story.turn_to(edit.minutes_ago)
        await desk.edit(edit.id, edit.fields, actor=edit.actor, cause=edit.cause)


def _edit_file(path: Path, fields: Mapping[str, Json], at: float) -> None:
    """Change a mirrored file as somebody with an editor does, at a time of the story."""
    body = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(body | fields, indent=2) + "\n", encoding="utf-8")
    os.utime(path, (at, at))
