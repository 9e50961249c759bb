"""Keys that come faster than the screen follows, on the real program in a real terminal.

What belongs together is sent in one write to the terminal, as a paste or a far link brings it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clocks import wait_for
from private_tmux import PrivateTmux, see_demos_go

ORC_TUI = Path(sys.executable).with_name("orc-tui")
pytestmark = pytest.mark.timeout(60)  # fifty rounds in all, each with a screen to wait for

ROUNDS = 20
TASKS = 10


class Desk:
    """The dashboard over the server in which it runs."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux = tmux
        self.has_tasks = False
        tmux.start("exec cat", size="120x36")
        argv = f"{ORC_TUI} --socket-path {tmux.socket_path} --workspace {tmux.folder}/work"
        home = f"env HOME={tmux.folder} XDG_STATE_HOME={tmux.folder} PATH={os.environ['PATH']}"
        self.pane = tmux.window(f"{home} {argv}; echo left with $?; exec cat", name="desk")

    @property
    def screen(self) -> str:
        return self.tmux.screen(self.pane)

    async def shows(self, *texts: str, without: str = "\0") -> None:
        def is_so() -> bool:
            screen = self.screen
            return all(text in screen for text in texts) and without not in screen

        try:
            await wait_for(is_so, 20.0)
        except BaseException as error:
            error.add_note(self.screen)
            raise

    async def make_tasks(self) -> None:
        """Make the tasks that the tests are about, each by a key and what is typed after it."""
        if self.has_tasks:
            return
        await self.shows("1 Agents", "main:1", "all layers up")
        self.type("2")
        for number in range(TASKS):
            self.type(f"N{title(number)}\r")
            await self.shows(f"T-{number + 1} made: {title(number)}")
        self.has_tasks = True

    def type(self, keys: str) -> None:
        """Send all keys at once."""
        self.tmux.run("send-keys", "-l", "-t", self.pane, keys)


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


def title(number: int) -> str:
    return f"round-{number:02}"


async def test_a_form_that_a_key_opens_gets_what_is_typed_after_it(desk: Desk) -> None:
    await desk.make_tasks()
    await desk.shows(*map(title, range(TASKS)))


async def test_a_filter_is_kept_and_what_it_shows_marked(desk: Desk) -> None:
    await desk.make_tasks()
    close = ""
    for number in range(ROUNDS):
        wanted = title(number % TASKS)
        desk.type(f"{close}/{wanted}\r*")
        await desk.shows(f"/{wanted} ", "1 marked")
        close = "qq"
    desk.type(close)
    await desk.shows(title(0), without=" marked")


async def test_the_palette_takes_a_name_and_a_view_its_keys(desk: Desk) -> None:
    await desk.make_tasks()
    close = ""
    for _ in range(TASKS):
        desk.type(f"{close}:messages\r")
        await desk.shows("Messages", "made: round", without="2 Tasks")
        desk.type("q5]]")
        await desk.shows("[Checkpoints]", without="Messages")
        close = "q"
    desk.type(close)
    await desk.shows("2 Tasks")


async def test_a_dialog_is_answered_that_is_not_there_yet(desk: Desk) -> None:
    await desk.make_tasks()
    for number in range(TASKS):
        desk.type(f"/{title(number)}\rx\t\r")
        await desk.shows(f"T-{number + 1} is done", without="Done")
        desk.type("q")
