"""Any run of puts and deletes, by anyone, against a model that is a list of bodies."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from functools import partial
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chores import MACHINES
from orc_storage import documents, journal
from orc_storage.database import Connection, Database, Transaction
from orc_storage.errors import InvalidId, NotFound, StaleRevision
from orc_storage.mirrored import parse, render
from orc_storage.records import Body, Document, Json

IDS = ["T-1", "t-1", "T-2", "codex-1"]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
fields = st.dictionaries(text.filter(lambda name: name not in ("id", "rev")), values, max_size=4)


class Store(RuleBasedStateMachine):
    """`model` holds, by folded id, the id as it was first written and its (body, deleted)."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.model: dict[str, tuple[str, list[tuple[Body, bool]]]] = {}
        self.entries = 0

    @initialize()
    def open(self) -> None:
        self.db = self.runner.run(Database.open(self.folder / "w", runtime=self.folder / "r"))

    @rule()
    def open_again(self) -> None:
        self.runner.run(self.db.close())
        self.open()

    @rule(id=st.sampled_from(IDS), more=fields, back=st.integers(-1, 2), fresh=st.booleans())
    def put(self, id: str, more: Body, back: int, fresh: bool) -> None:
        spelled, past = self.model.get(id.lower(), (id, []))
        body: Body = {**more, "id": id}
        rev = 0 if fresh else max(0, len(past) - back)
        gone = not past or past[-1][1]
        expected: type[Exception] | None = None
        if spelled != id:
            expected = InvalidId
        elif rev != len(past) and not (rev == 0 and gone):
            expected = StaleRevision
        work = partial(
            documents.put, kind="task", id=id, body=body, rev=rev, actor="a", cause="put"
        )
        written = self.attempt(work, expected)
        if written is not None:
            self.model[id.lower()] = (id, [*past, (body, False)])
            self.entries += 1
            assert (written.rev, written.body) == (len(past) + 1, body)

    @rule(id=st.sampled_from(IDS), back=st.integers(-1, 2))
    def delete(self, id: str, back: int) -> None:
        spelled, past = self.model.get(id.lower(), (id, []))
        rev = max(0, len(past) - back)
        expected: type[Exception] | None = None
        if not past or past[-1][1]:
            expected = NotFound
        elif rev != len(past):
            expected = StaleRevision
        work = partial(documents.delete, kind="task", id=id, rev=rev, actor="a", cause="delete")
        if self.attempt(work, expected) is not None:
            self.model[id.lower()] = (spelled, [*past, (past[-1][0], True)])
            self.entries += 1

    def attempt(self, work: object, expected: type[Exception] | None) -> Document | None:
        def run(tx: Transaction) -> Document:
            return work(tx)  # type: ignore[operator,no-any-return]

        try:
            written = self.runner.run(self.db.write(run))
        except (InvalidId, NotFound, StaleRevision) as error:
            assert type(error) is expected
            return None
        assert expected is None
        return written

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        if hasattr(self, "db"):
            self.runner.run(self.db.read(self.compare))

    def compare(self, conn: Connection) -> None:
        listed = documents.listing(conn, "task", with_deleted=True)
        assert {d.id: (d.body, d.deleted, d.rev) for d in listed} == {
            id: (*past[-1], len(past)) for id, past in self.model.values()
        }
        for id, past in self.model.values():
            found = documents.history(conn, "task", id.swapcase())
            assert [(r.body, r.deleted) for r in found] == past
            assert [(r.rev, r.parent_rev) for r in found] == [(n + 1, n) for n in range(len(past))]
            newest = documents.get(conn, "task", id)
            assert (newest is None) == past[-1][1]
        assert journal.head(conn)[0] == self.entries
        assert journal.verify(conn) == []

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.runner.run(self.db.close())
        self.runner.close()
        shutil.rmtree(self.folder)


Store.TestCase.settings = settings(
    max_examples=3 * MACHINES, stateful_step_count=25, database=None, deadline=None
)
TestStore = Store.TestCase


@settings(max_examples=300, database=None, deadline=None)
@given(more=fields, rev=st.integers(1, 10**9))
def test_a_body_survives_its_file(more: Body, rev: int) -> None:
    body: Body = {**more, "id": "T-1"}
    data = render(body, rev)
    assert parse(data, "T-1") == (body, rev)
    assert render(*_again(data)) == data


def _again(data: bytes) -> tuple[Body, int]:
    body, rev = parse(data, "T-1")
    assert rev is not None
    return body, rev
