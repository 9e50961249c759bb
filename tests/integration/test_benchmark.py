"""`orc benchmark`: what it prints, and that nothing is left of it however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clocks import wait_for
from orc_cli.main import FAILED, USAGE, main
from orc_core.benchmark.measuring import stage
from orc_core.benchmark.screens import HEIGHT, SCROLLED_LINES, working_screen
from orc_core.tmux.server import Address, alive

KEYS = {"agents", "cycle_s", "floor_s", "ratio", "forks_per_cycle", "cpu_ms_per_cycle", "quiet"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the benchmark makes its folder, and a HOME that it must not look into."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def servers(place: Path) -> list[str]:
    """The command lines of tmux servers and clients below a folder."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208
        try:
            data = Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        line = data.replace(b"\0", b" ").decode(errors="replace")
        if str(place) in line:
            found.append(line)
    return found


def test_json_has_the_figures_of_both_strategies(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["benchmark", "--agents", "6", "--cycles", "2", "--compare", "--json"]
    assert main(argv) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) >= KEYS | {"sync"}
    assert told["agents"] == 6
    for course, forks in ((told, (1, 0)), (told["sync"], (2, 1))):
        assert (course["forks_per_cycle"], course["quiet"]["forks_per_cycle"]) == forks
        for cost in (course, course["quiet"]):
            assert 0 < cost["cycle_s"]["p50"] <= cost["cycle_s"]["p95"]
            assert cost["ratio"] == pytest.approx(cost["cycle_s"]["p50"] / cost["floor_s"], rel=0.1)
            assert cost["cpu_ms_per_cycle"] > 0
    assert list(place.iterdir()) == []
    assert servers(place) == []


def test_wholly_new_screens_are_measured_when_asked_for_and_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["benchmark", "--agents", "4", "--cycles", "1", "--whole-screens"]
    assert main([*argv, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["changed_lines"] == "a few"
    assert told["whole_screens"]["cycle_s"]["p50"] > 0
    assert told["whole_screens"]["forks_per_cycle"] == 1
    assert main(argv) == 0
    table = capsys.readouterr().out
    assert "async, 20% changed: a few lines" in table
    assert "async, 20% changed: every line" in table


def test_an_agent_at_work_changes_a_few_lines_a_step() -> None:
    before, after = (working_screen(7, step).splitlines() for step in (4, 5))
    assert len(before) == HEIGHT - 1
    new = [line for line in after if line not in before]
    assert len(new) == SCROLLED_LINES + 1, "and the spinner with its counters"
    assert not {*working_screen(8, 4).splitlines()[:-7]} & {*before} - {""}


def test_quiet_prints_the_seconds_of_the_median_cycle_alone(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "--agents", "1", "--cycles", "1", "--quiet"]) == 0
    told = capsys.readouterr()
    assert 0 < float(told.out) < 60
    assert len(told.out.splitlines()) == 1
    assert told.err == ""


def test_the_table_names_what_was_measured(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "--agents", "2", "--cycles", "1", "--verbose"]) == 0
    told = capsys.readouterr()
    assert "async, 20% changed" in told.out and "async, nothing changed" in told.out
    assert "making 2 panes" in told.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--agents", "0"], "--agents is 0: give it a number from 1 to 1000"),
        (["--agents", "1001"], "--agents is 1001: give it a number from 1 to 1000"),
        (["--cycles", "0"], "--cycles is 0: give it a number from 1 to 1000"),
    ],
)
def test_numbers_are_bounded(
    place: Path, capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    assert main(["benchmark", *argv]) == USAGE
    assert words in capsys.readouterr().err


def test_without_tmux_it_says_so(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from orc_core.tmux.server import tmux_binary

    tmux_binary.cache_clear()
    monkeypatch.setenv("PATH", str(place))
    try:
        assert main(["benchmark", "--agents", "1"]) == FAILED
    finally:
        tmux_binary.cache_clear()
    assert "install tmux" in capsys.readouterr().err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
async def test_nothing_is_left_of_one_that_is_ended(
    place: Path, number: signal.Signals, code: int
) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "orc_cli", "benchmark", "--agents", "40", "--verbose"],
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stderr is not None
    try:
        while "cycles over" not in program.stderr.readline():
            assert program.poll() is None
        assert servers(place)
        program.send_signal(number)
        assert program.wait(20) == code
        assert "Traceback" not in program.stderr.read()
    finally:
        program.kill()
        program.wait()
        program.stderr.close()
    await wait_for(lambda: not servers(place) and not list(place.glob("orc-bench-*")), 10.0)


async def test_a_fleet_that_is_told_to_stop_while_it_is_made_is_gone(tmp_path: Path) -> None:
    import asyncio

    folder = tmp_path / "f"
    folder.mkdir()

    async def hold() -> None:
        async with stage(400, folder):
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await wait_for(lambda: (folder / "s").exists() or task.done())
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not await alive(Address(str(folder / "s")))
    assert servers(folder) == []
