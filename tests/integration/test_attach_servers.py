"""The way into an agent's pane: on the dashboard's own server, and on another one."""

from __future__ import annotations

from many_tmux import watched
from orc_core.model.attach import How
from private_tmux import PrivateTmux, Sockets


async def test_the_way_leads_to_the_server_of_the_agent(sockets: Sockets) -> None:
    own, work = sockets.server("default"), sockets.server("work")
    own.run("set-option", "-g", "prefix", "C-a")
    target = own.window("exec cat")
    environ = {
        **sockets.environ,
        "TMUX": f"{own.socket_path},{own.pid},0",
        "TMUX_PANE": "%0",
    }
    outer = sockets.server("outer", _client_of(own))
    async with watched(sockets, own, work, environ=environ) as lookout:
        await lookout.until(lambda: len(lookout.fleet.agents()) == 3)
        there = await lookout.fleet.attach_plan(f"{work.socket_path}:%0")
        assert (there.how, there.way_back) == (How.NEST, "C-b d")
        assert there.argv[there.argv.index("-S") + 1] == work.socket_path
        await lookout.until(lambda: _clients(own))
        here = await lookout.fleet.attach_plan(f"{own.socket_path}:{target}")
        assert here.how is How.SWITCH
        assert here.argv[here.argv.index("-S") + 1] == own.socket_path
    assert outer.sessions() == ["main"]  # nobody looked at that one


def _client_of(server: PrivateTmux) -> str:
    """The command of a terminal that shows the server's session."""
    return f"TMUX= exec tmux -u -S {server.socket_path} attach-session -t =main"


def _clients(server: PrivateTmux) -> str:
    """The terminals that show the server, without our own connection."""
    told = server.run("list-clients", "-F", "#{client_control_mode}")
    return told.replace("1", "").strip()
