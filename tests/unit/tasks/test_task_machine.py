"""The machine of task states, over all pairs."""

from __future__ import annotations

import itertools

import pytest

from orc_core.errors import IllegalMove
from orc_core.model.task import Status
from orc_core.tasks.machine import legal, move

ARROWS = {
    ("ready", "running"),
    ("ready", "done"),
    ("ready", "failed"),
    ("ready", "cancelled"),
    ("running", "ready"),
    ("running", "done"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("failed", "ready"),
    ("failed", "cancelled"),
    ("done", "ready"),
    ("cancelled", "ready"),
}


@pytest.mark.parametrize(("start", "end"), itertools.product(Status, Status))
def test_a_status_changes_along_the_arrows_or_not_at_all(start: Status, end: Status) -> None:
    allowed = (start, end) in ARROWS or (start is end and start is not Status.BLOCKED)
    assert legal(start, end) is allowed
    if allowed:
        assert move("T-1", start, end) is end
    else:
        with pytest.raises(IllegalMove, match="T-1"):
            move("T-1", start, end)


def test_an_illegal_move_names_what_is_possible() -> None:
    with pytest.raises(IllegalMove, match="done and cannot become running; from there: ready"):
        move("T-1", "done", "running")
    with pytest.raises(IllegalMove, match="depends_on"):
        move("T-1", "ready", "blocked")
    with pytest.raises(IllegalMove, match="'finished' is no status; use one of ready, running"):
        move("T-1", "ready", "finished")
