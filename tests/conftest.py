"""Fixtures that every test may ask for; what a test imports by name lives beside this file."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from clocks import TurnedClock
from private_tmux import PrivateTmux, Sockets

# How long an example takes is a matter of the machine, not of what is tested.
settings.register_profile("orc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("orc")

WORKERS_PER_CORE = 2


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: half of the time a test waits, for tmux or a deadline, so cores are shared."""
    ours = sys.platform == "linux"
    return WORKERS_PER_CORE * (len(os.sched_getaffinity(0)) if ours else os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def same_everywhere() -> Iterator[None]:
    """Times of day in UTC, and none of the settings of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_COLOR", "ORC_THEME", "ORC_ASCII", "COLORTERM"):
            patch.delenv(name, raising=False)
        for name in ("TMUX", "TMUX_PANE"):
            patch.delenv(name, raising=False)
        patch.setenv("TMUX_TMPDIR", "/nonexistent")  # nobody's servers are looked for
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


FIGURE = "figure"


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str, list[float]], None]:
    """Print how long something took, in seconds each time, below the summary of all tests."""

    def note(what: str, seconds: list[float]) -> None:
        low, high = sorted(seconds)[len(seconds) // 2] * 1000, max(seconds) * 1000
        record_property(FIGURE, f"{what}: p50 {low:.1f} ms, max {high:.1f} ms of {len(seconds)}")

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures are told and never judged: speed belongs to `make bench`."""
    reports = terminalreporter.getreports("passed")
    told = [one for report in reports for one in report.user_properties]
    figures = [str(text) for name, text in told if name == FIGURE]
    if figures:
        terminalreporter.section("figures")
    for text in sorted(figures):
        terminalreporter.line(text)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def tmux() -> Iterator[PrivateTmux]:
    """A private tmux server, not started yet: call `tmux.start()`."""
    # A socket's path may be 103 bytes long, which tmp_path can exceed.
    folder = Path(tempfile.mkdtemp(prefix="orc-", dir="/tmp"))
    server = PrivateTmux(folder)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    """A socket folder of the test's own, empty yet: call `sockets.server(name)`."""
    root = Path(tempfile.mkdtemp(prefix="orc-", dir="/tmp"))
    made = Sockets(root)
    try:
        yield made
    finally:
        for server in made.made:
            server.kill()
        shutil.rmtree(root, ignore_errors=True)
