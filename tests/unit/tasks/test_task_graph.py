"""What waits for what, and what lists show of it."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from orc_core.model.task import Status
from orc_core.tasks.graph import arrows, find_cycle, view
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
