"""What a user has on a tmux server stays as it is while it is watched, and after."""

from __future__ import annotations

import os
import signal

import pytest

from clocks import TurnedClock, wait_for
from orc_core.model.health import LinkState
from orc_core.tmux.control import ControlClient
from orc_core.tmux.guests import HIDDEN
from orc_core.tmux.link import Strategy
from private_tmux import PrivateTmux
from users import at_terminal, clients, dashboard, world
from watches import watching

BOTH = pytest.mark.parametrize("strategy", ["async", "sync"])


def hidden(tmux: PrivateTmux) -> list[str]:
    return [name for name in tmux.sessions() if HIDDEN.fullmatch(name)]


def home_of(tmux: PrivateTmux, pane: str) -> str:
    return tmux.run("display-message", "-p", "-t", pane, "#{session_name}", check=False)


@BOTH
async def test_nothing_of_the_users_is_touched(
    tmux: PrivateTmux, clock: TurnedClock, strategy: Strategy
) -> None:
    pane = tmux.start()
    tmux.run("set-option", "-gw", "automatic-rename", "off")
    rung = tmux.window(name="rung")
    tmux.run("split-window", "-d", "-t", rung, "exec cat")
    tmux.run("new-session", "-d", "-s", "second", "-x", "70", "-y", "20", "exec cat")
    tmux.run("set-option", "-g", "monitor-bell", "on")
    tmux.run("set-option", "-t", "=second:", "status", "off")
    tmux.run("set-option", "-w", "-t", rung, "main-pane-width", "44")
    tmux.run("set-option", "-p", "-t", rung, "@note", "mine")
    tmux.run("set-buffer", "-b", "mine", "text")
    tmux.run("set-hook", "-g", "pane-died", "display-message died")
    tmux.run("set-environment", "-t", "=main:", "SSH_AUTH_SOCK", "/user/agent")
    with at_terminal(tmux, "attach", "-t", "=main", environ={"SSH_AUTH_SOCK": "/user/agent"}):
        await wait_for(lambda: clients(tmux) == ["main"])
        tmux.write(rung, "\a")
        bells = ("list-windows", "-t", "=main:", "-F", "#{window_bell_flag}")
        await wait_for(lambda: tmux.run(*bells).split() == ["0", "1"])
        before = world(tmux)
        assert "90x24" in before["main: windows"] and "/user/agent" in before["main: environment"]
        async with watching(tmux.address, clock, strategy=strategy) as watch:
            await watch.turn(2)
            watch.watcher.select(f"{tmux.socket_path}:{pane}")
            await watch.turn_until(lambda: pane in watch.screens)
            await watch.turn(3)
            during = world(tmux)
            assert during == before
            assert len(hidden(tmux)) == (strategy == "async")
            assert {s.info.session for s in watch.last.sightings} == {"main", "second"}
        assert world(tmux) == before
        assert hidden(tmux) == []


