"""A tmux server that dies, stops, comes back or shows hostile panes; a watcher that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from clocks import TurnedClock, wait_for
from orc_core.clock import SystemClock
from orc_core.errors import TmuxBusy
from orc_core.model.health import LinkState
from orc_core.tmux.cadence import LIST_PHASE_S, OTHERS_S
from orc_core.tmux.control import ControlClient
from orc_core.tmux.turns import turn
from orc_core.tmux.watcher import Watcher
from private_tmux import PrivateTmux
from scarcity import no_more_files
from watches import watching


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_killed_server_is_one_state(
    tmux: PrivateTmux, clock: TurnedClock, number: signal.Signals
) -> None:
    tmux.start()
    tmux.window()
    async with watching(tmux.address, clock) as watch:
        tmux.signal(number)
        await watch.turn_until(lambda: watch.last.state is LinkState.GONE)
        await watch.turn(3)
        assert watch.gone == []
        assert not watch.last.complete and watch.last.sightings == ()
        assert watch.last.forks == 0
        assert watch.last.trouble == f"no tmux server at {tmux.socket_path}"


async def test_one_look_without_a_process_to_be_had_is_a_state(tmux: PrivateTmux) -> None:
    tmux.start()
    watcher = Watcher(tmux.address, SystemClock())
    with no_more_files():
        tick = await watcher.once()
    assert tick.state is LinkState.STALE and not tick.complete
    assert "Too many open files" in tick.trouble


async def test_what_cannot_be_captured_is_not_tried_again_and_again(tmux: PrivateTmux) -> None:
    pane = tmux.start()
    clock = TurnedClock(now=1000.0 + LIST_PHASE_S + 0.001)
    async with watching(tmux.address, clock) as watch:
        await watch.turn(2)
        tmux.write(pane, "last words")
        control = watch.watcher._link._control
        assert control is not None
        tmux.signal(signal.SIGKILL)
        # Until its end is seen, a socket that is gone may only have been removed.
        await wait_for(control.closed.is_set, 15.0)
        await wait_for(lambda: watch.watcher._cadence.noticed and clock.sleepers)
        seen = len(watch.ticks)
        clock.turn(OTHERS_S + 0.01)  # a capture is due, and no list
        await wait_for(lambda: len(watch.ticks) > seen)
        assert watch.last.state is LinkState.GONE
        await watch.turn(2)
        assert len(watch.ticks) == seen + 3


async def test_panes_of_a_restarted_server_are_others(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start("printf before; exec cat")
    tmux.window()
    async with watching(tmux.address, clock) as watch:
        old = [sighting.info.pane for sighting in watch.last.sightings]
        born = int(tmux.run("display-message", "-p", "#{start_time}"))
        tmux.signal(signal.SIGKILL)
        await watch.turn_until(lambda: watch.last.state is LinkState.GONE)
        await wait_for(lambda: time.time() >= born + 1)
        again = tmux.start("printf after; exec cat")
        await watch.turn_until(lambda: watch.lines[again] == ("after",))
        assert watch.last.state is LinkState.LIVE
        (new,) = [sighting.info.pane for sighting in watch.last.sightings]
        assert new.key == old[0].key and new.server_start > old[0].server_start
        await watch.turn_until(lambda: watch.gone)
        # the first one's number was given anew; the second is gone
        assert watch.gone == [old[1]]


async def test_a_stopped_server_changes_nothing_and_is_taken_up_again(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    pane = tmux.start()
    async with watching(tmux.address, clock) as watch:
        await watch.turn(2)
        refs = [sighting.info.pane for sighting in watch.last.sightings]
        tmux.signal(signal.SIGSTOP)
        began = time.monotonic()
        await watch.turn_until(lambda: watch.last.state is LinkState.STALE)
        assert time.monotonic() - began < 2.5
        assert not watch.last.complete and "did not answer" in watch.last.trouble
        await watch.turn(2)
        assert watch.last.state is LinkState.STALE
        assert watch.gone == []
        tmux.signal(signal.SIGCONT)
        await watch.turn_until(lambda: watch.last.complete)
        tmux.write(pane, "back")
        await watch.turn_until(lambda: watch.lines[pane] == ("back",))
        await watch.turn_until(lambda: watch.last.state is LinkState.LIVE)
        assert [sighting.info.pane for sighting in watch.last.sightings] == refs
        assert watch.gone == []
    await wait_for(lambda: tmux.sessions() == ["main"])


async def test_a_wedged_connection_is_replaced_by_processes_and_tried_again(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    pane = tmux.start()
    async with watching(tmux.address, clock) as watch:
        await watch.turn(2)
        control = watch.watcher._link._control
        assert control is not None
        control._process.pause_reading()
        await watch.turn_until(lambda: watch.last.state is LinkState.STALE)
        await watch.turn()
        assert watch.last.state is LinkState.SYNC
        assert watch.last.complete and watch.last.forks >= 1
        tmux.write(pane, "slower")
        await watch.turn_until(lambda: watch.lines[pane] == ("slower",))
        await watch.turn_until(lambda: watch.last.state is LinkState.LIVE)
        await wait_for(lambda: len(tmux.sessions()) == 2)


async def test_losing_our_session_is_no_trouble(tmux: PrivateTmux, clock: TurnedClock) -> None:
    pane = tmux.start()
    async with watching(tmux.address, clock) as watch:
        for round_number in range(3):
            tmux.run("kill-session", "-t", f"=_orc-{os.getpid()}")
            tmux.write(pane, f"\r{round_number}")
            await watch.turn_until(lambda: watch.lines[pane] == (str(round_number),))  # noqa: B023
            await watch.turn_until(lambda: watch.last.state is LinkState.LIVE)
        assert all(tick.complete for tick in watch.ticks)


def comers(tmux: PrivateTmux) -> bool:
    """Whether a control client of ours runs, by whichever program it came."""
    return bool(running(f"introducer.py {tmux.socket_path}") or running(f"{tmux.socket_path} -C"))


def running(piece: str) -> bool:
    """Whether some process has that piece in its arguments."""
    shown = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
    return piece in shown.stdout


WATCH = """
import asyncio, sys
from orc_core.clock import SystemClock
from orc_core.tmux.server import Address
from orc_core.tmux.watcher import Watcher
async def main():
    async for tick in Watcher(Address(sys.argv[1]), SystemClock()).ticks():
        print(tick.state, flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("head_start_s", [0.0, 0.001, 0.002, 0.004, 0.3])
async def test_neither_server_nor_session_suffers_when_the_watcher_is_killed(
    tmux: PrivateTmux, head_start_s: float
) -> None:
    tmux.start()
    argv = [sys.executable, "-c", WATCH, tmux.socket_path]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as child:
        try:
            await wait_for(lambda: running(f"-s _orc-{child.pid} "), 10.0)
            end = time.monotonic() + head_start_s
            await wait_for(lambda: time.monotonic() >= end)
        finally:
            child.kill()
    # Other clients come and go meanwhile, which is when tmux 3.3a trips.
    await wait_for(lambda: tmux.sessions() == ["main"] and not comers(tmux))
    assert tmux.pid == int(tmux.run("display-message", "-p", "#{pid}"))


@pytest.mark.parametrize("steps", [0, 1, 3, 6, 12, 40])
async def test_neither_server_nor_session_suffers_when_opening_is_cancelled(
    tmux: PrivateTmux, steps: int
) -> None:
    tmux.start()
    task = asyncio.ensure_future(ControlClient.open(tmux.address))
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_for(lambda: tmux.sessions() == ["main"] and not comers(tmux))
    assert tmux.pid == int(tmux.run("display-message", "-p", "#{pid}"))


async def test_no_server_suffers_when_several_watchers_come_and_go_at_once(
    tmux: PrivateTmux,
) -> None:
    """tmux 3.3a dies where a session comes or goes while a control client introduces itself."""
    tmux.start()

    async def come_and_go() -> None:
        done = 0
        while done < 20:
            with contextlib.suppress(TmuxBusy):
                client = await ControlClient.open(tmux.address)
                await client.request("list-sessions")
                await client.close()
                done += 1

    await asyncio.gather(*(come_and_go() for _ in range(3)))
    await wait_for(lambda: tmux.sessions() == ["main"])
    assert tmux.pid == int(tmux.run("display-message", "-p", "#{pid}"))


async def test_no_server_suffers_when_windows_are_chosen_while_a_client_comes(
    tmux: PrivateTmux,
) -> None:
    """tmux 3.3a dies of what it tells a control client whose introduction is not complete."""
    tmux.start()
    tmux.window()
    choose = f"tmux -N -S {tmux.socket_path} next-window -t =main: >/dev/null 2>&1 || exit"
    restless = subprocess.Popen(["sh", "-c", f"while :; do {choose}; done"], cwd=tmux.folder)
    try:
        for _ in range(60):
            client = await ControlClient.open(tmux.address)
            await client.request("list-sessions")
            await client.close()
    finally:
        restless.kill()
        restless.wait(timeout=5.0)
    await wait_for(lambda: tmux.sessions() == ["main"])
    assert tmux.pid == int(tmux.run("display-message", "-p", "#{pid}"))


async def test_who_takes_too_long_to_come_keeps_nobody_waiting(tmux: PrivateTmux) -> None:
    tmux.start()
    async with turn(tmux.address, within_s=1.0) as ours:
        assert ours
        with pytest.raises(TmuxBusy):
            await ControlClient.open(tmux.address)
    client = await ControlClient.open(tmux.address)
    async with turn(tmux.address, within_s=1.0):
        await client.close()
    await wait_for(lambda: tmux.sessions() == ["main"])


async def test_hostile_screens_are_harmless(tmux: PrivateTmux, clock: TurnedClock) -> None:
    script = tmux.folder / "hostile"
    script.write_bytes(
        b"\x1b]52;c;QQ==\x07\x1b]0;#(touch P) \xe2\x80\xae[/]\x07\x1bPtmux;\x1b\x1b]0;x\x07\x1b\\"
        b"[@click=app.bell]x[/] \x9b31m\xff\xfe \xe2\x80\xaeturned\xe2\x80\xac\r\n"
        b"%end 1 1 1\r\n%begin 1 1 1\r\n%exit\r\n" + b"e" + b"\xcc\x81" * 5000 + b"\r\n"
        b"\x1b(0lqqk\x1b(B \x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\\r\n\x1b]0;unterminated"
    )
    hostile = tmux.start("cat hostile; exec sleep 1000")
    quiet = tmux.window("printf quiet; exec cat")
    async with watching(tmux.address, clock) as watch:
        watch.watcher.select(f"{tmux.socket_path}:{hostile}")
        await watch.turn_until(lambda: "link" in str(watch.screens.get(hostile)))
        text = "".join(watch.lines[hostile])
        assert all(char.isprintable() or char == "\u0301" for char in text)
        assert "%end 1 1 1" in watch.lines[hostile]
        assert watch.lines[hostile][-1] == "┌──┐ link"
        assert text.count("\u0301") <= 3
        assert watch.lines[quiet] == ("quiet",)
        await watch.turn(3)
        assert watch.last.state is LinkState.LIVE
    assert not (tmux.folder / "P").exists()


@pytest.mark.parametrize("strategy", ["async", "sync"])
async def test_hostile_names_are_only_names(
    tmux: PrivateTmux, clock: TurnedClock, strategy: str
) -> None:
    evil = "#(touch P)\n%end 1 1 1\n#{pid}|x;\t🎉\x1b[31m 'q' \"d\" $HOME `id` \\"
    folder = tmux.folder / evil
    folder.mkdir()
    pane = tmux.start()
    tmux.run("rename-session", "-t", "=main", "s##(touch P) ;'\"$HOME")
    (session,) = tmux.sessions()
    tmux.run("rename-window", "w##(touch P)\t;'\"🎉")
    tmux.run("select-pane", "-t", pane, "-T", "t##(touch P) | ;'\" %H ✳")
    # not by -c, which would expand the name
    inside = tmux.window(f"cd {tmux.folder}/*end*; exec sleep 1000", session=session)
    async with watching(tmux.address, clock, strategy=strategy) as watch:  # type: ignore[arg-type]

        def cwd() -> str:
            found = [s.info.cwd for s in watch.last.sightings if s.info.pane.pane_id == inside]
            return found[0] if found else ""

        await watch.turn_until(lambda: "end" in cwd())
        infos = {s.info.pane.pane_id: s.info for s in watch.last.sightings}
        assert infos[pane].session == session
        assert infos[pane].window.startswith("w#(touch P)")
        assert infos[pane].title == "t#(touch P) | ;'\" %H ✳"
        assert cwd() == f"{tmux.folder}/" + evil.translate({9: "?", 10: "?", 27: "?"})
        assert all(tick.complete for tick in watch.ticks)
    assert not (tmux.folder / "P").exists()
    assert not (folder / "P").exists()


async def test_a_flood_is_looked_at_at_our_own_pace(tmux: PrivateTmux) -> None:
    flood, quiet = tmux.start("exec yes"), tmux.window()
    watcher = Watcher(tmux.address, SystemClock())
    watcher.select(f"{tmux.socket_path}:{flood}")
    forks: list[int] = []
    seen: set[str] = set()
    began = time.monotonic()
    ticks = watcher.ticks()
    try:
        async for tick in ticks:
            forks.append(tick.forks)
            seen |= {s.info.pane.pane_id for s in tick.sightings}
            if len(forks) == 3:
                tmux.write(quiet, "still here")
            if time.monotonic() - began > 1.5:
                break
    finally:
        await ticks.aclose()  # type: ignore[attr-defined]
    assert seen == {flood, quiet}
    assert max(forks[1:]) == 1
    assert sum(forks[1:]) <= 22


async def test_a_very_long_line_is_cut(tmux: PrivateTmux, clock: TurnedClock) -> None:
    pane = tmux.start("head -c 200000 /dev/zero | tr '\\0' x; exec sleep 1000", size="400x50")
    async with watching(tmux.address, clock) as watch:
        await watch.turn_until(lambda: len(watch.lines.get(pane, ())) == 50)
        assert {len(line) for line in watch.lines[pane][:-1]} == {400}
