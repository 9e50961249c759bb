"""Watching a real server: what is seen, what it costs, and that nothing of the user's changes."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clocks import TurnedClock, wait_for
from orc_core.clock import SystemClock
from orc_core.model.health import LinkState
from orc_core.model.snapshot import Span, Style
from orc_core.tmux.link import Link, Strategy
from orc_core.tmux.panes import Shot
from orc_core.tmux.watcher import PaneInfo, Watcher
from private_tmux import PrivateTmux
from watches import watching

BOTH = pytest.mark.parametrize("strategy", ["async", "sync"])


def world(tmux: PrivateTmux) -> dict[str, str]:
    """Everything about a server that watching must leave as it is."""
    asked = {
        "server options": ("show-options", "-s"),
        "global options": ("show-options", "-g"),
        "window options": ("show-options", "-gw"),
        "session options": ("show-options", "-t", "=main:"),
        "environment": ("show-environment", "-g"),
        "session environment": ("show-environment", "-t", "=main:"),
        "hooks": ("show-hooks", "-g"),
        "buffers": ("list-buffers",),
        "windows": ("list-windows", "-t", "=main:", "-F", "#{window_id} #{window_layout}"),
        "panes": ("list-panes", "-s", "-t", "=main:", "-F", "#{pane_id} #{pane_width} #{pane_pid}"),
    }
    return {name: tmux.run(*argv) for name, argv in asked.items()}


@contextmanager
def attached(tmux: PrivateTmux, *, width: int = 90, height: int = 25) -> Iterator[int]:
    """A user's terminal, attached to `main`; yields the master side of its pty."""
    import fcntl
    import struct
    import termios

    pid, master = pty.fork()
    if pid == 0:
        argv = ["tmux", "-u", "-S", tmux.socket_path, "attach", "-t", "=main"]
        os.execvpe("tmux", argv, tmux.environ)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    try:
        yield master
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(master)
        os.waitpid(pid, 0)


def clients(tmux: PrivateTmux) -> list[str]:
    listed = tmux.run("list-clients", "-F", "#{client_session} #{client_width}", check=False)
    return sorted(listed.splitlines())


@BOTH
async def test_all_panes_are_seen_at_once(
    tmux: PrivateTmux, clock: TurnedClock, strategy: Strategy
) -> None:
    first = tmux.start("printf hello; exec cat")
    second = tmux.window("printf 'a\\033[31mred'; exec cat", name="logs")
    await wait_for(lambda: "red" in tmux.screen(second))
    async with watching(tmux.address, clock, strategy=strategy) as watch:
        await watch.turn_until(lambda: len(watch.lines) == 2)
        assert watch.lines == {first: ("hello",), second: ("ared",)}
        infos = {s.info.pane.pane_id: s.info for s in watch.last.sightings}
        assert infos[first].where == "main:0.0"
        assert infos[first].active and not infos[second].active
        assert infos[second].window == "logs"
        assert infos[second].command == "cat"
        assert infos[second].tty == tmux.tty(second)
        assert (infos[second].width, infos[second].height) == (100, 30)
        assert infos[first].pane.key == f"{tmux.socket_path}:{first}"
        assert watch.last.complete
        assert watch.last.state is (LinkState.LIVE if strategy == "async" else LinkState.SYNC)


async def test_a_quiet_server_costs_no_process(tmux: PrivateTmux, clock: TurnedClock) -> None:
    pane = tmux.start("printf hello; exec cat")
    async with watching(tmux.address, clock) as watch:
        await watch.turn_until(lambda: watch.last.forks == 0)
        quiet = len(watch.ticks)
        await watch.turn(8)
        assert [tick.forks for tick in watch.ticks[quiet:]] == [0] * 8
        assert {s.lines for tick in watch.ticks[quiet:] for s in tick.sightings} == {None}
        tmux.write(pane, "more")
        await watch.turn_until(lambda: watch.lines[pane] == ("hellomore",))
        assert max(tick.forks for tick in watch.ticks[quiet:]) == 1


async def test_many_changes_cost_one_process(tmux: PrivateTmux, clock: TurnedClock) -> None:
    panes = [tmux.start(), *(tmux.window() for _ in range(9))]
    async with watching(tmux.address, clock) as watch:
        await watch.turn_until(lambda: watch.last.forks == 0)
        for pane in panes:
            tmux.write(pane, f"news of {pane}")
        seen = len(watch.ticks)
        await watch.turn_until(lambda: all(watch.lines[p] == (f"news of {p}",) for p in panes))
        assert max(tick.forks for tick in watch.ticks[seen:]) == 1


