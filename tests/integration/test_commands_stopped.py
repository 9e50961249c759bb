"""`orc` and a tmux server that is there and does not answer."""

from __future__ import annotations

import signal

import pytest

from orc_command import orc
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
    options = ["--socket-path", tmux.socket_path, "--workspace", str(tmux.folder / "w")]
    environ = child_environment() | {"HOME": str(tmux.folder)}
    done = orc([*argv, *options], environ, tmux.folder)
    assert done.code == code
    told = done.err if code else done.out
    assert "did not answer in 1.5 s" in told or "stale" in told
