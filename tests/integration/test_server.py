"""One tmux server: addresses, errors and deadlines."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from orc_core.errors import TmuxError, TmuxGone, TmuxTimeout
from orc_core.tmux.server import (
    Address,
    alive,
    child_environment,
    parse_version,
    resolve,
    run,
    version,
)
from private_tmux import PrivateTmux


def children(pid: int) -> list[str]:
    done = subprocess.run(["ps", "--ppid", str(pid), "-o", "comm="], capture_output=True, text=True)
    return [name for name in done.stdout.split() if name != "ps"]


def test_resolve_prefers_the_option_then_the_server_we_are_in() -> None:
    inside = {"TMUX": "/run/odd,name/s,123,0", "TMUX_TMPDIR": "/run/t"}
    own = f"tmux-{os.getuid()}"
    assert resolve("/a/b", None, inside) == Address("/a/b")
    assert resolve(None, "other", inside) == Address(f"/run/t/{own}/other")
    assert resolve(None, None, inside) == Address("/run/odd,name/s")
    assert resolve(None, None, {}) == Address(f"/tmp/{own}/default")
    assert resolve("rel", None, {}) == Address(str(Path("rel").absolute()))


def test_a_socket_path_that_is_too_long_names_the_remedy() -> None:
    with pytest.raises(TmuxError, match="shorter --socket-path"):
        resolve("/" + "x" * 120, None, {})


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("tmux 3.3a\n", (3, 3)),
        ("tmux next-3.6", (3, 6)),
        ("tmux master", (99, 0)),
        ("tmux 3.10", (3, 10)),
        ("odd", (0, 0)),
    ],
)
def test_versions(said: str, read: tuple[int, int]) -> None:
    assert parse_version(said) == read
    assert version() >= (3, 2)


def test_children_see_no_secrets() -> None:
    seen = child_environment({"PATH": "/bin", "TMUX": "x,1,0", "TOKEN": "s", "HOME": "/h"})
    assert seen == {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}


async def test_run_prints_or_says_why_not(tmux: PrivateTmux) -> None:
    tmux.start(name="größe")
    listed = await run(tmux.address, "list-sessions", "-F", "#{session_name}")
    assert listed == "größe\n"
    with pytest.raises(TmuxError, match="can't find session"):
        await run(tmux.address, "kill-session", "-t", "=none")


async def test_a_trailing_semicolon_starts_no_second_command(tmux: PrivateTmux) -> None:
    tmux.start()
    await run(tmux.address, "new-window", "-d", "-n", "x;", "exec cat")
    assert "x;" in tmux.run("list-windows", "-F", "#{window_name}").splitlines()


async def test_a_server_that_is_not_there(tmux: PrivateTmux) -> None:
    assert not await alive(tmux.address)
    with pytest.raises(TmuxGone):
        await run(tmux.address, "list-panes", "-a")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(tmux.socket_path)
    stale.close()
    assert not await alive(tmux.address)
    with pytest.raises(TmuxGone):
        await run(tmux.address, "list-panes", "-a")


async def test_a_stopped_server_is_a_timeout_and_no_child_is_left(tmux: PrivateTmux) -> None:
    tmux.start()
    others = children(os.getpid())  # guards of other tests' connections, which end in a moment
    assert await alive(tmux.address)
    tmux.signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(TmuxTimeout, match=r"did not answer in 0\.3 s"):
        await run(tmux.address, "list-panes", "-a", timeout_s=0.3)
    assert time.monotonic() - began < 1.5
    assert await alive(tmux.address)
    tmux.signal(signal.SIGCONT)
    assert await run(tmux.address, "list-panes", "-a") != ""
    assert len(children(os.getpid())) <= len(others)
