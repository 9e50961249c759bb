"""A dashboard that is killed while tmux does not answer leaves no client of tmux behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from clocks import wait_for
from orc_core.tmux.server import run
from private_tmux import PrivateTmux

ASKING = """
import asyncio, sys
from orc_core.tmux.server import Address, spawn

asyncio.run(spawn(Address(sys.argv[1]), ["source-file", "-"], b"list-panes", 600.0))
"""


def children(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in told.read_text().split()] if told.exists() else []


def is_client(pid: int) -> bool:
    """Whether this is a client of tmux that runs; who is dead and waits for nobody does not."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    name, _, rest = told.partition(" (")[2].rpartition(") ")
    return name.startswith("tmux") and rest[0] != "Z"


def is_tied(pid: int) -> bool:
    """Whether the kernel signals the process when a pipe of it loses its writer."""
    flags = [told.read_text().split()[3] for told in Path(f"/proc/{pid}/fdinfo").iterdir()]
    return any(int(one, 8) & os.O_ASYNC for one in flags)


async def test_a_client_that_waits_ends_with_whoever_sent_it(tmux: PrivateTmux) -> None:
    tmux.start()
    tmux.signal(signal.SIGSTOP)
    asking = subprocess.Popen([sys.executable, "-c", ASKING, tmux.socket_path])
    try:
        await wait_for(lambda: list(filter(is_client, children(asking.pid))), 15.0)
        (client,) = children(asking.pid)
        await wait_for(lambda: is_tied(client), 10.0)
    finally:
        asking.kill()
        asking.wait()
    try:
        await wait_for(lambda: not is_client(client), 10.0)
    finally:
        tmux.signal(signal.SIGCONT)
    assert await run(tmux.address, "display-message", "-p", "well") == "well\n"
