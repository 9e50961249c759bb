"""Random histories of a file and its task: in step after each sync, and nothing lost on the way.

A failure names its seed; ORC_SEED=N plays that history alone, ORC_EXAMPLES=20000 plays 2,000.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest

from orc_core.errors import IllegalMove, OrcError
from orc_core.history.actions import History
from orc_core.sync.conflicts import Conflicts
from orc_core.sync.copies import Copy
from orc_core.sync.decisions import held
from orc_core.sync.hunks import given_text, hunks_of, side_lines
from orc_core.sync.lines import Of
from orc_core.sync.merge import diff, get_path
from orc_core.sync.paths import MISSING, Value, field_of, hunk_number, same
from orc_core.sync.provenance import newest
from orc_core.sync.settlement import record_given, settle
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage import bases, conflicts, documents, journal
from orc_storage.database import Database, Transaction
from orc_storage.files import parse, render
from orc_storage.records import Body, Conflict, Json, Revision
from stores import Turned, open_store

HISTORIES = int(os.environ.get("ORC_EXAMPLES", "1500")) // 10
SEEDS = [int(os.environ["ORC_SEED"])] if "ORC_SEED" in os.environ else range(HISTORIES)
STRATEGIES = ("LAST_WRITE", "LAST_WRITE", "MANUAL", "MERGE", "TMUX_WINS")
FIELDS = ("title", "due")
TEXT = "\n".join("pqrstuvw")
SUBJECTS = ("task", "task.title", "task.text", "task.labels")
NEW = re.compile(rb"new\d+")
"""Values and lines that were written once and nowhere else."""
ACTOR = "ana"
RULES = TaskRules()

Step: TypeAlias = tuple[object, ...]


def history(seed: int) -> list[Step]:
    """Draw a history in which both sides edit a few fields again and again, with syncs between."""
    draw = Random(seed)
    fields = draw.sample(("title", "due", "labels", "status", "text", "text", "text"), k=3)
    steps: list[Step] = [
        ("strategy", subject, draw.choice(STRATEGIES))
        for subject in SUBJECTS
        if draw.random() < 0.15
    ]
    for _ in range(draw.randint(6, 24)):
        match draw.choices(("file", "store", "sync", "other"), (35, 35, 20, 30))[0]:
            case "sync":
                steps.append(("sync",))
            case "other":
                steps.append(draw.choice(_others(draw, fields)))
            case side:
                steps.append((side, *_edit(draw, draw.choice(fields))))
    return steps


def _edit(draw: Random, field: str) -> Step:
    match field:
        case "labels":
            return field, draw.sample("xyz", k=draw.randint(0, 2))
        case "status":
            return field, draw.choice(("ready", "running", "done", "failed"))
        case "text":
            lines = draw.choices("pqrxxx", k=draw.randint(0, 2))
            return field, (draw.randint(0, 8), draw.randint(0, 2), lines)
    return field, draw.choice("abc")


def _others(draw: Random, fields: list[str]) -> list[Step]:
    """Each as often as it stands here."""
    number = draw.randint(0, 5)
    take: Step = ("resolve", draw.choice(("left", "right", "base", "both")))
    return [
        *[take] * 4,
        ("resolve all", draw.choice(("left", "right"))),
        ("defer",),
        *[("undo",)] * 3,
        *[("redo",)] * 2,
        *[("crash", draw.random() < 0.5)] * 3,
        ("old", number),
        ("old edited", number, *_edit(draw, draw.choice(fields))),
        ("remove",),
        ("delete",),
    ]


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
    read: set[bytes] = field(default_factory=set)
    decided: list[Conflict] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)

    @property
    def conflicts(self) -> Conflicts:
        return Conflicts(self.db, _Clock(), {KIND: RULES})

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
                    self._edit(self.data, name, value)
            case ("crash", bool(was_given)):
                await self._mend()
                await self._settle(was_given=was_given, was_recorded=False)
                self.agreed, self.given = await self.store(), self.data
            case ("old", int(number)):
                if self.copies:
                    self.data = self.copies[number % len(self.copies)]
            case ("old edited", int(number), str(name), value):
                if self.copies:
                    self._edit(self.copies[number % len(self.copies)], name, value)
            case ("remove",):
                self.data = None
            case ("sync",):
                await self.sync()
            case _:
                await self._in_store(step)

    def _edit(self, data: bytes, name: str, value: object) -> None:
        body, rev = parse(data, self.id)
        self.data = render(body | {name: _fresh(body.get(name), value)}, rev or 1)

    async def _in_store(self, step: tuple[object, ...]) -> None:
        try:
            match step:
                case ("store", str(name), value):
                    edit = {name: _fresh((await self.store() or {}).get(name), value)}
                    await Tasks(self.db).edit(self.id, edit, actor=ACTOR, cause="")  # type: ignore[arg-type]
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
                case _:
                    await self._about_conflicts(step)
        except OrcError:
            return  # not every step is possible everywhere

    async def _about_conflicts(self, step: tuple[object, ...]) -> None:
        match step:
            case ("resolve", str(take)):
                for conflict in (await self.opens())[:1]:
                    await self.conflicts.resolve(conflict.id, take, actor=ACTOR)
            case ("resolve all", str(take)):
                ids = [conflict.id for conflict in await self.opens()]
                await self.conflicts.resolve_all(take, actor=ACTOR, ids=ids)
            case ("defer",):
                for conflict in (await self.opens())[:1]:
                    await self.conflicts.defer(conflict.id, 2e9, actor=ACTOR)
            case ("strategy", str(subject), strategy):
                await self.conflicts.set_strategy(subject, strategy, actor=ACTOR)  # type: ignore[arg-type]
            case ("undo",):
                await History(self.db).undo(ACTOR)
            case ("redo",):
                await History(self.db).redo(ACTOR)

    async def sync(self) -> None:
        await self._mend()
        before, held_before, given = await self.store(), self.data, self.given
        await self._settle()
        after, opens = await self.store(), await self.opens()
        self.decided = [one for one in await self.all_conflicts() if one.strategy]
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

    async def _mend(self) -> None:
        """Where the machine refuses the file's status nothing happens; somebody mends the file."""
        held = (await self.store(), self.data, await self.opens())
        try:
            await self._settle(was_given=False, is_try=True)
        except _TriedError:
            return
        except IllegalMove:
            assert (await self.store(), self.data, await self.opens()) == held
            assert held[0] is not None and self.data is not None
            self.met["fault"] += 1
            self._edit(self.data, "status", held[0]["status"])

    async def _settle(
        self, *, was_given: bool = True, was_recorded: bool = True, is_try: bool = False
    ) -> bool:
        """Sync once; a crash leaves out what comes after reading, or after giving."""
        sha256 = "" if self.data is None else hashlib.sha256(self.data).hexdigest()
        body, rev = (None, None) if self.data is None else parse(self.data, self.id)
        copy = Copy("file", KIND, self.id, body, rev, sha256, 0.0, f"file {self.id}.json")
        if is_try:
            await self.db.write(partial(_try, copy=copy))
        settled = await self.db.write(partial(settle, copy=copy, rules=RULES))
        self.read.update(NEW.findall(self.data or b""))
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
            assert waiting == {""} or {change.path for change in diff(file, store)} == waiting

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
                    is_kept = same(after.get(name), before.get(name))
                    # An edit of the very value that the store came back to is no loss of it.
                    is_kept = is_kept or (
                        given is not None and same(self._body(given).get(name), before.get(name))
                    )
                    assert is_kept or self._was_decided(name, before.get(name)), name
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
            decided = self._was_decided(change.path, change.after)
            is_known = decided or self._is_taken_back(change.path, change.after)
            assert is_there or waits or is_known, change

    def _was_decided(self, path: str, value: Json) -> bool:
        """Whether a rule decided against a value, and kept it."""
        sides = [side for one in self.decided for side in (one.left, one.right) if one.path == path]
        return any(side.present and same(side.value, value) for side in sides)

    async def check_all_is_known(self) -> None:
        """Everything the file ever held is in it, in the history or in a conflict."""
        known = json.dumps(
            [
                *(one.body for one in await self.revisions()),
                *(dataclasses.asdict(one) for one in await self.all_conflicts()),
            ]
        ).encode()
        told = set(NEW.findall(known)) | set(NEW.findall(self.data or b""))
        assert self.read <= told, self.read - told

    async def revisions(self) -> list[Revision]:
        return await self.db.read(lambda conn: documents.history(conn, KIND, self.id))

    async def all_conflicts(self) -> list[Conflict]:
        return [c for c in await self.db.read(conflicts.listing) if c.doc == self.id]

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
        had = [] if self.given is None else _lines(self._body(self.given))
        sides = [] if before is None else [(_lines(before), [*_lines(self.agreed), *had])]
        if written is not None and self.given is not None:
            (body, rev), (old, old_rev) = parse(written, self.id), parse(self.given, self.id)
            if rev == old_rev:
                sides.append((_lines(body), _lines(old)))
        for side, known in sides:
            lost = {line for line in side if line.startswith("new")} - {*there, *known}
            assert not lost or self.decided, lost

    def _is_taken_back(self, path: str, value: Json) -> bool:
        """Whether the file went back to where a conflict had begun."""
        return any(body.get(path) == value for body in map(self._body, self.copies))

    def _body(self, data: bytes) -> Body:
        return parse(data, self.id)[0]


