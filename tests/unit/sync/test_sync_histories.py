"""Random histories of a file and its task: in step after each sync, and nothing lost on the way."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orc_core.errors import OrcError
from orc_core.history.actions import History
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.decisions import held
from orc_core.sync.hunks import given_text, hunks_of, side_lines
from orc_core.sync.lines import Of
from orc_core.sync.merge import diff, get_path
from orc_core.sync.paths import MISSING, Value, field_of, hunk_number, same
from orc_core.sync.provenance import newest
from orc_core.sync.settlement import Copy, record_given, settle
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage import bases, conflicts, documents, journal
from orc_storage.database import Database
from orc_storage.files import parse, render
from orc_storage.records import Body, Conflict, Json
from stores import Turned, open_store

HISTORIES = int(os.environ.get("ORC_EXAMPLES", "2000")) // 10
FIELDS = ("title", "due")
TEXT = "\n".join("pqrstuvw")
ACTOR = "ana"
RULES = TaskRules()

values = st.sampled_from(["a", "b", "c"])
fields = st.sampled_from(FIELDS)
labels = st.lists(st.sampled_from(["x", "y", "z"]), max_size=2, unique=True)
line_edits = st.tuples(
    st.integers(0, 9), st.integers(0, 2), st.lists(st.sampled_from("pqrxyz"), max_size=2)
)
"""From which line on, how many lines are taken out, and what is put there."""

steps = st.one_of(
    st.tuples(st.just("file text"), line_edits),
    st.tuples(st.just("store text"), line_edits),
    st.tuples(st.just("file"), fields, values),
    st.tuples(st.just("file"), st.just("labels"), labels),
    st.tuples(st.just("store"), fields, values),
    st.tuples(st.just("store"), st.just("labels"), labels),
    st.tuples(st.just("old"), st.integers(0, 5)),
    st.tuples(st.just("old edited"), st.integers(0, 5), fields, values),
    st.tuples(st.just("remove")),
    st.tuples(st.just("delete")),
    st.tuples(st.just("sync")),
    st.tuples(st.just("crash"), st.booleans()),
    st.tuples(st.just("resolve"), st.sampled_from(["left", "right", "base", "both"])),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Database]]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        folder: Path = tmp_path_factory.mktemp("histories") / "ws"
        clock = _Clock()
        db = runner.run(stack.enter_async_context(open_store(folder, clock)))
        try:
            yield runner, db
        finally:
            runner.run(stack.aclose())


class _Clock(Turned):
    def now(self) -> float:
        return 1_800_000_000.0


@dataclass
class Pair:
    """A task in the store and its file, held in memory."""

    db: Database
    id: str
    data: bytes | None = None
    copies: list[bytes] = field(default_factory=list)
    agreed: Body | None = None
    given: bytes | None = None

    @property
    def file(self) -> Body | None:
        return None if self.data is None else parse(self.data, self.id)[0]

    async def store(self) -> Body | None:
        found = await self.db.read(partial(newest, kind=KIND, id=self.id))
        return None if found is None or found.deleted else found.body

    async def opens(self) -> list[Conflict]:
        return await self.db.read(lambda conn: conflicts.for_document(conn, "file", KIND, self.id))

    async def play(self, step: tuple[object, ...]) -> None:
        match step:
            case ("file", str(name), value):
                if self.data is not None:
                    self._edit(self.data, name, value)  # type: ignore[arg-type]
            case ("file text", edit):
                if self.data is not None and (file := self.file) is not None:
                    self._edit(self.data, "text", _edited(file.get("text"), edit))  # type: ignore[arg-type]
            case ("crash", bool(was_given)):
                await self._settle(was_given=was_given, was_recorded=False)
                self.agreed, self.given = await self.store(), self.data
            case ("old", int(number)):
                if self.copies:
                    self.data = self.copies[number % len(self.copies)]
            case ("old edited", int(number), str(name), value):
                if self.copies:
                    self._edit(self.copies[number % len(self.copies)], name, value)  # type: ignore[arg-type]
            case ("remove",):
                self.data = None
            case ("sync",):
                await self.sync()
            case _:
                await self._in_store(step)

    def _edit(self, data: bytes, name: str, value: Json) -> None:
        body, rev = parse(data, self.id)
        self.data = render(body | {name: value}, rev or 1)

    async def _in_store(self, step: tuple[object, ...]) -> None:
        try:
            match step:
                case ("store", str(name), value):
                    edit = {name: value}
                    await Tasks(self.db).edit(self.id, edit, actor=ACTOR, cause="")  # type: ignore[arg-type]
                case ("store text", edit):
                    body = await self.store()
                    text = _edited((body or {}).get("text"), edit)  # type: ignore[arg-type]
                    await Tasks(self.db).edit(self.id, {"text": text}, actor=ACTOR, cause="")
                case ("delete",):
                    found = await self.db.read(partial(newest, kind=KIND, id=self.id))
                    if found is not None and not found.deleted:
                        await self.db.write(
                            partial(
                                documents.delete,
                                kind=KIND,
                                id=self.id,
                                rev=found.rev,
                                actor=ACTOR,
                                cause="",
                            )
                        )
                case ("resolve", str(take)):
                    for conflict in (await self.opens())[:1]:
                        decide = Conflicts(self.db, _Clock(), {KIND: RULES}).resolve
                        await decide(conflict.id, take, actor=ACTOR)
                case ("undo",):
                    await History(self.db).undo(ACTOR)
                case ("redo",):
                    await History(self.db).redo(ACTOR)
        except OrcError:
            return  # not every step is possible everywhere

    async def sync(self) -> None:
        before, held_before, given = await self.store(), self.data, self.given
        await self._settle()
        after, opens = await self.store(), await self.opens()
        base = await self.db.read(lambda conn: bases.get(conn, "file", KIND, self.id))
        agreed = MISSING if base is None or base.body is None else get_path(base.body, "text")
        self._check_in_step(after, opens, agreed)
        self._check_lines(before, after, held_before, opens)
        self._check_nothing_lost(before, after, held_before, given, opens)
        wrote, opened, data = await self._settle(), len(await self.opens()), self.data
        assert (wrote, opened, data) == (False, len(opens), self.data), "a second sync did more"
        self.given, self.agreed = self.data, after
        if self.data is not None:
            self.copies.append(self.data)

    async def _settle(self, *, was_given: bool = True, was_recorded: bool = True) -> bool:
        """Sync once; a crash leaves out what comes after reading, or after giving."""
        sha256 = "" if self.data is None else hashlib.sha256(self.data).hexdigest()
        body, rev = (None, None) if self.data is None else parse(self.data, self.id)
        copy = Copy("file", KIND, self.id, body, rev, sha256, 0.0, f"file {self.id}.json")
        settled = await self.db.write(partial(settle, copy=copy, rules=RULES))
        if not was_given:
            return settled.wrote
        if settled.body is None:
            self.data = None
        elif body is None or rev != settled.rev or not same(body, settled.body):
            self.data = render(settled.body, settled.rev)
        after = "" if self.data is None else hashlib.sha256(self.data).hexdigest()
        if after != sha256 and was_recorded:
            await self.db.write(partial(record_given, copy=copy, settled=settled, sha256=after))
        return settled.wrote

    def _check_in_step(self, store: Body | None, opens: list[Conflict], base: Value) -> None:
        """Where file and store differ there is an open conflict with these very values."""
        file = self.file
        for conflict in opens:
            assert not same(held(conflict.left), held(conflict.right)), conflict
            if hunk_number(conflict.path):
                continue
            left = MISSING if file is None else get_path(file, conflict.path)
            right = MISSING if store is None else get_path(store, conflict.path)
            assert same(held(conflict.left), left), conflict
            assert same(held(conflict.right), right), conflict
        for path, hunks in hunks_of(opens).items():
            assert store is not None and file is not None
            assert len({conflict.path for conflict in hunks}) == len(hunks)
            assert same(given_text(base, hunks, Of.OURS), get_path(store, path)), hunks
            assert same(given_text(base, hunks, Of.THEIRS), get_path(file, path)), hunks
        if file is None or store is None:
            assert file is store or [c.path for c in opens] == [""]
        else:
            waiting = {field_of(conflict.path) for conflict in opens}
            assert {change.path for change in diff(file, store)} == waiting

    def _check_nothing_lost(
        self,
        before: Body | None,
        after: Body | None,
        written: bytes | None,
        given: bytes | None,
        opens: list[Conflict],
    ) -> None:
        if before is not None and after is not None and self.agreed is not None:
            for name in FIELDS:
                if not same(before.get(name), self.agreed.get(name)):
                    assert same(after.get(name), before.get(name)), f"the store lost its {name}"
        if written is None or given is None or after is None:
            return
        (new, new_rev), (old, old_rev) = parse(written, self.id), parse(given, self.id)
        if new_rev != old_rev:
            return  # an old copy: its edits are against another revision
        for change in diff(old, new):
            if change.path not in FIELDS:
                continue
            is_there = same(after.get(change.path), change.after)
            waits = any(
                c.path in ("", change.path) and same(_value(c, change.path), change.after)
                for c in opens
            )
            assert is_there or waits or self._is_taken_back(change.path, change.after), change

    def _check_lines(
        self,
        before: Body | None,
        after: Body | None,
        written: bytes | None,
        opens: list[Conflict],
    ) -> None:
        """Every line that is new on a side is still there, or waits in a conflict."""
        if after is None or self.agreed is None or any(c.path in ("", "text") for c in opens):
            return
        there = set(_lines(after))
        there |= {line for c in opens for side in (c.left, c.right) for line in side_lines(side)}
        sides = [] if before is None else [_lines(before)]
        if written is not None and self.given is not None:
            (body, rev), (_, old_rev) = parse(written, self.id), parse(self.given, self.id)
            if rev == old_rev:
                sides.append(_lines(body))
        for side in sides:
            assert {line for line in side if line.startswith("new")} <= there

    def _is_taken_back(self, path: str, value: Json) -> bool:
        """Whether the file went back to where a conflict had begun."""
        return any(body.get(path) == value for body in map(self._body, self.copies))

    def _body(self, data: bytes) -> Body:
        return parse(data, self.id)[0]


_words = itertools.count(1)


def _edited(text: Json, edit: tuple[int, int, list[str]]) -> str:
    """A text after one edit of its lines; some of the new ones are like no other."""
    at, length, put = edit
    lines = text.split("\n") if isinstance(text, str) else []
    new = [f"new{next(_words)}" if word == "x" else word for word in put]
    lines[at : at + length] = new
    return "\n".join(lines)


def _lines(body: Body) -> list[str]:
    text = body.get("text")
    return text.split("\n") if isinstance(text, str) else []


def _value(conflict: Conflict, path: str) -> object:
    value = conflict.left.value
    return value.get(path) if conflict.path == "" and isinstance(value, dict) else value


_ids = itertools.count(1)


@settings(max_examples=HISTORIES, deadline=None, derandomize=True, database=None)
@given(history=st.lists(steps, min_size=3, max_size=24))
def test_any_history_ends_in_step_with_nothing_lost(
    place: tuple[asyncio.Runner, Database], history: list[tuple[object, ...]]
) -> None:
    runner, db = place

    async def play() -> None:
        task = await Tasks(db).add("a", due="a", text=TEXT, actor=ACTOR, cause="")
        pair = Pair(db, task.id)
        await pair.sync()
        for step in history:
            await pair.play(step)
        await pair.sync()

    runner.run(play())


def test_the_journal_of_all_these_histories_is_whole(
    place: tuple[asyncio.Runner, Database],
) -> None:
    runner, db = place
    assert runner.run(db.read(journal.verify)) == []
