"""When a limit ends, from the words of several programs; across midnight and changed clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.agents.limits import AHEAD_MAX_S, limit_line, reset_at

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY_NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
MOMENTS = st.integers(1_500_000_000, 2_500_000_000)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]).map(ZoneInfo)


def at(text: str, now: float = FRIDAY_NOON) -> str:
    moment = reset_at(text, now, UTC)
    return f"{datetime.fromtimestamp(moment, UTC):%y-%m-%d %H:%M}" if moment is not None else ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("resets 4am", "26-11-21 04:00"),
        ("resets 7:30am", "26-11-21 07:30"),
        ("resets 2:30pm", "26-11-20 14:30"),
        ("resets 12am (UTC)", "26-11-21 00:00"),
        ("resets 12pm (UTC)", "26-11-21 12:00"),
        ("resets 12:01pm (UTC)", "26-11-20 12:01"),
        ("resets 4pm (UTC)", "26-11-20 16:00"),
        ("resets 4:30pm (Europe/Berlin)", "26-11-20 15:30"),
        ("resets 4:30pm Europe/Berlin", "26-11-20 15:30"),
        ("resets at 5pm (UTC+2)", "26-11-20 15:00"),
        ("resets at 5 p.m. (-05:00)", "26-11-20 22:00"),
        ("resets 11am (UTC)", "26-11-21 11:00"),
        ("resets 16:00 (UTC)", "26-11-20 16:00"),
        ("resets at midnight", "26-11-21 00:00"),
        ("resets Nov 23, 9am (UTC)", "26-11-23 09:00"),
        ("resets Jan 2 at 12am (UTC)", "27-01-02 00:00"),
        ("resets Oct 9 at 5pm", "27-10-09 17:00"),
        ("resets 9 October 17:00", "27-10-09 17:00"),
        ("resets Nov 19 at 5pm (UTC)", "26-11-19 17:00"),
        ("try again at Nov 23rd, 2026 4:05 PM.", "26-11-23 16:05"),
        ("resets Fri 9am", "26-11-27 09:00"),
        ("resets Friday at 1pm", "26-11-20 13:00"),
        ("resets on Monday", "26-11-23 00:00"),
        ("resets tomorrow at 9am", "26-11-21 09:00"),
        ("resets in 3h 20m", "26-11-20 15:20"),
        ("resets in 2h30m", "26-11-20 14:30"),
        ("try again in 45 minutes", "26-11-20 12:45"),
        ("try again in 1 hour and 20 minutes.", "26-11-20 13:20"),
        ("try again in 3 days 2 hours", "26-11-23 14:00"),
        ("resets in 1 week", "26-11-27 12:00"),
        ("retrying in 12s", "26-11-20 12:00"),
        ("Retrying in 90.5 seconds...", "26-11-20 12:01"),
        ("try again at 4:05 PM (UTC).", "26-11-20 16:05"),
        ("resets 2026-11-20T16:00:00Z", "26-11-20 16:00"),
        ("resets 2026-11-20T16:00:00.250+02:00", "26-11-20 14:00"),
        ("resets 2026-11-20 16:00 UTC", "26-11-20 16:00"),
        ("resets 2026-12-01", "26-12-01 00:00"),
        ("Claude AI usage limit reached|1795190400", "26-11-20 16:00"),
        ("limit reached|1795190400000", "26-11-20 16:00"),
        ("resets soon", ""),
        ("resets 4", ""),
        ("resets 99:99", ""),
        ("resets 25pm", ""),
        ("resets 0am", ""),
        ("resets 4pm (Middle/Earth)", ""),
        ("resets Feb 30, 9am (UTC)", ""),
        ("resets 2026-13-40T99:00Z", ""),
        ("limit reached|1100000000", ""),
        ("your 5-hour limit", ""),
        ("in 3 months", ""),
    ],
)
def test_the_end_of_a_limit(text: str, moment: str) -> None:
    assert at(text) == moment


def test_a_minute_before_and_after_midnight() -> None:
    late = datetime(2026, 11, 20, 23, 59, tzinfo=UTC).timestamp()
    assert at("resets 12am (UTC)", late) == "26-11-21 00:00"
    assert at("resets 12am (UTC)", late + 60) == "26-11-22 00:00"
    assert at("resets Dec 31, 11pm (UTC)", late) == "26-12-31 23:00"


def test_clocks_that_are_put_back_or_forward() -> None:
    autumn = datetime(2026, 10, 24, 20, 0, tzinfo=BERLIN)
    moment = reset_at("resets 4am", autumn.timestamp(), BERLIN)
    assert moment == autumn.timestamp() + 9 * 3600
    first = datetime(2026, 10, 25, 2, 40, tzinfo=BERLIN).timestamp()
    assert reset_at("resets 2:30am", first, BERLIN) == first + 50 * 60
    spring = datetime(2026, 3, 28, 20, 0, tzinfo=BERLIN).timestamp()
    assert reset_at("resets 4am (Europe/Berlin)", spring, UTC) == spring + 7 * 3600


@given(MOMENTS, ZONES, st.integers(0, 23), st.integers(0, 59))
def test_a_clock_time_is_the_next_that_comes(
    now: int, zone: ZoneInfo, hour: int, minute: int
) -> None:
    moment = reset_at(f"resets {hour:02}:{minute:02}", now, zone)
    assert moment is not None
    assert 0 < moment - now <= 25 * 3600
    shown = datetime.fromtimestamp(moment, zone)
    gap = datetime(shown.year, shown.month, shown.day, hour, minute, tzinfo=zone)
    exists = datetime.fromtimestamp(gap.timestamp(), zone).hour == hour
    assert (shown.hour, shown.minute) == (hour, minute) or not exists


@given(MOMENTS, ZONES, st.integers(0, 59), st.booleans())
def test_both_forms_of_a_clock_agree(now: int, zone: ZoneInfo, minute: int, late: bool) -> None:
    for hour in range(12):
        name = f"{hour or 12}:{minute:02}{'pm' if late else 'am'}"
        other = f"{hour + 12 * late:02}:{minute:02}"
        assert reset_at(f"resets {name}", now, zone) == reset_at(f"resets {other}", now, zone)


@given(MOMENTS, ZONES, st.timedeltas(timedelta(0), timedelta(days=300)))
def test_a_moment_is_read_back(now: int, zone: ZoneInfo, ahead: timedelta) -> None:
    moment = now + int(ahead.total_seconds())
    there = datetime.fromtimestamp(moment, zone)
    assert reset_at(f"resets {there.isoformat()}", now, UTC) == moment
    assert reset_at(f"limit reached|{moment}", now, zone) == moment
    days, rest = divmod(moment - now, 86_400)
    span = f"in {days}d {rest // 3600}h {rest % 3600 // 60}m {rest % 60}s"
    assert reset_at(f"try again {span}", now, zone) == moment


@given(st.text(max_size=60), MOMENTS)
def test_any_text_gives_a_moment_near_or_none(text: str, now: int) -> None:
    moment = reset_at(f"resets {text}", now, BERLIN)
    assert moment is None or abs(moment - now) < AHEAD_MAX_S


def test_the_line_steps_by_the_minute() -> None:
    four = FRIDAY_NOON + 4 * 3600
    assert limit_line(four, four - 5280, UTC) == "resets 16:00 in 1h28"
    assert limit_line(four, four - 5221, UTC) == "resets 16:00 in 1h27"
    assert limit_line(four, four - 59, UTC) == "resets 16:00, in a moment"
    assert limit_line(four, four, UTC) == "could go on since 16:00"
    assert limit_line(four, four + 90_000, UTC) == "could go on since Nov 20 16:00"
    assert limit_line(four, four - 3 * 86_400, UTC) == "resets Nov 20 16:00 in 3d"