_words = itertools.count(1)


class _TriedError(Exception):
    """It would have gone well; nothing is to be written."""


def _try(tx: Transaction, copy: Copy) -> None:
    settle(tx, copy, RULES)
    raise _TriedError


def _fresh(before: Json, value: object) -> Json:
    """The value of an edit; now and then one that nobody wrote before."""
    if isinstance(value, tuple):
        return _edited(before, value)
    return f"new{next(_words)}" if value == "c" else value  # type: ignore[return-value]


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


@pytest.mark.timeout(60 + HISTORIES)
def test_any_history_ends_in_step_with_nothing_lost(
    place: tuple[asyncio.Runner, Database],
) -> None:
    runner, db = place
    met: Counter[str] = Counter()

    async def play(steps: list[Step]) -> None:
        task = await Tasks(db).add("a", due="a", text=TEXT, actor=ACTOR, cause="")
        pair = Pair(db, task.id)
        await pair.sync()
        for step in steps:
            await pair.play(step)
        await pair.sync()
        await pair.check_all_is_known()
        for subject in SUBJECTS:
            await pair.conflicts.set_strategy(subject, None, actor="a janitor")
        met.update(pair.met)
        for one in await pair.all_conflicts():
            met[one.state.value] += 1
            met["hunk"] += one.line > 0
            met["by a rule"] += bool(one.strategy)

    for seed in SEEDS:
        steps = history(seed)
        try:
            runner.run(play(steps))
        except AssertionError as error:
            raise AssertionError(f"ORC_SEED={seed}: {error}\n{steps}") from error
    assert runner.run(db.read(journal.verify)) == []
    wanted = ("open", "resolved", "superseded", "hunk", "by a rule", "fault")
    assert len(SEEDS) < 100 or min(met[each] for each in wanted) > 0, met
