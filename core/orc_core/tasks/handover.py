"""What changes hands inside one transaction: a task is queued, taken, and comes to an end.

Invariant: a task's lease, its status and its journal entry are one transaction. Only the token of
a lease ends it; a task that failed is tried again after a while, and dead after ATTEMPTS_MAX.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from orc_core.errors import UnknownName, UsageError
from orc_core.model.task import TEXT_MAX, Status
from orc_core.model.work import ANY, EXPRESS, Holder, Leased, Queued, Result
from orc_core.tasks.machine import move
from orc_core.tasks.rules import KIND
from orc_core.text import clean
from orc_storage import deliveries, documents, keys, queue
from orc_storage.canonical import digest
from orc_storage.database import Connection, Transaction
from orc_storage.deliveries import Delivery, Message, Stage
from orc_storage.errors import DamagedDocument
from orc_storage.records import OPERATOR, Body, Document

WORKERS: Final = "workers"
"""The group whose members take tasks; each task goes to one of them."""
RESULTS: Final = "orchestrator:results"
ATTEMPTS_MAX: Final = 4
"""One try and three more."""
BACKOFF_S: Final = 5.0
BACKOFF_MAX_S: Final = 300.0
NOTE_MAX: Final = 400
CHECKPOINT: Final = "checkpoint"
"""The field of a task that says how far whoever stepped aside from it had come."""
_KIND: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_OPEN: Final = frozenset({Status.READY, Status.RUNNING, Status.BLOCKED})


def topic(kind: str) -> str:
    """The topic on which the tasks for one kind of agent are."""
    return f"agent:{kind}:tasks"


def check_kind(kind: str) -> None:
    """Raise UsageError where that is no kind of agent."""
    if not _KIND.fullmatch(kind):
        raise UsageError(
            f"{clean(kind, limit=40)!r} is no kind of agent: use a word such as codex, or any"
        )


def backoff_s(attempts: int) -> float:
    """How long a task rests that failed so often."""
    return min(BACKOFF_S * 2.0 ** max(attempts - 1, 0), BACKOFF_MAX_S)


def enqueue(
    tx: Transaction, id: str, *, kind: str, actor: str, cause: str, key: str = ""
) -> Queued:
    """Put a task on the topic of a kind; raises UnknownName, UsageError, QueueFull."""
    task = find(tx.conn, id)
    if key and (made := keys.find(tx.conn, key, now=tx.at)) is not None:
        _check_key(key, made, task.id)
        known = deliveries.about(tx.conn, KIND, task.id, group=WORKERS)
        return queued(known[0]) if known else _gone(task, kind)
    for one in deliveries.about(tx.conn, KIND, task.id, group=WORKERS):
        if one.stage is Stage.DEAD:
            raise UsageError(f"{task.id} failed {one.attempts} times: `orc task retry {task.id}`")
        if one.message.topic != topic(kind):
            raise UsageError(
                f"{task.id} is queued on {one.message.topic} already: finish or cancel it"
            )
        return queued(one)
    if (status := _status(task)) is not Status.READY:
        raise UsageError(
            f"{task.id} is {status}, only what is ready can be queued: `orc task reopen {task.id}`"
        )
    if key:
        keys.remember(tx, key, keys.Made(KIND, task.id, digest("enqueue")))
    body: Body = {"assignee": str(task.body.get("assignee") or ""), "cause": cause}
    message = queue.publish(
        tx,
        topic(kind),
        group=WORKERS,
        actor=actor,
        priority=_priority(task),
        kind=KIND,
        id=task.id,
        body=body,
    )
    return queued(queue.fresh(tx, message, WORKERS))


def take(tx: Transaction, holder: Holder, *, cause: str) -> Leased | None:
    """Give a holder the task that goes first of those it can do, or that it holds already."""
    for one in deliveries.holding(tx.conn, holder.name):
        if one.group == WORKERS:
            return leased(tx.conn, one)
    over: list[Message] = []
    fitting: list[Document] = []

    def fits(message: Message) -> bool:
        task = _fitting(tx.conn, message, holder, over)
        fitting[:] = [] if task is None else [task]
        return task is not None

    topics = (topic(holder.kind), topic(ANY)) if holder.kind else (topic(ANY),)
    given = queue.lease(tx, topics, group=WORKERS, holder=holder.name, fits=fits)
    for message in over:
        queue.withdraw(tx, message.kind, message.id, group=WORKERS)
    if given is None:
        return None
    fields: Body = {"status": Status.RUNNING, "assignee": holder.name}
    task = put(tx, fitting[0], fields, actor=holder.name, cause=cause, action="lease")
    return _as_leased(tx.conn, given, task)


def acknowledge(tx: Transaction, token: str, *, note: str, cause: str) -> Queued:
    """The task that a token holds is done; raises LeaseLost."""
    found = queue.acknowledge(tx, token)
    _end(tx, found, {"status": Status.DONE}, cause=cause, action="ack")
    _announce(tx, found, "done", note)
    return queued(replace(found, stage=Stage.DONE, token="", since=tx.at, reason=""))


def failed(tx: Transaction, token: str, *, reason: str, cause: str, action: str) -> Queued:
    """Take down that the work of a token failed, whoever found that out; raises LeaseLost."""
    said = clean(reason, limit=NOTE_MAX)
    before = deliveries.held(tx.conn, token)
    found = queue.fail(
        tx,
        token,
        reason=said,
        attempts_max=ATTEMPTS_MAX,
        due_at=tx.at + backoff_s(before.attempts),
    )
    dead = found.stage is Stage.DEAD
    status = Status.FAILED if dead else Status.READY
    assignee = before.holder if dead else _pinned(before)
    _end(tx, before, {"status": status, "assignee": assignee}, cause=cause, action=action)
    if dead:
        _announce(tx, before, "failed", said)
    return queued(found)


def step_aside(tx: Transaction, token: str, *, checkpoint: str, cause: str) -> Queued:
    """Give a task back untried, with a word on how far it came; raises LeaseLost."""
    found = queue.give_back(tx, token, reason="stepped aside")
    said = clean(checkpoint, limit=NOTE_MAX, newlines=True)
    fields: Body = {"status": Status.READY, "assignee": _pinned(found)}
    _end(tx, found, fields | {CHECKPOINT: said}, cause=cause, action="yield")
    return queued(deliveries.of(tx.conn, found.message.seq, found.group))


def retry(tx: Transaction, id: str, *, actor: str, cause: str) -> Queued:
    """Try a dead task again, as if for the first time; raises UnknownName, UsageError."""
    task = find(tx.conn, id)
    for one in deliveries.about(tx.conn, KIND, task.id, group=WORKERS):
        if one.stage is Stage.DEAD:
            again = queue.replay(tx, one.message.seq, one.group)
            fields: Body = {"status": Status.READY, "assignee": _pinned(one)}
            put(tx, task, fields, actor=actor, cause=cause, action="retry")
            return queued(again)
    raise UsageError(f"{task.id} is not among the dead: `orc task dead` lists them")


def decide(tx: Transaction, id: str, status: Status, *, actor: str) -> None:
    """Somebody sets the status of a task by its id: the queue goes by what the operator says.

    Raises UsageError where an agent does so with a task that somebody holds.
    """
    for one in deliveries.about(tx.conn, KIND, id, group=WORKERS):
        if one.stage is Stage.LEASED and actor != OPERATOR:
            raise UsageError(
                f"{id} is held by {one.holder}: who holds it ends it by its token,"
                " `orc task ack TOKEN` or `orc task fail TOKEN`"
            )
        if status is not Status.READY:
            queue.withdraw(tx, KIND, id, group=WORKERS)
            return
        if one.stage is Stage.LEASED:
            queue.give_back(tx, one.token, reason=f"taken back by {actor}")
        elif one.stage is Stage.DEAD:
            queue.replay(tx, one.message.seq, one.group)


def results(tx: Transaction, group: str, *, reader: str, limit: int) -> list[Result]:
    """Lease to a reader what a group has not heard yet of tasks that ended, oldest first."""
    queue.join(tx, RESULTS, group)
    heard: list[Result] = []
    while len(heard) < limit:
        one = queue.lease(tx, (RESULTS,), group=group, holder=reader, fits=lambda _: True)
        if one is None:
            break
        heard.append(_result(one))
    return heard


def could_take(conn: Connection, message: Message, holder: Holder) -> bool:
    """Whether a holder may have the task of a message now."""
    return _fitting(conn, message, holder, []) is not None


def queued(one: Delivery) -> Queued:
    """A delivery as people see it."""
    return Queued(
        task=one.message.id,
        topic=one.message.topic,
        stage=str(one.stage),
        priority=one.message.priority,
        attempts=one.attempts,
        holder=one.holder,
        progress=one.progress,
        at=one.since,
        due_at=one.due_at,
        reason=one.reason,
    )


def leased(conn: Connection, one: Delivery) -> Leased:
    """A lease as its holder sees it; raises UnknownName where its task is gone."""
    return _as_leased(conn, one, find(conn, one.message.id))


def find(conn: Connection, id: str) -> Document:
    """The task of an id; raises UnknownName."""
    found = documents.get(conn, KIND, id)
    if found is None:
        raise UnknownName(f"no task goes by {clean(id, limit=80)!r}: `orc tasks` lists them")
    return found


def put(
    tx: Transaction, task: Document, fields: Body, *, actor: str, cause: str, action: str
) -> Document:
    """Write other fields of a task, its status by the machine; raises IllegalMove."""
    move(task.id, str(_status(task)), str(fields["status"]))
    body = task.body | fields
    return documents.put(
        tx, KIND, task.id, body, rev=task.rev, actor=actor, cause=cause, action=action
    )


def _gone(task: Document, kind: str) -> Queued:
    """What was queued under a key and has left the queue since."""
    return Queued(task.id, topic(kind), "done", _priority(task), 0, "", "", task.updated_at, 0, "")


def _check_key(key: str, made: keys.Made, id: str) -> None:
    if (made.kind, made.id, made.asked) != (KIND, id, digest("enqueue")):
        raise UsageError(
            f"the key {clean(key, limit=80)!r} stands for something else, about {made.id}:"
            " use another key"
        )


def _fitting(
    conn: Connection, message: Message, holder: Holder, over: list[Message]
) -> Document | None:
    """The task of a message, if a holder may have it now; what is over is added to `over`."""
    try:
        task = documents.get(conn, KIND, message.id)
    except DamagedDocument:
        return None
    if task is None or _status(task) not in _OPEN:
        over.append(message)
        return None
    if _status(task) is not Status.READY or not holder.can(_words(task, "needs")):
        return None
    wanted = str(task.body.get("assignee") or "")
    if wanted and wanted.casefold() != holder.name.casefold():
        return None
    return task if all(_is_done(conn, id) for id in _words(task, "depends_on")) else None


def _is_done(conn: Connection, id: str) -> bool:
    try:
        found = documents.get(conn, KIND, id)
    except DamagedDocument:
        return False
    return found is not None and _status(found) is Status.DONE


def _as_leased(conn: Connection, one: Delivery, task: Document) -> Leased:
    return Leased(
        token=one.token,
        task=task.id,
        title=clean(str(task.body.get("title", ""))),
        text=clean(str(task.body.get("text", "")), limit=TEXT_MAX, newlines=True),
        priority=one.message.priority,
        holder=one.holder,
        attempt=one.attempts,
        fence=one.fence,
        checkpoint=str(task.body.get(CHECKPOINT) or ""),
        yield_to=_urgent(conn, one),
    )


def _urgent(conn: Connection, held: Delivery) -> str:
    """Which task a lease should make way for, "" for none.

    So many of the least urgent leases are asked to as tasks of the express lane wait.
    """
    if held.message.priority >= EXPRESS:
        return ""
    waiting = deliveries.foremost(conn, WORKERS, priority=EXPRESS)
    if not waiting:
        return ""
    leases = sorted(
        (one.message.priority, -one.message.seq, one.message.seq)
        for one in deliveries.listing(conn, Stage.LEASED)
        if one.group == WORKERS
    )
    asked = [seq for _, _, seq in leases[: len(waiting)]]
    return waiting[asked.index(held.message.seq)].message.id if held.message.seq in asked else ""


def _end(tx: Transaction, found: Delivery, fields: Body, *, cause: str, action: str) -> None:
    """Write what a lease's end says into its task, unless somebody else decided meanwhile."""
    task = documents.get(tx.conn, KIND, found.message.id)
    if task is None or _status(task) is not Status.RUNNING:
        return
    if str(task.body.get("assignee") or "").casefold() == found.holder.casefold():
        put(tx, task, fields, actor=found.holder, cause=cause, action=action)


