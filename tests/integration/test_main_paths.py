"""The ways through a day, on the real program in a real terminal: keys in, screen out.

One demo serves all of them, in the order in which they stand; the last two end it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import shutil
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clocks import wait_for
from private_tmux import PrivateTmux, see_demos_go

pytestmark = pytest.mark.timeout(90)  # whichever comes first waits for the demo
ORC_TUI = Path(sys.executable).with_name("orc-tui")
ESCAPE_S = 0.15
"""So long after Escape a key is no more taken for the rest of a sequence."""


class Desk:
    """A terminal in a tmux of its own, in which the demo runs."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux = tmux
        self._has_begun = False
        home = f"env HOME={tmux.folder} TMPDIR={tmux.folder} PATH={os.environ['PATH']}"
        self.pane = tmux.start(
            f"{home} {ORC_TUI} --demo; echo left with $?; exec cat", size="160x48"
        )

    def demos(self) -> list[Path]:
        """The folders of demos that are there."""
        return list(self.tmux.folder.glob("orc-demo-*"))

    @property
    def screen(self) -> str:
        return self.tmux.screen(self.pane)

    async def begun(self) -> None:
        """Wait until the agents stand as the tests want them, whichever test comes first."""
        if not self._has_begun:
            await self.shows("1 crashed", "3 waiting", within_s=50.0)
            self._has_begun = True

    async def shows(self, *texts: str, within_s: float = 20.0) -> None:
        try:
            await wait_for(lambda: all(text in self.screen for text in texts), within_s)
        except BaseException as error:
            error.add_note(self.screen)
            raise

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.tmux.run("send-keys", "-t", self.pane, key)
            if key == "Escape":
                await asyncio.sleep(ESCAPE_S)

    def resize(self, width: int, height: int) -> None:
        self.tmux.run("resize-window", "-t", self.pane, "-x", str(width), "-y", str(height))


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    folder = Path(tempfile.mkdtemp(prefix="orc-", dir="/tmp"))
    server = PrivateTmux(folder)
    try:
        yield Desk(server)
    finally:
        server.kill()
        see_demos_go(folder)
        shutil.rmtree(folder, ignore_errors=True)


async def test_why_an_agent_is_stuck_is_one_key_away(desk: Desk) -> None:
    await desk.begun()
    await desk.press("1", ".", "w")
    await desk.shows("[Why]", "decided by")
    await desk.press("[")
    await desk.shows("[Screen]")


async def test_a_conflict_is_decided_and_the_decision_taken_back(desk: Desk) -> None:
    await desk.begun()
    await desk.press("3", "Enter")
    await desk.shows("Conflict C-1", "not decided")
    await desk.press("t", "Enter")
    await desk.shows("C-1: T-11 due is Monday", "took you over file; z undoes")
    await desk.press("z")
    await desk.shows("undone: resolve C-1", "◆ C-1  T-11 due")


async def test_a_task_is_rolled_back_and_that_undone(desk: Desk) -> None:
    await desk.begun()
    await desk.press("2", "H")
    await desk.shows("Timeline", "row 20,001 has no price")
    await desk.press("j", "R")
    await desk.shows("Roll back task T-6 to revision 3", "failed -> running", "files are not")
    await desk.press("Tab", "Enter")
    await desk.shows("T-6 is back at revision 3, as revision 5")
    await desk.press("Escape")
    await desk.shows("3 Conflicts", "● running  T-6")
    await desk.press("z")
    await desk.shows("undone: revert T-6 to 3", "✗ failed   T-6")


async def test_what_is_filtered_is_marked_and_acted_on_at_once(desk: Desk) -> None:
    await desk.begun()
    await desk.press("1", "/")
    await desk.shows("/words, field:value")
    await desk.press(*"codex", "Enter")
    await desk.shows("/codex", "3 of 11")
    await desk.press("*")
    await desk.shows("3 marked")
    await desk.press("x")
    await desk.shows("End 3 agents")
    await desk.press("Escape", "Escape", "Escape")
    await desk.shows("1 Agents ──", "claude-1")


async def test_an_agent_is_visited_and_the_dashboard_stands_there_again(desk: Desk) -> None:
    await desk.begun()
    await desk.press("1", "g", "a")
    await desk.shows("prefix d returns")
    await desk.press("C-b", "d")
    await desk.shows("1 Agents", "2 Tasks", "3 Conflicts")


async def test_it_fits_whatever_size_the_terminal_takes_while_agents_work(desk: Desk) -> None:
    await desk.begun()
    for width, height in ((80, 24), (60, 15), (200, 50), (40, 10), (120, 36), (160, 48)):
        desk.resize(width, height)
        wanted = "too small" if width < 60 else "claude-1" if height > 15 else "1 Agents"
        await desk.shows(wanted)
    await desk.shows("1 Agents", "2 Tasks", "3 Conflicts", "4 Sync", "? keys")


async def test_two_ctrl_c_leave_nothing_behind(desk: Desk) -> None:
    await desk.begun()
    assert desk.demos()
    await desk.press("C-c")
    await desk.shows("ctrl+c again quits")
    await desk.press("C-c")
    await desk.shows("left with 0")
    await wait_for(lambda: not desk.demos(), 15)


LINK_BYTES_S = 60_000


class SlowLink:
    """A terminal that takes 60 kB a second, and keeps what it was sent."""

    def __init__(self, folder: Path, socket_path: str) -> None:
        argv = [str(ORC_TUI), "--socket-path", socket_path, "--workspace", str(folder / "ws")]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder),
            "TERM": "xterm-256color",
        }
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, environ)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
        self.seen = b""
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._over.is_set():
            if not select.select([self.fd], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self.fd, 2048)
            except OSError:
                return
            self.seen += data
            self._over.wait(len(data) / LINK_BYTES_S)

    def close(self) -> float:
        """Close the terminal; how many seconds the program takes to end."""
        self._over.set()
        self._reader.join()
        os.close(self.fd)
        began = time.monotonic()
        os.waitpid(self.pid, 0)
        return time.monotonic() - began


async def test_over_a_slow_link_a_key_is_answered_soon_while_agents_work(tmux: PrivateTmux) -> None:
    panes = [tmux.start("exec cat", size="120x40"), *(tmux.window() for _ in range(9))]
    link = SlowLink(tmux.folder, tmux.socket_path)
    try:
        await wait_for(lambda: b"main:0" in link.seen or b"other" in link.seen, 20)
        for step in range(20):
            for pane in panes:
                tmux.write(pane, f"line {step} of {pane}\r\n")
            await asyncio.sleep(0.05)
        began, before = time.monotonic(), len(link.seen)
        os.write(link.fd, b"?")
        await wait_for(lambda: b"Keys of" in link.seen[before:], 10)
        assert time.monotonic() - began < 3.0
    finally:
        took = await asyncio.to_thread(link.close)
    assert took < 6.0
