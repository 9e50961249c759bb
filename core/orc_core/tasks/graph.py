"""What waits for what.

Invariant: a view is a function of the documents alone. A ready task with an unfinished
dependency is shown as blocked; one that depends on something that is not there stays blocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from orc_core.model.task import Status, Task
from orc_core.model.task_body import TaskBody
from orc_core.text import clean
from orc_storage.records import Body, Document


@dataclass(frozen=True, slots=True)
class _Shown:
    """A task as it was shown last, and all that it was made from."""

    document: Document
    plain: Task
    facts: tuple[tuple[str, ...], str, float]
    task: Task


class Views:
    """What lists show of task documents; those that are as they were are not made again.

    A change is one of a thousand tasks, and checking a body costs more than all the rest.
    """

    def __init__(self) -> None:
        self._before: dict[str, _Shown] = {}

    def view(
        self,
        documents: Sequence[Document],
        faults: Mapping[str, str],
        since: Mapping[str, float],
    ) -> tuple[Task, ...]:
        """As the function `view`; a document that was read anew is shown anew."""
        unfinished = {
            document.id.casefold(): document.id
            for document in documents
            if document.body.get("status", Status.READY) != Status.DONE
        }
        known = {document.id.casefold() for document in documents}
        shown: dict[str, _Shown] = {}
        for document in documents:
            before = self._before.get(document.id)
            if before is None or before.document is not document:
                before = _as_alone(document)
            facts = (
                _waits(before.plain, unfinished, known),
                faults.get(document.id, "") or before.plain.fault,
                since.get(document.id, document.updated_at),
            )
            shown[document.id] = before if before.facts == facts else _with(before, facts)
        self._before = shown
        return tuple(one.task for one in shown.values())


def view(
    documents: Sequence[Document],
    faults: Mapping[str, str] | None = None,
    since: Mapping[str, float] | None = None,
) -> tuple[Task, ...]:
    """Turn task documents into what lists show, in the order given.

    `faults` holds what is wrong with a task's file, `since` when each got its status; both by
    id. Where `since` is silent, the time of the last revision stands in.
    """
    return Views().view(documents, faults or {}, since or {})


def _waits(task: Task, unfinished: Mapping[str, str], known: set[str]) -> tuple[str, ...]:
    if task.status is not Status.READY or not task.depends_on:
        return ()
    return tuple(
        unfinished.get(id.casefold(), id)
        for id in task.depends_on
        if id.casefold() in unfinished or id.casefold() not in known
    )


def _with(before: _Shown, facts: tuple[tuple[str, ...], str, float]) -> _Shown:
    waits, fault, since = facts
    plain = before.plain
    status = Status.BLOCKED if waits else plain.status
    task = replace(plain, status=status, blocked_by=waits, fault=fault, since=since)
    return replace(before, facts=facts, task=task)


def _as_alone(document: Document) -> _Shown:
    """A task as its document alone says it."""
    body, trouble = _read(document)
    task = Task(
        id=document.id,
        rev=document.rev,
        title=clean(body.title),
        text=clean(body.text, limit=len(body.text), newlines=True),
        status=Status(body.status),
        priority=body.priority,
        needs=tuple(clean(word) for word in body.needs),
        labels=tuple(clean(word) for word in body.labels),
        depends_on=tuple(body.depends_on),
        blocked_by=(),
        assignee=clean(body.assignee),
        due=clean(body.due),
        since=document.updated_at,
        updated_at=document.updated_at,
        updated_by=document.updated_by,
        fault=trouble,
    )
    return _Shown(document, task, ((), trouble, document.updated_at), task)


def _read(document: Document) -> tuple[TaskBody, str]:
    """A body as a task; one that another version wrote may be none, and is shown all the same."""
    try:
        return TaskBody.model_validate(document.body), ""
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        text = f"revision {document.rev} is no valid task ({first['msg']}): revert it"
        return TaskBody(id=document.id, title=document.id), text


def arrows(bodies: Iterable[Body]) -> dict[str, tuple[str, ...]]:
    """Return what each task depends on, by id."""
    found: dict[str, tuple[str, ...]] = {}
    for body in bodies:
        needed = body.get("depends_on", [])
        found[str(body["id"])] = tuple(map(str, needed)) if isinstance(needed, list) else ()
    return found


def find_cycle(edges: Mapping[str, Sequence[str]], start: str) -> tuple[str, ...]:
    """Return the shortest way from `start` back to itself, both ends named; () when none.

    Ids are compared without regard to case.
    """
    spelling = {id.casefold(): id for id in edges}
    goal = start.casefold()
    came_from: dict[str, str] = {}
    frontier = [goal]
    while frontier:
        reached: list[str] = []
        for id in frontier:
            for needed in edges.get(spelling.get(id, id), ()):
                target = needed.casefold()
                if target == goal:
                    way = [target, id]
                    while way[-1] != goal:
                        way.append(came_from[way[-1]])
                    return tuple(spelling.get(step, step) for step in reversed(way))
                if target not in came_from:
                    came_from[target] = id
                    reached.append(target)
        frontier = reached
    return ()