async def test_a_plain_attach_finds_the_users_session(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    async with watching(tmux.address, clock) as watch:
        assert watch.last.state is LinkState.LIVE
        with at_terminal(tmux, "attach"):
            await wait_for(lambda: clients(tmux) == ["main"])
            # Once more: no session of theirs is free now, and ours is the newest.
            with at_terminal(tmux, "attach"):
                await wait_for(lambda: len(clients(tmux)) == 2)
                await watch.turn_until(lambda: clients(tmux) == ["main", "main"])
                await watch.turn(2)
                assert clients(tmux) == ["main", "main"]
    assert tmux.sessions() == ["main"]


async def test_whoever_is_in_our_session_when_we_leave_stays(tmux: PrivateTmux) -> None:
    tmux.start()
    control = await ControlClient.open(tmux.address)
    with at_terminal(tmux, "attach", "-t", f"={control.name}"):
        await wait_for(lambda: clients(tmux) == [control.name])
        await control.close()
        assert (clients(tmux), tmux.sessions()) == (["main"], ["main"])


async def test_who_has_no_other_session_keeps_ours(tmux: PrivateTmux) -> None:
    tmux.start()
    control = await ControlClient.open(tmux.address)
    tmux.run("kill-session", "-t", "=main")
    made = tmux.run("new-window", "-d", "-P", "-F", "#{pane_id}", "exec cat")
    assert not await control.give_back()
    assert home_of(tmux, made) == control.name
    await control.close()
    await wait_for(lambda: tmux.run("list-clients") == "")
    assert tmux.sessions() == [control.name.removeprefix("_")]
    assert tmux.run("list-panes", "-a", "-F", "#{pane_id}") == made


@pytest.mark.parametrize(
    "command", [("new-window",), ("new-window", "-d"), ("split-window",), ("split-window", "-d")]
)
async def test_a_command_without_a_target_goes_where_it_would_have_gone(
    tmux: PrivateTmux, clock: TurnedClock, command: tuple[str, ...]
) -> None:
    """tmux takes the newest session where it is told none, and ours may be that."""
    first = tmux.start()
    async with watching(tmux.address, clock) as watch:
        made = tmux.run(*command, "-P", "-F", "#{pane_id}", "printf here; exec cat")
        assert HIDDEN.fullmatch(home_of(tmux, made))
        await watch.turn_until(lambda: home_of(tmux, made) == "main")
        await watch.turn_until(lambda: watch.lines.get(made) == ("here",))
        current = tmux.run("display-message", "-p", "-t", "=main:", "#{pane_id}")
        assert current == (made if command == ("new-window",) else first)
        assert watch.last.state is LinkState.LIVE and len(hidden(tmux)) == 1
    assert tmux.sessions() == ["main"] and home_of(tmux, made) == "main"


async def test_a_window_made_in_our_session_outlives_us(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start()
    tmux.run("new-session", "-d", "-s", "newest", "exec cat")
    async with watching(tmux.address, clock):
        made = tmux.run("new-window", "-d", "-P", "-F", "#{pane_id}", "exec cat")
        pid = tmux.run("display-message", "-p", "-t", made, "#{pane_pid}")
        assert HIDDEN.fullmatch(home_of(tmux, made))
    assert sorted(tmux.sessions()) == ["main", "newest"]
    assert home_of(tmux, made) in ("main", "newest")  # made in the same second
    assert tmux.run("display-message", "-p", "-t", made, "#{pane_pid}") == pid


async def test_walking_through_the_sessions_leads_past_ours(
    tmux: PrivateTmux, clock: TurnedClock
) -> None:
    tmux.start(name="Before")  # tmux walks by name: this one, ours, the other
    tmux.run("new-session", "-d", "-s", "later", "exec cat")
    async with watching(tmux.address, clock) as watch:
        session = watch.watcher._link.session
        with at_terminal(tmux, "attach", "-t", "=Before") as terminal:
            await wait_for(lambda: clients(tmux) == ["Before"])
            for key, comes in ((b")", "later"), (b"(", "Before"), (b"(", "later")):
                os.write(terminal.fd, b"\x02" + key)
                await watch.turn_until(lambda: clients(tmux) == [comes])  # noqa: B023
        assert watch.last.state is LinkState.LIVE
        assert watch.watcher._link.session == session  # we did not have to leave for that


@pytest.mark.parametrize("way", ["q", "SIGTERM", "SIGHUP", "SIGKILL"])
async def test_the_dashboard_leaves_nothing_behind(tmux: PrivateTmux, way: str) -> None:
    tmux.start()
    before = world(tmux)
    with dashboard(tmux) as terminal:
        await wait_for(lambda: len(hidden(tmux)) == 1 and b"cat" in terminal.seen, 20.0)
        if way == "q":
            os.write(terminal.fd, b"q")
        else:
            os.kill(terminal.pid, signal.Signals[way])
        await wait_for(lambda: tmux.sessions() == ["main"], 15.0)
    assert world(tmux) == before
    assert tmux.run("list-clients") == ""
    assert tmux.pid == int(tmux.run("display-message", "-p", "#{pid}"))


@pytest.mark.parametrize("command", ["new-window", "split-window"])
async def test_what_stands_in_our_session_outlives_a_killed_dashboard(
    tmux: PrivateTmux, command: str
) -> None:
    """It is killed before it can see who came, or did not look since: it is stopped first."""
    tmux.start()
    with dashboard(tmux) as terminal:
        await wait_for(lambda: len(hidden(tmux)) == 1 and b"cat" in terminal.seen, 20.0)
        os.kill(terminal.pid, signal.SIGSTOP)
        made = tmux.run(command, "-d", "-t", f"={hidden(tmux)[0]}:", "-P", "-F", "#{pane_id}")
        os.kill(terminal.pid, signal.SIGKILL)
        await wait_for(lambda: tmux.sessions() == ["main"], 15.0)
    assert home_of(tmux, made) == "main"
    assert tmux.run("list-clients") == ""
