"""Answering in the real dashboard, in a real terminal: keys in, screen out."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from clocks import wait_for
from orc_tui.screens.answer import GUARD_S
from private_tmux import PrivateTmux

PROGRAM = Path(__file__).with_name("programs") / "claude"
ORC_TUI = Path(sys.executable).with_name("orc-tui")


class Terminal:
    """A terminal in which the dashboard runs, beside agents in the same server."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux, self.pressed = tmux, 0
        self.pane = ""

    def agent(self, mode: str, number: int = 1) -> None:
        command = f"exec {sys.executable} {PROGRAM} {mode} {self.tmux.folder}/keys-{number}"
        if self.tmux.sessions():
            self.tmux.window(command)
        else:
            self.tmux.start(command, size="120x36")

    async def open(self) -> None:
        self.pane = self.tmux.window(
            f"env ORC_WORKSPACE={self.tmux.folder}/ws XDG_STATE_HOME={self.tmux.folder}"
            f" XDG_RUNTIME_DIR={self.tmux.folder} PATH={os.environ['PATH']}"
            f" {ORC_TUI} --socket-path {self.tmux.socket_path}; exec cat"
        )
        self.tmux.run("select-window", "-t", self.pane)

    @property
    def title(self) -> str:
        return self.tmux.run("display-message", "-p", "-t", self.pane, "#{pane_title}")

    @property
    def screen(self) -> str:
        return self.tmux.screen(self.pane)

    async def shows(self, text: str, within_s: float = 20.0) -> None:
        try:
            await wait_for(lambda: text in self.screen, within_s)
        except BaseException as error:
            error.add_note(self.screen)
            raise

    async def press(self, key: str) -> None:
        """Press a key, with what is to be read on the screen for as long as it takes to count."""
        loop = asyncio.get_running_loop()
        read_at = loop.time() + GUARD_S * 1.5
        await wait_for(lambda: loop.time() >= read_at)
        self.pressed += 1
        self.tmux.run("send-keys", "-t", self.pane, key)

    def keys(self, number: int = 1) -> list[str]:
        """What was typed into an agent."""
        noted = self.tmux.folder / f"keys-{number}"
        return noted.read_text().split() if noted.exists() else []


@pytest.fixture
def terminal(tmux: PrivateTmux) -> Terminal:
    return Terminal(tmux)


async def test_six_prompts_are_answered_with_seven_keys(terminal: Terminal) -> None:
    for number in range(6):
        terminal.agent("ask", number)
    await terminal.open()
    await terminal.shows("6 waiting")
    await wait_for(lambda: terminal.title == "orc: 6 waiting")
    await terminal.press("y")
    for number in range(1, 7):
        await terminal.shows(f"Answer  {number} of 6")
        await terminal.press("y")
    await terminal.shows("6 answered")
    assert terminal.pressed == 7
    assert [terminal.keys(number) for number in range(6)] == [["'1'"]] * 6
    await wait_for(lambda: terminal.title == "orc")
    await wait_for(lambda: "waiting" not in terminal.screen)
    assert "sent, went on" in terminal.screen and "the next prompt comes up here" in terminal.screen


async def test_no_key_gets_past_the_card_between_two_prompts_of_an_agent(
    terminal: Terminal,
) -> None:
    terminal.agent("again")
    await terminal.open()
    await terminal.shows("1 waiting")
    await terminal.press("y")
    for number, step in enumerate(("migrate", "step-2", "step-3"), 1):
        await terminal.shows(f"Answer  {number} of {number}")
        assert f"npm run {step}" in terminal.screen
        await terminal.press("y")
        await terminal.shows("nobody asks now")
        await terminal.press("n")
        await terminal.press("x")
    assert terminal.keys() == ["'1'"] * 3
    assert "End claude" not in terminal.screen, "x reached nobody"
    await terminal.press("q")
    await wait_for(lambda: "nobody asks now" not in terminal.screen)
    before = terminal.tmux.run("display-message", "-p", "-t", "main:0", "#{pane_title}")
    await terminal.press("q")
    await wait_for(lambda: terminal.title == before)


async def test_marked_agents_that_ask_the_same_are_answered_as_one(terminal: Terminal) -> None:
    for number in range(3):
        terminal.agent("ask", number)
    await terminal.open()
    await terminal.shows("3 waiting")
    for key in ("g", "Space", "Space", "y"):
        await terminal.press(key)
    await terminal.shows("2 agents ask the same")
    assert "Answer  1 of 1" in terminal.screen
    await terminal.press("y")
    await terminal.shows("1 answered")
    assert terminal.screen.count("sent, went on") == 1
    await terminal.press("q")
    await terminal.shows("1 waiting")
    assert sorted(terminal.keys(number) for number in range(3)) == [[], ["'1'"], ["'1'"]]
