"""The real program behind a link that takes little: what is shown yields, what is asked is done."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from clocks import wait_for
from private_tmux import PrivateTmux

ORC_TUI = Path(sys.executable).with_name("orc-tui")
LINK = Path(__file__).with_name("programs") / "slow_link.py"
BUSY = "while :; do head -c 900 /dev/urandom | base64; sleep 0.2; done"


class Far:
    """A dashboard over a busy server, whose terminal is behind a link."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux = tmux
        self._rate = tmux.folder / "rate"
        self.take(0)
        tmux.start(BUSY, size="80x24")
        home = f"env HOME={tmux.folder} XDG_STATE_HOME={tmux.folder} PATH={os.environ['PATH']}"
        options = f"--socket-path {tmux.socket_path} --workspace {tmux.folder}/work"
        link = f"{sys.executable} {LINK} {self._rate}"
        self.pane = tmux.window(f"{home} {link} {ORC_TUI} {options}; exec cat", name="desk")

    def take(self, bytes_s: int) -> None:
        """Let so many bytes a second pass, 0 for all."""
        self._rate.write_text(str(bytes_s))

    def type(self, keys: str) -> None:
        self.tmux.run("send-keys", "-l", "-t", self.pane, keys)

    async def shows(self, text: str, *, not_: str = "\0", within_s: float = 20.0) -> float:
        """Wait until it is on the screen; returns how many seconds that took."""

        def is_so() -> bool:
            screen = self.tmux.screen(self.pane)
            return text in screen and not_ not in screen

        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await wait_for(is_so, within_s)
        except BaseException as error:
            error.add_note(self.tmux.screen(self.pane))
            raise
        return loop.time() - began


@pytest.mark.timeout(90)  # so much time passes on a link of 2 kB a second
async def test_on_a_slow_link_less_is_drawn_and_all_that_is_asked_is_done(
    tmux: PrivateTmux,
) -> None:
    far = Far(tmux)
    await far.shows("main:0", not_="slow link")
    far.take(60_000)
    far.type("?")
    await far.shows("Keys of", within_s=10.0)
    far.type("q")
    await far.shows("2 Tasks", not_="Keys of", within_s=10.0)
    far.take(2_000)
    await far.shows("slow link")
    far.type("2Nmade from afar\r")
    made = tmux.folder / "work" / "files" / "tasks" / "T-1.json"
    await wait_for(made.exists, 5.0)
    far.take(0)
    await far.shows("made from afar")
    await far.shows("live", not_="slow link")
