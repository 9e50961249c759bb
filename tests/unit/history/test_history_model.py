"""Any run of writes, reverts, take-outs, restores, undos and redos, against a plain model.

The model knows documents as lists of bodies, acts as lists of (id, before, after), checkpoints
as dictionaries, and merges flat bodies key by key in a dozen lines of its own.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from direct_store import DirectStore, run
from orc_core.errors import Overlap, UsageError
from orc_core.history.actions import History
from orc_core.history.checkpoints import Checkpoints
from orc_core.model.history import Mark, Plan, Report
from orc_storage import acts, checkpoints, conflicts, documents, journal
from orc_storage.database import Connection, Transaction
from orc_storage.records import Body, Change, ConflictState

KIND = "note"
IDS = ("N-1", "N-2", "N-3")
ACTORS = ("ada", "bob")
NAMES = ("one", "two")

Held: TypeAlias = "Body | None"
Clash: TypeAlias = "tuple[str, str]"
"""The document and the path that somebody has to decide; path "" is the whole document."""

fields = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3)


@dataclass
class Did:
    """One act of the model: what it wrote, what undoing it wrote, and what each left open."""

    changes: list[tuple[str, int, int]]
    opened: list[int] = field(default_factory=list)
    turned: list[tuple[str, int, int]] = field(default_factory=list)
    left_open: list[int] = field(default_factory=list)
    turn: int = 0


@dataclass
class Question:
    """A conflict of the model, and what the store held when it was opened."""

    where: Clash
    right: object
    waits: bool = True


def merged(base: Held, ours: Held, theirs: Held) -> tuple[Held, list[str]]:
    """What a merge makes of flat bodies, and the paths that it cannot."""
    if ours == theirs or theirs == base:
        return ours, []
    if ours == base:
        return theirs, []
    if base is None or ours is None or theirs is None:
        return ours, [""]
    out: Body = {}
    clashes: list[str] = []
    for key in {*base, *ours, *theirs}:
        was, mine, other = (one.get(key, "absent") for one in (base, ours, theirs))
        if mine == other or other == was:
            value = mine
        elif mine == was:
            value = other
        else:
            value = mine
            clashes.append(key)
        if value != "absent":
            out[key] = value
    return out, clashes


class Model:
    """What should be there."""

    def __init__(self) -> None:
        self.past: dict[str, list[Held]] = {id: [] for id in IDS}
        self.done: dict[str, list[Did]] = {actor: [] for actor in ACTORS}
        self.undone: dict[str, list[Did]] = {actor: [] for actor in ACTORS}
        self.points: dict[str, dict[str, int]] = {}
        self.automatic = 0
        self.questions: list[Question] = []

    def at(self, id: str, rev: int) -> Held:
        return self.past[id][rev - 1] if rev else None

    def now(self, id: str) -> Held:
        return self.at(id, len(self.past[id]))

    def write(self, wanted: dict[str, Held]) -> list[tuple[str, int, int]]:
        """Write what differs, and say what was written."""
        changes = []
        for id, body in wanted.items():
            if body != self.now(id):
                self.past[id].append(body)
                changes.append((id, len(self.past[id]) - 1, len(self.past[id])))
        return changes

    def act(self, actor: str, wanted: dict[str, Held], clashes: list[Clash]) -> None:
        did = Did(self.write(wanted), self.ask(clashes))
        self.done[actor].append(did)
        self.undone[actor].clear()

    def ask(self, clashes: list[Clash]) -> list[int]:
        opened = []
        for where in clashes:
            for question in self.questions:
                question.waits &= question.where != where
            self.questions.append(Question(where, self.value(where)))
            opened.append(len(self.questions) - 1)
        return opened

    def value(self, where: Clash) -> object:
        id, path = where
        body = self.now(id)
        return body if not path or body is None else body.get(path, "absent")

    def take_out(self, marks: set[tuple[str, int]]) -> tuple[dict[str, Held], list[Clash]]:
        wanted: dict[str, Held] = {}
        clashes: list[Clash] = []
        for id in IDS:
            revs = sorted((rev for of, rev in marks if of == id), reverse=True)
            body = self.now(id)
            found: list[str] = []
            while revs:
                last = first = revs.pop(0)
                while revs and revs[0] == first - 1:
                    first = revs.pop(0)
                body, more = merged(self.at(id, last), body, self.at(id, first - 1))
                found += [path for path in more if path not in found]
            wanted[id] = body
            clashes += [(id, path) for path in found]
        return wanted, clashes

    def turn(self, did: Did, *, is_undo: bool) -> tuple[dict[str, Held], list[Clash]]:
        changes = did.changes if is_undo else did.turned
        if not is_undo and not did.turned:
            changes = [(id, after, before) for id, before, after in did.changes]
        wanted: dict[str, Held] = {}
        clashes: list[Clash] = []
        for id, before, after in changes:
            body, found = merged(self.at(id, after), self.now(id), self.at(id, before))
            wanted[id] = body
            clashes += [(id, path) for path in found]
        return wanted, clashes


class Going(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model = Model()

        self.db = DirectStore(self.folder)
        self.history = History(self.db, rules={})
        self.points = Checkpoints(self.db)

    @rule(actor=st.sampled_from(ACTORS), id=st.sampled_from(IDS), body=fields)
    def put(self, actor: str, id: str, body: dict[str, int]) -> None:
        self.set(actor, id, {**body, "id": id})

    @rule(actor=st.sampled_from(ACTORS), id=st.sampled_from(IDS))
    def delete(self, actor: str, id: str) -> None:
        self.set(actor, id, None)

    def set(self, actor: str, id: str, body: Held) -> None:
        if body == self.model.now(id):
            return

        def work(tx: Transaction) -> None:
            found = documents.get(tx.conn, KIND, id)
            before = len(self.model.past[id])
            if body is None:
                documents.delete(tx, KIND, id, rev=before, actor=actor, cause="rm")
            else:
                rev = 0 if found is None else found.rev
                documents.put(tx, KIND, id, body, rev=rev, actor=actor, cause="put")
            change = Change(KIND, id, before, before + 1)
            acts.record(tx, actor=actor, label="set", changes=(change,))

        run(self.db.write(work))
        self.model.act(actor, {id: body}, [])
        self.compare()

    @rule(actor=st.sampled_from(ACTORS), id=st.sampled_from(IDS), back=st.integers(0, 5))
    def revert(self, actor: str, id: str, back: int) -> None:
        rev = len(self.model.past[id]) - back
        if rev > 0:
            plan = run(self.history.plan(KIND, id, rev))
            self.carry_out(actor, plan, {id: self.model.at(id, rev)}, [])

    @rule(
        actor=st.sampled_from(ACTORS),
        picked=st.sets(st.tuples(st.sampled_from(IDS), st.integers(0, 5)), min_size=1, max_size=4),
    )
    def take_out(self, actor: str, picked: set[tuple[str, int]]) -> None:
        past = self.model.past
        marks = {(id, len(past[id]) - back) for id, back in picked if len(past[id]) > back}
        if marks:
            plan = run(self.history.plan_take_out([Mark(KIND, id, rev) for id, rev in marks]))
            wanted, clashes = self.model.take_out(marks)
            self.carry_out(actor, plan, wanted, clashes)

    @rule(name=st.sampled_from(NAMES))
    def checkpoint(self, name: str) -> None:
        if name in self.model.points:
            run(self.points.remove(name, actor="ada"))
        run(self.points.create(name, note="", actor="ada"))
        past = self.model.past
        self.model.points[name] = {id: len(past[id]) for id in IDS if self.model.now(id)}

    @rule(actor=st.sampled_from(ACTORS), name=st.sampled_from(NAMES), exact=st.booleans())
    def restore(self, actor: str, name: str, exact: bool) -> None:
        if name in self.model.points:
            point = self.model.points[name]
            plan = run(self.points.plan_restore(name, exact=exact))
            wanted = {id: self.model.at(id, rev) for id, rev in point.items()}
            if exact:
                wanted |= {id: None for id in IDS if id not in point}
            self.carry_out(actor, plan, wanted, [])

    def carry_out(
        self, actor: str, plan: Plan, wanted: dict[str, Held], clashes: list[Clash]
    ) -> None:
        is_idle = not clashes and all(body == self.model.now(id) for id, body in wanted.items())
        if self.attempt(actor, plan, is_idle) is not None:
            assert not is_idle
            self.model.automatic += bool(plan.checkpoint)
            self.model.act(actor, wanted, clashes)
        else:
            assert is_idle
        self.compare()

    def attempt(self, actor: str, plan: Plan, is_idle: bool) -> Report | None:
        try:
            return run(self.history.revert(plan, actor=actor))
        except UsageError:
            assert is_idle
            return None

    @rule(actor=st.sampled_from(ACTORS), is_undo=st.booleans(), is_sure=st.booleans())
    def turn(self, actor: str, is_undo: bool, is_sure: bool) -> None:
        model = self.model
        stack = (model.done if is_undo else model.undone)[actor]
        turning = self.history.undo if is_undo else self.history.redo
        if not stack:
            with pytest.raises(UsageError, match="nothing to"):
                run(turning(actor))
            return
        wanted, clashes = model.turn(stack[-1], is_undo=is_undo)
        if clashes:
            with pytest.raises(Overlap):
                run(turning(actor))
            if not is_sure:
                self.compare()
                return
            plan = run(self.history.plan_turn(actor, is_undo=is_undo))
            run(self.history.revert(plan, actor=actor))
        else:
            run(turning(actor))
        did = stack.pop()
        (model.undone if is_undo else model.done)[actor].append(did)
        for number in [*did.left_open, *(did.opened if is_undo else ())]:
            model.questions[number].waits = False
        did.turned = model.write(wanted)
        did.left_open = model.ask(clashes)
        if not is_undo:
            for number in did.opened:
                question = model.questions[number]
                question.waits = question.waits or model.value(question.where) == question.right
        self.compare()

    @rule(actor=st.sampled_from(ACTORS), id=st.sampled_from(IDS), back=st.integers(1, 4))
    @precondition(lambda self: any(len(past) > 1 for past in self.model.past.values()))
    def be_overtaken(self, actor: str, id: str, back: int) -> None:
        """Somebody writes between the preview and the deed: all of it is refused."""
        rev = len(self.model.past[id]) - back
        if rev < 1:
            return
        plan = run(self.history.plan(KIND, id, rev))
        if not plan.steps:
            return
        body: Body = {"id": id, "z": len(self.model.past[id])}
        self.set("bob", id, body)
        with pytest.raises(Overlap, match="look at a new preview"):
            run(self.history.revert(plan, actor=actor))
        self.compare()

    def compare(self) -> None:
        run(self.db.read(self._compare))

    def _compare(self, conn: Connection) -> None:
        model = self.model
        for id in IDS:
            found = documents.get(conn, KIND, id)
            assert (None if found is None else found.body) == model.now(id)
            rows = conn.execute("SELECT count(*) FROM revision WHERE id = ?", (id,)).fetchone()
            assert rows == (len(model.past[id]),)
        waiting = conflicts.listing(conn, states={ConflictState.OPEN, ConflictState.DEFERRED})
        questions = [question.where for question in model.questions if question.waits]
        assert sorted((one.doc, one.path) for one in waiting) == sorted(questions)
        for actor in ACTORS:
            states = [act.state for act in acts.listing(conn, actor)]
            undone, done = len(model.undone[actor]), len(model.done[actor])
            assert states == ["undone"] * undone + ["done"] * done
        assert len(checkpoints.listing(conn)) == len(model.points) + model.automatic

    def teardown(self) -> None:
        run(self.db.read(self._check_all))
        run(self.db.close())
        shutil.rmtree(self.folder)

    def _check_all(self, conn: Connection) -> None:
        """At the end: every revision is what it was, all that is pinned is there."""
        assert journal.verify(conn) == []
        for id, past in self.model.past.items():
            if past:
                found = documents.history(conn, KIND, id)
                assert [None if one.deleted else one.body for one in found] == past
        for kind, id, rev in checkpoints.pinned(conn):
            documents.revision(conn, kind, id, rev)


Going.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, database=None, deadline=None
)
TestGoing = Going.TestCase
TestGoing.pytestmark = pytest.mark.timeout(120)


@pytest.mark.timeout(120)
def test_many_runs_by_chance() -> None:
    """The same steps, 200 runs of 40, chosen faster than a tool that shrinks can; see the seed."""
    for seed in range(200):
        chance = random.Random(seed)
        going = Going()
        try:
            for _ in range(40):
                step(going, chance)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        finally:
            going.teardown()


def step(going: Going, chance: random.Random) -> None:
    """One step: half of them write, so that there is something to go back over."""
    actor, id, back = chance.choice(ACTORS), chance.choice(IDS), chance.randrange(6)
    what = chance.choices(
        ("put", "delete", "turn", "take out", "revert", "checkpoint", "restore", "overtake"),
        (40, 4, 24, 14, 6, 3, 6, 3),
    )[0]
    if what == "put":
        going.put(actor, id, {chance.choice("abc"): chance.randrange(3) for _ in range(3)})
    elif what == "delete":
        going.delete(actor, id)
    elif what == "turn":
        going.turn(actor, chance.random() < 0.7, chance.random() < 0.7)
    elif what == "take out":
        picked = {(chance.choice(IDS), chance.randrange(6)) for _ in range(chance.randint(1, 4))}
        going.take_out(actor, picked)
    elif what == "revert":
        going.revert(actor, id, back)
    elif what == "checkpoint":
        going.checkpoint(chance.choice(NAMES))
    elif what == "restore":
        going.restore(actor, chance.choice(NAMES), chance.random() < 0.5)
    else:
        going.be_overtaken(actor, id, max(back, 1))
