"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orc_core.chronicle.times import moment
from orc_core.errors import UsageError

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "ago_s"),
    [
        ("30s", 30),
        ("15m", 900),
        ("2h", 7200),
        (" 7d ", 7 * 86400),
        ("1w", 7 * 86400),
        ("2026-11-20T11:00Z", 3600),
        ("2026-11-20T11:00", 3600),
        ("2026-11-20 13:00+02:00", 3600),
        ("2026-11-20", 12 * 3600),
    ],
)
def test_a_moment_is_understood(text: str, ago_s: float) -> None:
    assert moment(text, NOW) == NOW - ago_s


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "2y", "20.11.2026", "\x1b[31m", "9" * 40 + "s"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="use 15m"):
        moment(text, NOW)
