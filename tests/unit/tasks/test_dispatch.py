"""Handing out tasks in a real store: who gets which, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import UnknownName, UsageError
from orc_core.model.task import Status, Task
from orc_core.model.work import Holder, Leased
from orc_core.tasks.desk import Tasks
from orc_core.tasks.dispatch import Dispatch
from orc_core.tasks.handover import ATTEMPTS_MAX, RESULTS, backoff_s
from orc_storage import deliveries, documents, journal, queue
from orc_storage.database import Database
from orc_storage.deliveries import LeaseLost, Stage
from orc_storage.records import OPERATOR, Json
from stores import Turned, open_store

CODEX = Holder("codex-1", "codex", frozenset({"python", "Tests"}))
CLAUDE = Holder("claude-1", "claude")


@pytest_asyncio.fixture
async def db(tmp_path: Path, clock: Turned) -> AsyncIterator[Database]:
    async with open_store(tmp_path / "ws", clock) as opened:
        yield opened


@pytest.fixture
def tasks(db: Database) -> Tasks:
    return Tasks(db)


@pytest.fixture
def dispatch(db: Database) -> Dispatch:
    return Dispatch(db)


async def _queue(
    tasks: Tasks, dispatch: Dispatch, title: str = "Cart", kind: str = "any", **fields: Json
) -> Task:
    task = await tasks.add(title, actor=OPERATOR, cause="orc task add", **fields)
    await dispatch.enqueue(task.id, kind=kind, actor=OPERATOR, cause="orc task enqueue")
    return task


async def _take(dispatch: Dispatch, holder: Holder = CODEX) -> Leased:
    lease = await dispatch.take(holder, cause="orc task next")
    assert lease is not None
    return lease


async def test_the_most_urgent_goes_first_then_the_oldest(tasks: Tasks, dispatch: Dispatch) -> None:
    for priority in (3, 9, 9, 14):
        await _queue(tasks, dispatch, priority=priority)
    got = [await _take(dispatch, Holder(f"codex-{n}", "codex")) for n in range(4)]
    assert [lease.task for lease in got] == ["T-4", "T-2", "T-3", "T-1"]
    assert await dispatch.take(Holder("codex-9", "codex"), cause="x") is None
    task = await tasks.get("T-4")
    assert (task.status, task.assignee) == (Status.RUNNING, "codex-0")


async def test_a_task_goes_only_to_who_can_do_it_and_is_meant(
    tasks: Tasks, dispatch: Dispatch
) -> None:
    await _queue(tasks, dispatch, "needs", needs=["PYTHON", "tests"])
    await _queue(tasks, dispatch, "another kind", kind="codex")
    await _queue(tasks, dispatch, "another agent", assignee="codex-7")
    await tasks.add("first", actor=OPERATOR, cause="x")
    await _queue(tasks, dispatch, "waits", depends_on=["T-4"])
    assert await dispatch.take(CLAUDE, cause="x") is None
    assert (await _take(dispatch)).task == "T-1"
    assert (await _take(dispatch, Holder("codex-7", "codex"))).task == "T-2"
    await tasks.set_status("T-4", Status.DONE, actor=OPERATOR, cause="x")
    assert (await _take(dispatch, CLAUDE)).task == "T-5"


async def test_who_holds_a_task_gets_it_again_and_no_second_one(
    tasks: Tasks, dispatch: Dispatch
) -> None:
    await _queue(tasks, dispatch)
    await _queue(tasks, dispatch)
    first = await _take(dispatch)
    assert await _take(dispatch) == first
    await dispatch.acknowledge(first.token, cause="x")
    assert (await _take(dispatch)).task == "T-2"


async def test_done_is_told_to_who_listens_and_a_token_ends_with_it(
    tasks: Tasks, dispatch: Dispatch, db: Database
) -> None:
    await db.write(lambda tx: queue.join(tx, RESULTS, "me"))
    await _queue(tasks, dispatch)
    lease = await _take(dispatch)
    await dispatch.acknowledge(lease.token, note="14 tests \x1b[1mnew", cause="orc task ack")
    assert (await tasks.get("T-1")).status is Status.DONE
    with pytest.raises(LeaseLost):
        await dispatch.acknowledge(lease.token, cause="orc task ack")
    (told,) = await db.read(lambda conn: list(deliveries.in_order(conn, [RESULTS], "me", 2e9)))
    assert (told.message.id, told.message.body["note"]) == ("T-1", "14 tests new")
    actions = [entry.action for entry in await db.read(lambda conn: journal.since(conn, 0))]
    assert actions == ["add", "lease", "ack"]
    assert await dispatch.listing(Stage.READY) == ()  # what is told is no task that waits
    await tasks.set_status("T-1", Status.READY, actor=OPERATOR, cause="x")
    again = await dispatch.enqueue("T-1", actor=OPERATOR, cause="x")
    assert again.topic == "agent:any:tasks"
    await tasks.set_status("T-1", Status.CANCELLED, actor=OPERATOR, cause="x")
    assert (
        len(await db.read(lambda conn: list(deliveries.in_order(conn, [RESULTS], "me", 2e9)))) == 1
    )


async def test_what_fails_rests_longer_each_time_and_is_dead_in_the_end(
    tasks: Tasks, dispatch: Dispatch, clock: Turned
) -> None:
    await _queue(tasks, dispatch)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        lease = await _take(dispatch)
        assert (lease.attempt, lease.fence) == (attempt, attempt)
        left = await dispatch.fail(lease.token, reason="no disk", cause="orc task fail")
        if attempt < ATTEMPTS_MAX:
            assert (await tasks.get("T-1")).status is Status.READY
            clock.turn(backoff_s(attempt) - 0.5)
            assert await dispatch.take(CODEX, cause="x") is None
            clock.turn(1.0)
    assert (left.stage, left.reason, left.attempts) == ("dead", "no disk", ATTEMPTS_MAX)
    assert (await tasks.get("T-1")).status is Status.FAILED
    assert [one.task for one in await dispatch.listing(Stage.DEAD)] == ["T-1"]
    with pytest.raises(UsageError, match="orc task retry T-1"):
        await dispatch.enqueue("T-1", actor=OPERATOR, cause="x")
    await dispatch.retry("t-1", actor=OPERATOR, cause="orc task retry")
    assert (await _take(dispatch)).attempt == 1
    with pytest.raises(UsageError, match="not among the dead"):
        await dispatch.retry("T-1", actor=OPERATOR, cause="x")


async def test_an_express_task_asks_the_least_urgent_to_step_aside(
    tasks: Tasks, dispatch: Dispatch
) -> None:
    await _queue(tasks, dispatch, "low", priority=2)
    await _queue(tasks, dispatch, "high", priority=10)
    low, high = await _take(dispatch), await _take(dispatch, CLAUDE)
    low, high = (high, low) if high.priority < low.priority else (low, high)
    assert (await dispatch.beat(low.token)).yield_to == ""
    await _queue(tasks, dispatch, "fire", priority=12)
    assert (await dispatch.beat(high.token)).yield_to == ""
    assert (await dispatch.beat(low.token, progress="half")).yield_to == "T-3"
    left = await dispatch.step_aside(low.token, checkpoint="step 2 of 4", cause="orc task yield")
    assert (left.stage, left.attempts) == ("ready", 0)
    who = Holder(low.holder, "codex")
    express = await _take(dispatch, who)
    assert express.task == "T-3"
    await dispatch.acknowledge(express.token, cause="x")
    again = await _take(dispatch, who)
    assert (again.task, again.checkpoint, again.attempt) == ("T-1", "step 2 of 4", 1)


async def test_what_a_person_decided_meanwhile_stays(tasks: Tasks, dispatch: Dispatch) -> None:
    await _queue(tasks, dispatch)
    lease = await _take(dispatch)
    with pytest.raises(UsageError, match="held by codex-1"):
        await tasks.set_status("T-1", Status.DONE, actor="codex-1", cause="x")
    await tasks.set_status("T-1", Status.CANCELLED, actor=OPERATOR, cause="x")
    with pytest.raises(LeaseLost):
        await dispatch.acknowledge(lease.token, cause="x")
    assert (await tasks.get("T-1")).status is Status.CANCELLED
    await _queue(tasks, dispatch)
    lease = await _take(dispatch)
    await tasks.set_status("T-2", Status.READY, actor=OPERATOR, cause="x")
    again = await _take(dispatch)
    assert (again.task, again.token == lease.token, again.attempt) == ("T-2", False, 1)


async def test_a_task_that_is_over_leaves_the_queue_however_that_came(
    tasks: Tasks, dispatch: Dispatch, db: Database
) -> None:
    await _queue(tasks, dispatch)
    body = (await db.read(lambda conn: documents.get(conn, "task", "T-1"))) or pytest.fail()
    over = body.body | {"status": "done"}
    await db.write(  # as a file that was edited comes in
        lambda tx: documents.put(tx, "task", "T-1", over, rev=1, actor="file", cause="x")
    )
    assert await dispatch.take(CODEX, cause="x") is None
    assert await dispatch.listing(Stage.READY) == ()


async def test_a_task_is_queued_once(tasks: Tasks, dispatch: Dispatch) -> None:
    task = await _queue(tasks, dispatch)
    again = await dispatch.enqueue(task.id, actor=OPERATOR, cause="x", key="k")
    assert (again.stage, len(await dispatch.listing(Stage.READY))) == ("ready", 1)
    with pytest.raises(UsageError, match="agent:any:tasks already"):
        await dispatch.enqueue(task.id, kind="codex", actor=OPERATOR, cause="x")
    with pytest.raises(UnknownName):
        await dispatch.enqueue("T-9", actor=OPERATOR, cause="x")
    with pytest.raises(UsageError, match="no kind of agent"):
        await dispatch.enqueue(task.id, kind="a b", actor=OPERATOR, cause="x")
    await dispatch.acknowledge((await _take(dispatch)).token, cause="x")
    with pytest.raises(UsageError, match="only what is ready"):
        await dispatch.enqueue(task.id, actor=OPERATOR, cause="x")


async def test_a_key_queues_once_even_after_the_work_is_done(
    tasks: Tasks, dispatch: Dispatch
) -> None:
    task = await tasks.add("Cart", actor=OPERATOR, cause="x")
    await dispatch.enqueue(task.id, actor=OPERATOR, cause="x", key="k")
    await dispatch.acknowledge((await _take(dispatch)).token, cause="x")
    await tasks.set_status(task.id, Status.READY, actor=OPERATOR, cause="x")
    again = await dispatch.enqueue(task.id, actor=OPERATOR, cause="x", key="k")
    assert (again.stage, await dispatch.listing(Stage.READY)) == ("done", ())
    other = await tasks.add("Mail", actor=OPERATOR, cause="x")
    with pytest.raises(UsageError, match="stands for something else"):
        await dispatch.enqueue(other.id, actor=OPERATOR, cause="x", key="k")


async def test_handing_in_and_the_next_one_are_one_commit(
    tasks: Tasks, dispatch: Dispatch, db: Database
) -> None:
    for _ in range(2):
        await _queue(tasks, dispatch, needs=["python"])
    first = await _take(dispatch)
    before = await db.read(journal.head)
    handed = await dispatch.hand_in(first.token, CODEX, note="sent", cause="x")
    assert (handed.done.task, handed.done.stage) == ("T-1", "done")
    assert handed.next is not None and handed.next.task == "T-2"
    entries = await db.read(lambda conn: journal.since(conn, before[0]))
    assert [one.action for one in entries] == ["ack", "lease"]
    assert len({one.at for one in entries}) == 1
    with pytest.raises(LeaseLost):
        await dispatch.hand_in(first.token, CODEX, cause="x")
    assert (await tasks.get("T-2")).assignee == "codex-1"
    last = await dispatch.hand_in(handed.next.token, CODEX, cause="x")
    assert last.next is None and not await dispatch.listing(Stage.LEASED, Stage.READY)


async def test_several_are_queued_at_once_and_what_cannot_be_says_why(
    tasks: Tasks, dispatch: Dispatch
) -> None:
    for _ in range(3):
        await tasks.add("Cart", actor=OPERATOR, cause="x")
    await tasks.set_status("T-2", Status.DONE, actor=OPERATOR, cause="x")
    ids = ["t-3", "T-2", "T-9", "T-1", "T-1"]
    tally = await dispatch.enqueue_many(ids, kind="codex", actor=OPERATOR, cause="x")
    assert tally.done == ("T-3", "T-1")
    assert ["T-2 is done" in tally.refused[0], "T-9" in tally.refused[1]] == [True, True]
    assert tally.text.startswith("2 queued on agent:codex:tasks, 2 refused: T-2 is done")
    assert (await _take(dispatch)).task == "T-3"


async def test_a_group_hears_of_each_result_until_it_says_so(
    tasks: Tasks, dispatch: Dispatch, db: Database, clock: Turned
) -> None:
    assert await dispatch.results("mails", reader="me") == ()
    for note in ("one page", "two pages"):
        await _queue(tasks, dispatch)
        await dispatch.acknowledge((await _take(dispatch)).token, note=note, cause="x")
    assert await dispatch.results("late", reader="me") == ()
    (first,) = await dispatch.results("mails", reader="me", limit=1)
    assert (first.task, first.outcome, first.holder) == ("T-1", "done", "codex-1")
    assert (first.note, first.attempts) == ("one page", 1)
    (second,) = await dispatch.results("mails", reader="another")
    assert second.task == "T-2"
    await dispatch.heard([first])
    await db.write(lambda tx: queue.give_back(tx, second.token, reason="it ended"))
    again = await dispatch.results("mails", reader="me")
    assert [one.task for one in again] == ["T-2"]
    await dispatch.heard(again)
    assert await dispatch.results("mails", reader="me") == ()
    with pytest.raises(LeaseLost):
        await dispatch.heard(again)
