"""Several processes write the same documents at once: no edit is lost, and none is made twice."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chores import EDITS, MACHINES, PROCESSES
from mortals import standing
from orc_storage import audit, documents
from orc_storage.database import Connection, Database
from zygote import Forked, Zygote

DOCUMENTS = 3
TASKS = 2
"""How many tasks of one process edit side by side."""


async def make(folder: Path, runtime: Path) -> None:
    async with await Database.open(folder, runtime=runtime) as db:
        for number in range(1, DOCUMENTS + 1):
            id = f"T-{number}"
            body: documents.Body = {"id": id, "n": 0, "edit": ""}
            await db.write(
                partial(documents.put, kind="task", id=id, body=body, rev=0, actor="a", cause="m")
            )


def compare(conn: Connection, folder: Path, edits: list[str]) -> list[str]:
    """What was acknowledged is in the history, each once, and nothing else is."""
    problems = [str(one) for one in audit.examine(conn, folder).findings]
    found = []
    for number in range(1, DOCUMENTS + 1):
        id = f"T-{number}"
        past = documents.history(conn, "task", id)
        for rev, one in enumerate(past, start=1):
            if (one.rev, one.parent_rev, one.body["n"]) != (rev, rev - 1, rev - 1):
                problems.append(f"{id}: revision {one.rev} at {rev}, {one.body}")
        found += [f"{one.body['edit']} {id} {one.rev}" for one in past[1:]]
    lost, more = Counter(edits) - Counter(found), Counter(found) - Counter(edits)
    return problems + [f"lost: {one}" for one in lost] + [f"unknown: {one}" for one in more]


@pytest.mark.timeout(1800)
def test_no_edit_of_many_processes_is_lost(tmp_path: Path, runtime: Path, zygote: Zygote) -> None:
    folder = tmp_path / "w"
    share = EDITS // PROCESSES // TASKS
    with asyncio.Runner() as runner:
        runner.run(make(folder, runtime))
        processes = [
            zygote.fork("race", folder, runtime, f"p{number}", [share] * TASKS, DOCUMENTS)
            for number in range(PROCESSES)
        ]
        edits = [line for process in processes for line in process.join()]
        assert len(edits) == share * TASKS * PROCESSES

        async def look() -> list[str]:
            async with await Database.open(folder, runtime=runtime) as db:
                return await db.read(lambda conn: compare(conn, folder, edits), timeout_s=60)

        assert runner.run(look()) == []


IDS = ("T-1", "T-2")
ACTORS = 3
WRITES = ("put", "put", "delete")

actors = st.integers(0, ACTORS - 1)
ids = st.sampled_from(IDS)


class Processes(RuleBasedStateMachine):
    """`model` holds the revisions of each document as (number, deleted).

    What a killed process had on disk and had not yet shown to others may come up when the last
    of them is gone, unless somebody wrote in between: `ghosts` holds such models.
    """

    def __init__(self, zygote: Zygote) -> None:
        super().__init__()
        self.zygote = zygote
        self.folder = Path(tempfile.mkdtemp(prefix="orc-"))
        self.actors: list[Forked] = []
        self.model: dict[str, list[list[int]]] = {}
        self.ghosts: list[dict[str, list[list[int]]]] = []
        self.number = 0

    @initialize()
    def start(self) -> None:
        # All at once: the first of them makes the store.
        self.actors = [self.fork() for _ in range(ACTORS)]
        for actor in self.actors:
            assert actor.next() == "open"

    def fork(self) -> Forked:
        return self.zygote.fork("actor", self.folder / "w", self.folder / "r")

    def tell(self, actor: int, what: str, id: str = "", rev: int = 0) -> list[int]:
        """Ask for something; return what it would add to the document."""
        self.number += 1
        self.actors[actor].tell(json.dumps([what, id, rev, self.number]))
        past = self.model.get(id, [])
        return [past[-1][0] if what == "delete" and past else self.number, int(what == "delete")]

    def answer(self, actor: int) -> object:
        return json.loads(self.actors[actor].next())

    def add(self, id: str, added: list[int]) -> None:
        self.model = self.model | {id: [*self.model.get(id, []), added]}
        self.ghosts.clear()

    def see(self, found: object) -> None:
        if found in self.ghosts:
            self.model = self.ghosts[self.ghosts.index(found)]
            self.ghosts.clear()
        assert found == self.model

    def expected(self, what: str, id: str, rev: int) -> object:
        past = self.model.get(id, [])
        gone = not past or past[-1][1] == 1
        if what == "delete" and gone:
            return "NotFound"
        if rev == len(past) or (what == "put" and rev == 0 and gone):
            return len(past) + 1
        return "StaleRevision"

    @rule(actor=actors, what=st.sampled_from(WRITES), id=ids, back=st.integers(0, 2))
    def write(self, actor: int, what: str, id: str, back: int) -> None:
        past = self.model.get(id, [])
        rev = max(0, len(past) - back)
        expected = self.expected(what, id, rev)
        added = self.tell(actor, what, id, rev)
        assert self.answer(actor) == expected
        if isinstance(expected, int):
            self.add(id, added)

    @rule(id=ids)
    def write_all_at_once(self, id: str) -> None:
        past = self.model.get(id, [])
        wanted = [self.tell(actor, "put", id, len(past)) for actor in range(ACTORS)]
        answers = [self.answer(actor) for actor in range(ACTORS)]
        (winner,) = (n for n, said in enumerate(answers) if said != "StaleRevision")
        assert answers[winner] == len(past) + 1
        self.add(id, wanted[winner])

    @rule(actor=actors, id=ids, wait=st.floats(0, 0.003))
    def kill_while_it_writes(self, actor: int, id: str, wait: float) -> None:
        past = self.model.get(id, [])
        added = self.tell(actor, "put", id, len(past))
        known = len(self.actors[actor].lines)
        self.actors[actor].live_for(wait)
        was_acknowledged = len(self.actors[actor].kill()) > known
        self.actors[actor] = self.fork()
        assert self.actors[actor].next() == "open"
        if was_acknowledged:
            self.add(id, added)
        else:
            self.ghosts.append(self.model | {id: [*past, added]})

    @invariant()
    def everybody_sees_the_same(self) -> None:
        for actor in range(len(self.actors)):
            self.tell(actor, "look")
            self.see(self.answer(actor))

    def teardown(self) -> None:
        for actor in self.actors:
            actor.kill()
        if self.actors:
            found, problems = asyncio.run(self.look())
            self.see(found)
            assert problems == []
        shutil.rmtree(self.folder)

    async def look(self) -> tuple[dict[str, list[list[int]]], list[str]]:
        folder = self.folder / "w"
        async with await Database.open(folder, runtime=self.folder / "r") as db:
            return await db.read(
                lambda conn: (
                    standing(conn),
                    [str(one) for one in audit.examine(conn, folder).findings],
                )
            )


@pytest.mark.timeout(1800)
def test_any_run_of_writes_and_kills_in_three_processes(zygote: Zygote) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Processes(zygote),
        settings=settings(
            max_examples=MACHINES,
            stateful_step_count=15,
            database=None,
            deadline=None,
            # Which of two is first is not drawn: a smaller run need not fail in the same way.
            phases=[Phase.generate],
        ),
    )
