"""Times to come: the next one, and never one that is over."""

from __future__ import annotations

from datetime import datetime

import pytest

from dialog_stage import utc
from orc_core.errors import UsageError
from orc_core.later.times import coming, named

__all__ = ["utc"]
NOW = datetime(2026, 11, 20, 14, 30).timestamp()

pytestmark = pytest.mark.usefixtures("utc")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("15:00", (20, 15, 0)),
        ("14:30", (21, 14, 30)),
        ("9:05", (21, 9, 5)),
        ("tomorrow", (21, 0, 0)),
        ("Tomorrow 16:00", (21, 16, 0)),
        ("2h", (20, 16, 30)),
        ("in 1h30m", (20, 16, 0)),
        ("45m", (20, 15, 15)),
        ("1d", (21, 14, 30)),
        ("2026-11-21", (21, 0, 0)),
        ("2026-11-21T09:00", (21, 9, 0)),
    ],
)
def test_the_next_such_time(text: str, at: tuple[int, int, int]) -> None:
    now = datetime(2026, 11, 20, 14, 30).timestamp()
    day, hour, minute = at
    assert coming(text, now) == datetime(2026, 11, day, hour, minute).timestamp()


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "12:75", "30", "tomorrow noon", "in", "\x1b"]
)
def test_what_is_no_time_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(UsageError, match="is no time: use 16:30, 2h"):
        coming(text, NOW)


@pytest.mark.parametrize("text", ["2026-11-20", "0h"])
def test_what_is_over_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is over"):
        coming(text, datetime(2026, 11, 20, 14, 30).timestamp())


def test_times_for_people() -> None:
    now = datetime(2026, 11, 20, 14, 30).timestamp()
    assert named(now + 3600, now) == "15:30"
    assert named(now + 86_400, now) == "Nov 21 14:30"
