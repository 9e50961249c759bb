"""What waits for what, drawn as a tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orc_core.model.task import Status, Task
from orc_core.tasks.tree import DEPTH_MAX, planted


def task(id: str, *after: str, status: Status = Status.READY) -> Task:
    return Task(id, 1, id, "", status, 5, (), (), after, (), "", "", 0.0, 0.0, "operator")


def drawn(tasks: list[Task], *, is_upside_down: bool = False) -> list[str]:
    found = planted(tasks, is_upside_down=is_upside_down)
    return [f"{branch}{one.id}" for one, branch in found]


SHOP = [
    task("T-9", "T-2"),
    task("T-1"),
    task("T-2", "t-1", "T-3"),
    task("T-3", "T-4"),
    task("T-4", status=Status.DONE),
    task("T-5", "T-1", "T-77"),
    task("T-6", "T-9"),
]


def test_each_stands_below_what_it_waits_for() -> None:
    assert drawn(SHOP) == ["T-1", "├ T-2", "│ └ T-9", "│   └ T-6", "└ T-5", "T-3", "T-4"]


def test_upside_down_each_stands_above_what_it_depends_on() -> None:
    assert drawn(SHOP, is_upside_down=True) == [
        "T-5",
        "T-6",
        "└ T-9",
        "  └ T-2",
        "    ├ T-1",
        "    └ T-3",
        "      └ T-4",
    ]


def test_a_long_chain_stays_within_the_screen() -> None:
    chain = [task("T-0"), *(task(f"T-{n}", f"T-{n - 1}") for n in range(1, 3000))]
    branches = [branch for _, branch in planted(chain)]
    assert len(branches) == 3000 and max(map(len, branches)) == 2 * DEPTH_MAX


@given(st.lists(st.sets(st.integers(0, 9), max_size=4), max_size=10), st.booleans())
def test_every_task_stands_in_it_once_even_in_a_circle(
    needs: list[set[int]], is_upside_down: bool
) -> None:
    tasks = [task(f"T-{n}", *(f"T-{m}" for m in sorted(some))) for n, some in enumerate(needs)]
    found = [one.id for one, _ in planted(tasks, is_upside_down=is_upside_down)]
    assert sorted(found) == sorted(one.id for one in tasks)
