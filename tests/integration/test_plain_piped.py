"""`orc-tui --plain` in a pipe: lines as things change, and a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from private_tmux import PrivateTmux

ORC_TUI = Path(sys.executable).with_name("orc-tui")
DEADLINE_S = 10.0


@contextmanager
def told(tmux: PrivateTmux, folder: Path) -> Iterator[subprocess.Popen[str]]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    argv = [ORC_TUI, "--plain", "--socket-path", str(tmux.socket_path)]
    with subprocess.Popen(
        [*argv, "--workspace", str(folder)],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_it_tells_what_changes_and_ends_well(
    tmux: PrivateTmux, tmp_path: Path, number: signal.Signals
) -> None:
    tmux.start("cat")
    with told(tmux, tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        first = process.stdout.readline()
        assert ": live, 0 agents, 0 need you" in first
        if number is signal.SIGTERM:
            tmux.run("kill-server")
            assert process.stdout.readline().startswith("tmux gone")
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr.read() == ""
        assert "\x1b" not in first + process.stdout.read()


def test_it_ends_when_its_reader_goes(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start("cat")
    with told(tmux, tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr.read() == ""