async def test_the_selected_pane_is_seen_in_colour(tmux: PrivateTmux, clock: TurnedClock) -> None:
    pane = tmux.start("printf 'plain \\033[1;31mred\\033[0m'; exec cat")
    await wait_for(lambda: "red" in tmux.screen(pane))
    async with watching(tmux.address, clock) as watch:
        watch.watcher.select(f"{tmux.socket_path}:{pane}")
        await watch.turn_until(lambda: pane in watch.screens)
        screen = watch.screens[pane]
        assert screen.lines[0] == (Span("plain ", Style()), Span("red", Style(fg=1, bold=True)))
        assert (screen.width, screen.height, screen.cursor) == (100, 30, (9, 0))
        assert screen.key == f"{tmux.socket_path}:{pane}"
        tmux.write(pane, "\x1b[?25l\x1b[2;1H")
        await watch.turn_until(lambda: watch.screens[pane].cursor is None)
        watch.watcher.select(None)
        watch.lines.clear()
        await watch.turn_until(lambda: watch.lines.get(pane) == ("plain red",))


async def test_changes_are_seen_in_time(tmux: PrivateTmux) -> None:
    selected, other = tmux.start(), tmux.window()
    watcher = Watcher(tmux.address, SystemClock())
    watcher.select(f"{tmux.socket_path}:{selected}")
    latest: dict[str, str] = {}

    async def gather() -> None:
        async for tick in watcher.ticks():
            for sighting in tick.sightings:
                if sighting.lines:
                    latest[sighting.info.pane.pane_id] = sighting.lines[-1]

    task = asyncio.ensure_future(gather())
    try:
        took: dict[str, list[float]] = {selected: [], other: []}
        for number in range(8):
            for pane in (selected, other):
                text = f"news {number}"
                tmux.write(pane, f"\r\n{text}")
                began = time.monotonic()
                await wait_for(lambda: latest.get(pane) == text)  # noqa: B023
                took[pane].append(time.monotonic() - began)
        assert sorted(took[selected])[5] < 0.2
        assert sorted(took[other])[5] < 0.5
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await watcher.close()
    assert tmux.sessions() == ["main"]


