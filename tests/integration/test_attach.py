"""Attaching for real: two private tmux servers, and a small app that hands its terminal over."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App

from clocks import wait_for
from orc_core.errors import TmuxError, UsageError
from orc_core.model.agent import PaneRef
from orc_core.model.attach import How
from orc_core.tmux.attach import WindowSize, nest, plan_attach
from orc_core.tmux.server import Address, run
from orc_tui.attach import attach
from private_tmux import PrivateTmux

DASHBOARD = """
import asyncio, os, sys
from textual.app import App
from textual.widgets import Static
from orc_core.errors import OrcError
from orc_core.model.agent import PaneRef
from orc_core.tmux.attach import plan_attach
from orc_core.tmux.server import Address
from orc_tui.attach import attach

class Dashboard(App[None]):
    BINDINGS = [("a", "go"), ("q", "quit")]
    def compose(self):
        yield Static("ready", id="line")
    def action_go(self):
        self.run_worker(self.go())
    async def go(self):
        line = self.query_one("#line", Static)
        ticks = 0
        def tick():
            nonlocal ticks
            ticks += 1
            line.refresh()
            if ticks == 200:  # more frames than a dead writer's queue takes
                open(sys.argv[0] + ".drawn", "w").close()
        self.set_interval(0.005, tick)
        address = Address(sys.argv[1])
        pane = PaneRef(sys.argv[1], 0, sys.argv[2], 0)
        try:
            plan = await plan_attach(address, pane, os.environ)
            if sys.argv[3:]:
                object.__setattr__(plan, "argv", ("/nonexistent/tmux",))
            await attach(self, plan, "claude-1")
            line.update("back " + plan.way_back)
        except OrcError as error:
            line.update("fault " + str(error))

