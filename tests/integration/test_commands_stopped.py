"""`orc` and a tmux server that is there and does not answer."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orc_core.tmux.server import child_environment
from private_tmux import PrivateTmux


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["agents"], 1), (["explain", "%0"], 1), (["send", "%0", "hi"], 1), (["status"], 0)],
)
def test_a_server_that_stands_still_is_not_an_empty_one(
    tmux: PrivateTmux, argv: list[str], code: int
) -> None:
    tmux.start()
    tmux.signal(signal.SIGSTOP)
    orc = Path(sys.executable).with_name("orc")
    options = ["--socket-path", tmux.socket_path, "--workspace", str(tmux.folder / "w")]
    done = subprocess.run(
        [str(orc), *argv, *options],
        env=child_environment() | {"HOME": str(tmux.folder)},
        cwd=tmux.folder,
        capture_output=True,
        text=True,
        timeout=15.0,
        check=False,
    )
    assert done.returncode == code
    told = done.stderr if code else done.stdout
    assert "did not answer in 1.5 s" in told or "stale" in told
    assert "Traceback" not in done.stderr