async def test_a_change_in_the_second_of_the_capture_is_not_lost(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    # What the kernel echoes is no write to the terminal: no mark, only the activity tells.
    pane = tmux.start("exec sleep 1000")
    async with watching(tmux.address, clock) as watch:
        for number in range(3):
            await watch.turn_until(lambda: watch.last.forks == 0)
            await wait_for(lambda: time.time() % 1.0 < 0.1)
            tmux.run("send-keys", "-t", pane, "-l", f"a{number}")
            await watch.turn_until(lambda: str(watch.lines[pane]).endswith(f"a{number}',)"))  # noqa: B023
            tmux.run("send-keys", "-t", pane, "-l", "b")
            await watch.turn_until(lambda: str(watch.lines[pane]).endswith(f"a{number}b',)"))  # noqa: B023


async def test_what_happens_to_panes_is_told(tmux: PrivateTmux, clock: TurnedClock) -> None:
    stays, dies = tmux.start(), tmux.window("exec sleep 1000", name="short")
    tmux.run("set-option", "-g", "remain-on-exit", "on")
    async with watching(tmux.address, clock) as watch:

        def info(pane_id: str) -> PaneInfo:
            return next(s.info for s in watch.last.sightings if s.info.pane.pane_id == pane_id)

        tmux.run("rename-window", "-t", dies, "long")
        tmux.run("select-pane", "-t", dies, "-T", "✳ ready")
        await watch.turn_until(lambda: info(dies).window == "long")
        await watch.turn_until(lambda: info(dies).title == "✳ ready")
        before = info(dies).pane
        os.kill(before.pid, signal.SIGTERM)
        await watch.turn_until(lambda: info(dies).dead)
        # tmux 3.3a misses the end of some children until another one ends
        tmux.run("run-shell", "true")
        await watch.turn_until(lambda: info(dies).dead_signal == signal.SIGTERM)
        tmux.run("respawn-pane", "-t", dies, "exec cat")
        await watch.turn_until(lambda: info(dies).pane != before)
        assert not info(dies).dead
        assert watch.gone == []
        last = info(dies).pane
        tmux.run("kill-pane", "-t", dies)
        await watch.turn()
        assert watch.gone == []
        await watch.turn_until(lambda: watch.gone == [last])
        assert [s.info.pane.pane_id for s in watch.last.sightings] == [stays]


async def test_panes_on_a_dashboards_own_terminal_are_never_captured(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    mirror, other = tmux.start("printf mirror; exec cat"), tmux.window("printf seen; exec cat")
    skipped = {tmux.tty(mirror)}
    async with watching(tmux.address, clock, skip_ttys=lambda: skipped) as watch:
        watch.watcher.select(f"{tmux.socket_path}:{mirror}")
        await watch.turn_until(lambda: other in watch.lines)
        tmux.write(mirror, "again")
        await watch.turn(3)
        assert list(watch.lines) == [other]
        assert watch.screens == {}
        assert len(watch.last.sightings) == 2


async def test_once_sees_everything_and_leaves_no_trace(tmux: PrivateTmux) -> None:
    pane = tmux.start("printf hello; exec cat")
    await wait_for(lambda: tmux.screen(pane) == "hello")
    before = world(tmux)
    tick = await Watcher(tmux.address, SystemClock()).once()
    assert [(s.info.pane.pane_id, s.lines) for s in tick.sightings] == [(pane, ("hello",))]
    assert (tick.state, tick.complete, tick.forks) == (LinkState.LIVE, True, 2)
    assert world(tmux) == before
    assert tmux.sessions() == ["main"]


async def test_watching_changes_nothing_of_the_users(tmux: PrivateTmux, clock: TurnedClock) -> None:
    tmux.start()
    tmux.window(name="second")
    tmux.run("set-environment", "-t", "=main:", "SSH_AUTH_SOCK", "/user/agent")
    tmux.run("set-environment", "-t", "=main:", "DISPLAY", ":7")
    tmux.run("set-hook", "-g", "pane-died", "display-message died")
    with attached(tmux):
        await wait_for(lambda: clients(tmux) == ["main 90"])
        before = world(tmux)
        assert " 90x24," in before["windows"] or ",90x24," in before["windows"]
        async with watching(tmux.address, clock) as watch:
            await watch.turn(4)
            assert world(tmux) == before
            assert [name for name in tmux.sessions() if name != "main"] == [f"_orc-{os.getpid()}"]
            sessions = {s.info.session for s in watch.last.sightings}
            assert sessions == {"main"}
            assert {s.info.session_attached for s in watch.last.sightings} == {1}
        assert world(tmux) == before
        assert clients(tmux) == ["main 90"]
    assert tmux.sessions() == ["main"]


async def test_dashboards_do_not_see_each_other(tmux: PrivateTmux, clock: TurnedClock) -> None:
    pane = tmux.start()
    async with watching(tmux.address, clock) as one, watching(tmux.address, clock) as two:
        assert len([name for name in tmux.sessions() if name.startswith("_orc-")]) == 2
        for watch in (one, two):
            await wait_for(lambda: clock.sleepers == 2)
            await watch.turn()
            assert [s.info.pane.pane_id for s in watch.last.sightings] == [pane]


async def test_the_server_is_not_kept_alive_for_us(tmux: PrivateTmux, clock: TurnedClock) -> None:
    tmux.start()
    async with watching(tmux.address, clock) as watch:
        assert watch.last.state is LinkState.LIVE
        tmux.run("kill-session", "-t", "=main")
        await watch.turn_until(lambda: watch.last.state is LinkState.GONE)
        assert tmux.sessions() == []
        assert not watch.last.complete


async def test_a_server_without_sessions_gets_none_from_us(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    tmux.run("set-option", "-s", "exit-empty", "off")
    async with watching(tmux.address, clock) as watch:
        tmux.run("kill-session", "-t", "=main")
        await watch.turn_until(lambda: not watch.last.sightings)
        await watch.turn(3)
        assert tmux.sessions() == []
        assert watch.last.complete and watch.last.state is LinkState.LIVE
        tmux.run("new-session", "-d", "-s", "main", "exec cat")
        await watch.turn_until(lambda: len(watch.last.sightings) == 1)


async def test_a_user_thrown_into_our_session_is_let_go(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    tmux.run("new-session", "-d", "-s", "other", "exec cat")
    tmux.run("set-option", "-g", "detach-on-destroy", "off")
    with attached(tmux):
        await wait_for(lambda: clients(tmux) == ["main 90"])
        async with watching(tmux.address, clock) as watch:
            ours = f"_orc-{os.getpid()}"
            await watch.turn()
            tty = tmux.run("list-clients", "-t", "=main", "-F", "#{client_name}")
            tmux.run("switch-client", "-c", tty, "-t", f"={ours}")
            assert any(line == f"{ours} 90" for line in clients(tmux))
            await watch.turn_until(lambda: f"{ours} 90" not in clients(tmux))
            assert any(line in ("main 90", "other 90") for line in clients(tmux))


async def test_a_pane_that_is_gone_spoils_no_other_capture(tmux: PrivateTmux) -> None:
    first, second = tmux.start("printf one; exec cat"), tmux.window("printf two; exec cat")
    await wait_for(lambda: tmux.screen(first) == "one" and tmux.screen(second) == "two")
    link = Link(tmux.address, SystemClock(), "sync")
    shots: list[Shot] = []
    await link.captures([(first, False), ("%77", False), (second, False)], shots.extend)
    assert [(shot.pane_id, shot.raw.strip()) for shot in shots] == [(first, "one"), (second, "two")]


async def test_captures_over_the_connection_read_the_same(tmux: PrivateTmux) -> None:
    panes = [tmux.start("printf one; exec cat"), *(tmux.window("printf x; exec cat") for _ in "ab")]
    await wait_for(lambda: tmux.screen(panes[-1]) == "x" and tmux.screen(panes[0]) == "one")
    link = Link(tmux.address, SystemClock(), "async")
    try:
        await link.listing(0)
        by_process: list[Shot] = []
        over_control: list[Shot] = []
        await link.captures([(pane, True) for pane in panes], by_process.extend)
        assert link._control is not None
        link._control.version = (3, 6)
        forks = link.forks
        await link.captures([(pane, True) for pane in [*panes, "%77"]], over_control.extend)
        assert link.forks == forks
        assert [shot.raw for shot in over_control] == [shot.raw for shot in by_process]
    finally:
        await link.close()
