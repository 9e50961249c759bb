"""When a limit ends, from the words of several programs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orc_core.agents.limits import limit_line, reset_at

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()


def at(text: str) -> str:
    moment = reset_at(text, NOON)
    return f"{datetime.fromtimestamp(moment, UTC):%m-%d %H:%M}" if moment is not None else ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("resets 4pm (UTC)", "11-20 16:00"),
        ("resets 4:30pm (Europe/Berlin)", "11-20 15:30"),
        ("resets 11am (UTC)", "11-21 11:00"),
        ("resets 16:00 (UTC)", "11-20 16:00"),
        ("resets Nov 23, 9am (UTC)", "11-23 09:00"),
        ("resets Jan 2 at 12am (UTC)", "01-02 00:00"),
        ("try again in 1 hour 20 minutes.", "11-20 13:20"),
        ("try again in 3 days 2 hours", "11-23 14:00"),
        ("retrying in 12s", "11-20 12:00"),
        ("try again at 4:05 PM (UTC).", "11-20 16:05"),
        ("resets soon", ""),
        ("resets 4", ""),
        ("resets 99:99", ""),
        ("resets 25pm", ""),
        ("resets Feb 30, 9am (UTC)", ""),
    ],
)
def test_the_end_of_a_limit(text: str, moment: str) -> None:
    assert at(text) == moment


def test_the_line_counts_from_when_it_was_first_seen() -> None:
    line = limit_line("try again in 2 hours", NOON, NOON + 1800)
    assert line.endswith("in 1h30")
    assert limit_line("resets soon", NOON, NOON) == "resets soon"
    assert limit_line("try again in 2 hours", NOON, NOON + 9000).startswith("could go on since")
