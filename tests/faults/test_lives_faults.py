"""Starting and ending agents while things go wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from clocks import wait_for
from lives_on_stage import agent_in, end, lives, living
from orc_core.agents.processes import system_processes
from orc_core.clock import SystemClock
from orc_core.errors import OrcError, TmuxError, TmuxTimeout, UsageError
from orc_core.lifecycle import ending
from orc_core.lifecycle.wing import Wishes
from orc_core.model.agent import OTHER, State
from orc_core.tmux import making
from orc_core.tmux.making import Start, look
from orc_storage.errors import StoreUnavailable
from orc_storage.records import Body
from private_tmux import PrivateTmux

SLEEP = ["sleep", "300"]


async def test_what_is_wrong_is_named_and_leaves_nothing(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    plain = tmp_path / "plain"
    plain.write_text("x")
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(SLEEP, wishes=Wishes(name="taken"))
        seq = len(await life.entries())
        panes = len(await look(tmux.address))
        for argv, more, words in (
            (["nope-1"], {}, "nope-1 is not found in PATH"),
            (["./nope"], {}, "./nope is not there"),
            ([str(plain)], {}, "may not be run"),
            ([], {}, "nothing to run"),
            (SLEEP, {"cwd": "/nope"}, "/nope is no folder"),
            (SLEEP, {"cwd": str(plain)}, "is no folder"),
            (SLEEP, {"env": ["NOT_SET_HERE"]}, "NOT_SET_HERE is not set here"),
            (SLEEP, {"env": ["A=b"]}, "is no name of a variable"),
            (SLEEP, {"env": ["TMUX"]}, "set that one themselves"),
            (SLEEP, {"session": "a:b"}, "cannot name a session"),
            (SLEEP, {"wishes": Wishes(name="TAKEN")}, "the name TAKEN is taken"),
            (SLEEP, {"wishes": Wishes(name="x"), "taken": ["X"]}, "the name x is taken"),
            (SLEEP, {"wishes": Wishes(kind="nope")}, "has no rule file"),
            (["x" * 9000], {}, "not found"),
        ):
            with pytest.raises(UsageError, match=words):
                await life.wing.spawn(argv, **more)  # type: ignore[arg-type]
        assert len(await look(tmux.address)) == panes
        assert [known.name for known in await life.wing.crew.listing()] == ["taken"]
        assert len(await life.entries()) == seq, "what failed left a trace"


async def test_a_server_that_stands_still_keeps_nobody_waiting(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(SLEEP, wishes=Wishes(name="w"))
        pid = (await life.pane("w")).pid
        tmux.signal(signal.SIGSTOP)
        try:
            start = Start("x", ("/bin/sleep", "300"), str(tmp_path), {})
            loop = asyncio.get_running_loop()
            began = loop.time()
            making_one = asyncio.ensure_future(making.make(tmux.address, start, timeout_s=0.5))
            turns = 0
            while not making_one.done():
                turns += 1
                await wait_for(lambda: True)
                await asyncio.sleep(0)
            with pytest.raises(TmuxTimeout):
                await making_one
            assert turns > 3, "the loop stood still, too"
            assert loop.time() - began < 20.0
            # Absent is not unknown: nobody is lost because a server is silent.
            with pytest.raises(TmuxTimeout):
                await look(tmux.address, timeout_s=0.5)
        finally:
            tmux.signal(signal.SIGCONT)
        assert lives(pid)
        await wait_for(lambda: tmux.run("list-sessions"))
        assert await life.wing.lost() == ()


async def test_a_server_that_dies_while_it_is_asked(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        tmux.signal(signal.SIGSTOP)
        spawning = asyncio.ensure_future(life.wing.spawn(SLEEP, wishes=Wishes(name="w")))
        await wait_for(lambda: (tmp_path / "workspace" / "store.db").exists())
        tmux.signal(signal.SIGKILL)
        try:
            done = await spawning
        except TmuxError:
            assert await life.wing.crew.find("w") is None
        else:  # it was quicker than the end of the server: another one was started
            life.note_server()
            assert not (await life.seen("w")).dead and done.ok


async def test_fifty_at_once_have_fifty_names_and_panes(tmux: PrivateTmux, tmp_path: Path) -> None:
    async with living(tmux, tmp_path) as life:
        done = await asyncio.gather(*(life.wing.spawn(SLEEP) for _ in range(50)))
        life.note_server()
        assert len({one.name for one in done}) == 50
        seen = await look(tmux.address)
        assert len({one.pane.pane_id for one in seen}) == 50
        assert {one.mark for one in seen} == {one.name for one in done}
        assert not any(one.dead for one in seen)
        bound = {known.name: known.pane for known in await life.wing.crew.listing()}
        assert bound == {one.mark: one.pane for one in seen}


async def test_a_store_that_fails_leaves_a_pane_that_is_found_again(
    tmux: PrivateTmux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after kill -9 between making the pane and writing it down."""
    tmux.start()
    async with living(tmux, tmp_path) as life:

        async def fail(*_: object, **__: object) -> None:
            raise StoreUnavailable("killed here")

        with monkeypatch.context() as patch:
            patch.setattr(life.wing.launcher, "_bind", fail)
            patch.setattr(life.wing.crew, "drop", fail)
            with pytest.raises(StoreUnavailable):
                await life.wing.spawn(SLEEP, wishes=Wishes(name="w"))
        assert (await life.known("w")).pane is None
        assert await life.wing.lost() == (), "one whose pane says its name was offered"
        assert (await life.known("w")).pane == (await life.seen("w")).pane
        assert (await life.wing.stop(await life.known("w"))).ok


