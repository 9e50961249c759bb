"""What waits for what, and what lists show of it."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orc_core.model.task import Status
from orc_core.tasks.graph import Views, arrows, find_cycle, view
from orc_storage.records import Document, Json


def _document(id: str, **fields: Json) -> Document:
    body = {"id": id, "title": f"title of {id}", "status": "ready", **fields}
    return Document("task", id, 3, body, "", 50.0, "operator")


def test_a_ready_task_waits_for_what_is_not_done() -> None:
    tasks = view(
        [
            _document("T-1", status="done"),
            _document("T-2", status="running"),
            _document("T-3", depends_on=["T-1"]),
            _document("T-4", depends_on=["T-1", "t-2", "T-9"]),
            _document("T-5", status="failed", depends_on=["T-2"]),
        ]
    )
    shown = {task.id: (task.status, task.blocked_by) for task in tasks}
    assert shown["T-3"] == (Status.READY, ())
    assert shown["T-4"] == (Status.BLOCKED, ("T-2", "T-9"))
    assert shown["T-5"] == (Status.FAILED, ())


def test_a_view_carries_faults_ages_and_clean_text() -> None:
    (task,) = view(
        [_document("T-1", title="a\x1b[31mb\u202e", text="one\n\x07two", labels=["x\x9b1m"])],
        faults={"T-1": "line 4, column 2: a comma is missing"},
        since={"T-1": 20.0},
    )
    assert task.title == "ab"
    assert task.text == "one\ntwo"
    assert "\x9b" not in task.labels[0]
    assert task.fault.startswith("line 4")
    assert (task.since, task.updated_at, task.rev) == (20.0, 50.0, 3)


def test_a_task_that_is_as_it_was_is_not_made_again() -> None:
    views = Views()
    first, second = _document("T-1"), _document("T-2", depends_on=["T-1"])
    before = views.view([first, second], {}, {})
    done = _document("T-1", status="done")
    after = views.view([done, second], {}, {"T-1": 7.0})
    assert [task.status for task in before] == [Status.READY, Status.BLOCKED]
    assert after[1].status is Status.READY
    again = views.view([done, second], {}, {"T-1": 7.0})
    assert all(one is other for one, other in zip(again, after, strict=True))


bodies = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["ready", "running", "done", "no such status"]),
        "depends_on": st.lists(st.sampled_from(["T-1", "t-2", "T-3", "T-9"]), max_size=2),
    }
)
steps = st.fixed_dictionaries(
    {
        "edits": st.dictionaries(st.sampled_from(["T-1", "T-2", "T-3"]), bodies, max_size=2),
        "faults": st.dictionaries(st.sampled_from(["T-1", "T-2"]), st.just("line 4"), max_size=1),
        "since": st.dictionaries(st.sampled_from(["T-1", "T-3"]), st.just(9.0), max_size=2),
    }
)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(steps, min_size=1, max_size=5))
def test_views_are_the_same_whatever_was_looked_at_before(history: list[dict[str, Any]]) -> None:
    views = Views()
    held: dict[str, Document] = {}
    for step in history:
        held |= {id: _document(id, **fields) for id, fields in step["edits"].items()}
        documents = list(held.values())
        fresh = view(documents, step["faults"], step["since"])
        assert views.view(documents, step["faults"], step["since"]) == fresh


def test_a_cycle_is_named_by_its_shortest_way() -> None:
    edges = {"T-1": ("T-2", "T-3"), "T-2": ("T-4",), "T-3": ("t-1",), "T-4": ("T-1",)}
    assert find_cycle(edges, "T-1") == ("T-1", "T-3", "T-1")
    assert find_cycle({"T-1": ("T-1",)}, "T-1") == ("T-1", "T-1")
    assert find_cycle({"T-1": ("T-2",), "T-2": ("T-3",), "T-3": ("T-2",)}, "T-1") == ()


def test_arrows_come_from_bodies() -> None:
    documents = [_document("T-1", depends_on=["T-2"]), _document("T-2")]
    assert arrows(document.body for document in documents) == {"T-1": ("T-2",), "T-2": ()}


ids = st.sampled_from(["A", "B", "C", "D", "E"])


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(ids, st.lists(ids, max_size=3).map(tuple)), ids)
def test_a_cycle_is_found_exactly_where_there_is_one(
    edges: dict[str, tuple[str, ...]], start: str
) -> None:
    reached: set[str] = set()
    frontier = list(edges.get(start, ()))
    while frontier:
        id = frontier.pop()
        if id not in reached:
            reached.add(id)
            frontier += edges.get(id, ())
    cycle = find_cycle(edges, start)
    assert bool(cycle) is (start in reached)
    for one, next_one in itertools.pairwise(cycle):
        assert next_one in edges[one]
    assert not cycle or cycle[0] == cycle[-1] == start