def _announce(tx: Transaction, found: Delivery, outcome: str, note: str) -> None:
    body: Body = {
        "outcome": outcome,
        "holder": found.holder,
        "attempts": found.attempts,
        "note": clean(note, limit=NOTE_MAX),
    }
    queue.announce(tx, RESULTS, actor=found.holder, kind=KIND, id=found.message.id, body=body)


def _result(one: Delivery) -> Result:
    told = one.message.body
    attempts = told.get("attempts")
    return Result(
        token=one.token,
        task=one.message.id,
        outcome=str(told.get("outcome", "")),
        holder=str(told.get("holder", "")),
        attempts=attempts if isinstance(attempts, int) else 0,
        note=str(told.get("note", "")),
        at=one.message.at,
    )


def _pinned(found: Delivery) -> str:
    """Whom the task was meant for before anybody took it."""
    return str(found.message.body.get("assignee") or "")


def _status(task: Document) -> Status:
    try:
        return Status(str(task.body.get("status", Status.READY)))
    except ValueError:
        return Status.BLOCKED  # not one of ours: nobody is to take it


def _priority(task: Document) -> int:
    value = task.body.get("priority", 5)
    return value if isinstance(value, int) else 5


def _words(task: Document, field: str) -> tuple[str, ...]:
    value = task.body.get(field)
    return tuple(map(str, value)) if isinstance(value, list) else ()