async def test_a_pane_of_another_workspace_is_not_taken(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    one_folder, other_folder = tmp_path / "one", tmp_path / "other"
    one_folder.mkdir()
    other_folder.mkdir()
    async with living(tmux, one_folder) as one, living(tmux, other_folder) as other:
        await one.wing.spawn(SLEEP, wishes=Wishes(name="w"))
        body: Body = {"origin": "spawned", "argv": list(SLEEP), "server": tmux.socket_path}
        await other.wing.crew.add(
            body, name="w", base="x", taken=(), actor="operator", cause="test"
        )
        assert [lost.name for lost in await other.wing.lost()] == ["w"]
        assert (await other.known("w")).pane is None


async def test_a_zombie_has_ended(tmux: PrivateTmux, tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "300"])
    processes = system_processes()
    facts = processes.facts(child.pid)
    assert facts is not None
    try:
        end(child.pid)
        await wait_for(lambda: (one := processes.facts(child.pid)) and one.state == "Z")
        ended = await ending.end(processes, SystemClock(), facts)
        assert ended.ok and ended.steps == ("it had ended already",)
        assert not ending.send(processes, facts, signal.SIGTERM)
    finally:
        child.wait()


def test_a_pid_that_was_used_again_gets_no_signal(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "300"])
    try:
        processes = system_processes()
        facts = processes.facts(child.pid)
        assert facts is not None
        older = replace(facts, start=str(int(facts.start) - 1))
        assert not ending.send(processes, older, signal.SIGKILL)
        assert lives(child.pid)
        own = processes.facts(os.getpid())
        assert own is not None and not ending.send(processes, own, signal.SIGTERM)
        init = processes.facts(1)
        assert init is None or not ending.send(processes, init, signal.SIGTERM)
        assert ending.send(processes, facts, signal.SIGKILL)
    finally:
        child.kill()
        child.wait()


async def test_a_stopped_agent_can_be_ended(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(SLEEP, wishes=Wishes(name="w"))
        pid = (await life.pane("w")).pid
        os.kill(pid, signal.SIGSTOP)
        done = await life.wing.stop(await life.known("w"))
        assert done.ok and done.steps[0].startswith("SIGTERM") and len(done.steps) == 2


async def test_what_left_its_group_is_named_and_lives(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        code = (
            "import os, subprocess, time\n"
            "child = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
            f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
            f"os.replace({str(tmp_path / 'child')!r}, {str(tmp_path / 'ok')!r})\n"
            "time.sleep(300)\n"
        )
        program = tmp_path / "parent.py"
        program.write_text(code)
        await life.wing.spawn([sys.executable, str(program)], wishes=Wishes(name="w"))
        await life.started("ok")
        child = int((tmp_path / "ok").read_text())
        try:
            done = await life.wing.stop(await life.known("w"))
            assert done.ok and f"(pid {child})" in done.steps[-1]
            assert lives(child)
        finally:
            end(child)


async def test_an_empty_shell_has_nobody_to_end(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane_id = tmux.start("exec bash --norc -i")
    async with living(tmux, tmp_path) as life:
        agent = agent_in(tmux, pane_id, "claude", "claude-1")
        assert agent.state is State.IDLE
        done = await life.wing.stop(agent, force=True)
        assert done.ok and done.steps == ("no process of it was there",)
        assert lives(agent.pane.pid)


async def test_what_runs_in_a_shell_and_is_no_agent_is_not_said_to_be_stopped(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    pane_id = tmux.start("exec bash --norc -i")
    async with living(tmux, tmp_path) as life:
        job = life.program(f'>"{tmp_path}/ok"; exec sleep 300', "job")
        tmux.run("send-keys", "-t", pane_id, job, "Enter")
        await life.started("ok")
        agent = agent_in(tmux, pane_id, OTHER, "work:0.0")
        with pytest.raises(UsageError, match="`orc interrupt work:0"):
            await life.wing.stop(agent)


async def test_whether_to_stop_is_not_known_where_tmux_is_silent(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(["sleep", "300"], wishes=Wishes(name="w"))
        pid = (await life.pane("w")).pid
        tmux.signal(signal.SIGSTOP)
        try:
            with pytest.raises(OrcError, match="whether w runs is unknown"):
                await life.wing.stop(await life.known("w"))
        finally:
            tmux.signal(signal.SIGCONT)
        assert lives(pid) and (await life.known("w")).wanted == "running"