Dashboard().run()
"""


@pytest.fixture
def outer() -> Iterator[PrivateTmux]:
    """A second private server: the terminal that the dashboard runs in."""
    folder = Path(tempfile.mkdtemp(prefix="orc-", dir="/tmp"))
    server = PrivateTmux(folder)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def pane_of(server: PrivateTmux, pane_id: str) -> PaneRef:
    pid = server.run("display-message", "-p", "-t", pane_id, "#{pane_pid}")
    return PaneRef(server.socket_path, 0, pane_id, int(pid))


def dashboard(on: PrivateTmux, agent: PrivateTmux, pane_id: str, *more: str) -> str:
    """The command that runs the small app; its modules come from where ours do."""
    script = on.folder / "dashboard.py"
    script.write_text(DASHBOARD)
    path = ":".join(part for part in sys.path if part)
    words = [sys.executable, str(script), agent.socket_path, pane_id, *more]
    return f"PYTHONPATH='{path}' exec " + " ".join(f"'{word}'" for word in words)


async def test_nested_client_comes_back_and_leaves_no_trace(
    tmux: PrivateTmux, outer: PrivateTmux
) -> None:
    first = tmux.start("echo first; exec cat", name="shop", size="160x50")
    pane = tmux.window("echo the agent; exec cat", session="shop")
    options = [tmux.run("show-options", "-w", "-t", known) for known in (first, pane)]
    screen = outer.start(dashboard(outer, tmux, pane), size="100x30")
    await wait_for(lambda: "ready" in outer.screen(screen), 20)
    outer.run("send-keys", "-t", screen, "a")
    await wait_for(lambda: "the agent" in outer.screen(screen))
    await wait_for(lambda: "orc: C-b C-b d comes back" in outer.screen(screen))
    size = "#{window_width}x#{window_height}"
    assert tmux.run("display-message", "-p", "-t", pane, size) == "100x29"

    # It goes on behind the client: what it would draw fills nobody's queue.
    await wait_for((outer.folder / "dashboard.py.drawn").exists, 10)

    # `send-keys` reaches the pane itself, so the inner prefix alone is what arrives there.
    outer.run("send-keys", "-t", screen, "C-b", "d")
    await wait_for(lambda: "back C-b C-b d" in outer.screen(screen))
    await wait_for(lambda: tmux.run("display-message", "-p", "-t", pane, size) == "160x50")
    assert [tmux.run("show-options", "-w", "-t", known) for known in (first, pane)] == options
    assert tmux.run("list-clients") == ""


async def test_a_client_that_cannot_be_run_gives_the_terminal_back(
    tmux: PrivateTmux, outer: PrivateTmux
) -> None:
    pane = tmux.start(name="shop")
    screen = outer.start(dashboard(outer, tmux, pane, "broken"), size="100x30")
    await wait_for(lambda: "ready" in outer.screen(screen), 20)
    outer.run("send-keys", "-t", screen, "a")
    await wait_for(lambda: "fault tmux cannot be run" in outer.screen(screen))
    outer.run("send-keys", "-t", screen, "q")
    await wait_for(lambda: outer.sessions() == [])


async def test_own_server_switches_and_returns(tmux: PrivateTmux, outer: PrivateTmux) -> None:
    agent = tmux.start("echo the agent; exec cat", name="shop", size="100x30")
    tmux.run("new-session", "-d", "-s", "desk", "exec cat")
    other = tmux.window("echo another; exec cat", session="desk")
    own = tmux.run("list-panes", "-t", "=desk:", "-F", "#{pane_id}")
    env = {"TMUX": f"{tmux.socket_path},{tmux.pid},1", "TMUX_PANE": own}

    with pytest.raises(TmuxError, match="no terminal is attached"):
        await plan_attach(tmux.address, pane_of(tmux, agent), env)

    client = f"env -u TMUX -u TMUX_PANE tmux -u -S '{tmux.socket_path}' attach -t =desk"
    screen = outer.start(client, size="100x30")
    await wait_for(lambda: tmux.run("list-clients") != "")
    plan = await plan_attach(tmux.address, pane_of(tmux, agent), env)
    assert (plan.how, plan.way_back, plan.unset) == (How.SWITCH, "C-b L", ())
    await attach(App[None](), plan, "claude-1")
    await wait_for(lambda: "the agent" in outer.screen(screen))
    assert "orc: C-b L comes back" in outer.screen(screen)
    where = ("list-clients", "-F", "#{client_session}")
    outer.run("send-keys", "-t", screen, "C-b", "L")
    await wait_for(lambda: tmux.run(*where) == "desk")

    inside = await plan_attach(tmux.address, pane_of(tmux, other), env)
    assert inside.way_back == "C-b l"
    with pytest.raises(UsageError, match="this dashboard itself"):
        await plan_attach(tmux.address, pane_of(tmux, own), env)


async def test_a_pane_that_was_replaced_is_refused(tmux: PrivateTmux) -> None:
    pane = tmux.start()
    stale = PaneRef(tmux.socket_path, 0, pane, 1)
    with pytest.raises(TmuxError, match="is gone"):
        await plan_attach(tmux.address, stale, {})
    with pytest.raises(TmuxError):
        await plan_attach(tmux.address, PaneRef(tmux.socket_path, 0, "%99", 0), {})


async def test_sizes_come_back_with_the_option_they_had(tmux: PrivateTmux) -> None:
    pane = tmux.start(size="160x50")
    window = tmux.run("display-message", "-p", "-t", pane, "#{window_id}")
    tmux.run("set-option", "-w", "-t", window, "window-size", "smallest")
    plan = await plan_attach(tmux.address, pane_of(tmux, pane), {})
    assert plan.way_back == "C-b d"
    gone = WindowSize("@77", 10, 10)
    was = WindowSize(window, 160, 50, "smallest")
    both = nest(tmux.address, plan.pane, [gone, was], prefix="C-b")
    assert plan.after_stdin in both.after_stdin
    tmux.run("resize-window", "-t", window, "-x", "90", "-y", "20")
    # A window that is gone by now keeps no other from being put back.
    await run(tmux.address, "source-file", "-", stdin=both.after_stdin)
    size = "#{window_width}x#{window_height}"
    assert tmux.run("display-message", "-p", "-t", window, size) == "160x50"
    assert tmux.run("show-options", "-wv", "-t", window, "window-size") == "smallest"


def test_prefixes_that_differ_are_pressed_once() -> None:
    pane = PaneRef("/s", 0, "%1", 0)
    assert nest(Address("/s"), pane, [], prefix="C-b", outer_prefix="C-a").way_back == "C-b d"
    assert nest(Address("/s"), pane, [], prefix="C-b", outer_prefix="C-b").way_back == "C-b C-b d"
    assert nest(Address("/s"), pane, [], prefix="C-b").after_argv == ()
    manual = WindowSize("@1", 80, 24, "manual")
    assert nest(Address("/s"), pane, [manual], prefix="C-b").after_argv == ()
