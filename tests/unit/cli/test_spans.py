"""Words for spans of time, as commands print them."""

from __future__ import annotations

import pytest

from orc_cli.output import ago, lasted


@pytest.mark.parametrize(
    ("seconds", "before", "long"),
    [(0.4, "just now", "0 s"), (41.6, "just now", "42 s"), (250.0, "4m ago", "4m")],
)
def test_spans_read_as_people_say_them(seconds: float, before: str, long: str) -> None:
    assert (ago(seconds), lasted(seconds)) == (before, long)
