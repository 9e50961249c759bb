"""Agents spawned, stopped, restarted, adopted, forgotten and resumed on a real tmux server."""

from __future__ import annotations

import os
import signal
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from clocks import wait_for
from lives_on_stage import agent_in, end, lives, living
from orc_core.errors import TmuxError, TmuxTimeout, UnknownName, UsageError
from orc_core.history.actions import History
from orc_core.lifecycle import wing
from orc_core.lifecycle.scaling import scale
from orc_core.lifecycle.wing import Wishes
from orc_core.model.life import Done, Policy, Restart
from orc_core.tmux import making
from orc_core.tmux.making import look
from orc_storage.records import OPERATOR
from private_tmux import PrivateTmux

SLEEP = ("sleep", "300")


async def test_spawn_starts_the_server_that_is_not_there(tmux: PrivateTmux, tmp_path: Path) -> None:
    async with living(tmux, tmp_path, environ={"SECRET": "x", "LANG": "C.UTF-8"}) as life:
        done = await life.wing.spawn(SLEEP)
        server = life.note_server()
        assert done.ok and done.name == "sleep-1" and not done.undoable
        assert tmux.sessions() == ["orc"]
        seen = await life.seen("sleep-1")
        assert not seen.dead and seen.cwd == str(tmp_path)
        known = await life.known("sleep-1")
        assert known.pane == seen.pane and known.wanted == "running"
        started_with = Path(f"/proc/{server}/environ").read_text()
        assert "SECRET" not in started_with and "LANG=C.UTF-8" in started_with


async def test_tmuxs_folder_of_sockets_is_made_where_a_reboot_took_it(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    folder = tmp_path / f"tmux-{os.getuid()}"
    there = PrivateTmux(tmp_path, folder / "default")
    there.pids = tmux.pids
    async with living(there, tmp_path) as life:
        done = await life.wing.spawn(SLEEP)
        life.note_server()
        assert done.ok and there.sessions() == ["orc"]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_what_tmux_says_is_told_where_no_server_can_be_started(tmp_path: Path) -> None:
    tmux = PrivateTmux(tmp_path, tmp_path / "nowhere" / "s")
    async with living(tmux, tmp_path) as life:
        with pytest.raises(TmuxError, match=r"error creating .*/nowhere/s \(No such file"):
            await life.wing.spawn(SLEEP)


async def test_argv_reaches_the_program_word_by_word(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    folder = tmp_path / "a b #c'd"
    folder.mkdir()
    words = [
        "a b",
        "$(touch hacked)",
        "`id`",
        "#{pane_id}",
        "#(id)",
        "x;",
        ";",
        "\\;",
        "'\"",
        "",
        "é",
    ]
    async with living(tmux, tmp_path) as life:
        tell = life.program(
            f'for w in "$@"; do printf "%s\\n" "$w"; done >"{tmp_path}/told"\n'
            f'pwd >"{tmp_path}/where"; >"{tmp_path}/ok"; exec sleep 300'
        )
        await life.wing.spawn([tell, *words], cwd=str(folder), session="main")
        await life.started("ok")
        assert (tmp_path / "told").read_text().split("\n") == [*words, ""]
        assert (tmp_path / "where").read_text().strip() == str(folder)
        assert not (folder / "hacked").exists()
        assert tmux.sessions() == ["main"]


async def test_a_program_gets_what_was_named_and_who_it_is(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path, environ={"KEY": "s3;cret", "OTHER_KEY": "y"}) as life:
        tell = life.program(f'env >"{tmp_path}/env"; >"{tmp_path}/ok"; exec sleep 300')
        await life.wing.spawn([tell], env=["KEY"], wishes=Wishes(name="w"))
        await life.started("ok")
        told = (tmp_path / "env").read_text().splitlines()
        assert {"KEY=s3;cret", "ORC_AGENT=w", "ORC_ACTOR=w"} <= set(told)
        assert f"ORC_WORKSPACE={life.db.folder}" in told
        assert not any(line.startswith("OTHER_KEY=") for line in told)
        assert "s3;cret" not in str((await life.entries(), await life.known("w")))


async def test_the_exit_status_is_seen_on_our_window_only(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(["sh", "-c", "exit 7"], wishes=Wishes(name="seven"), session="main")
        exit = await life.until_dead("seven")
        assert (exit.status, exit.signal) == (7, None)
        other = tmux.window("exit 3")
        await wait_for(lambda: other not in tmux.run("list-panes", "-a", "-F", "#{pane_id}"))
        assert tmux.run("show-options", "-gwv", "remain-on-exit") == "off"


async def test_stop_asks_then_forces_and_the_pane_stays(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        deaf = life.program(f'trap "" TERM; >"{tmp_path}/ok"; while :; do sleep 0.1; done')
        await life.wing.spawn([deaf], wishes=Wishes(name="deaf"))
        await life.wing.spawn(SLEEP, wishes=Wishes(name="kind"))
        await life.started("ok")
        pid = (await life.pane("deaf")).pid
        done = await life.wing.stop(await life.known("deaf"), timeout_s=0.3)
        assert done.ok and not lives(pid)
        assert [step.split(" ")[0] for step in done.steps] == [
            "SIGTERM",
            "still",
            "SIGKILL",
            "ended",
        ]
        done = await life.wing.stop(await life.known("kind"))
        assert done.ok and _heads(done) == ["SIGTERM", "ended"]
        assert (await life.until_dead("kind")).signal == 15
        again = await life.wing.stop(await life.known("kind"))
        assert again.ok and again.steps == ("no process of it was there",)


async def test_force_asks_nobody(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(SLEEP, wishes=Wishes(name="w"))
        done = await life.wing.stop(await life.known("w"), force=True)
        assert done.ok and done.steps[0].startswith("SIGKILL")
        assert (await life.until_dead("w")).signal == 9


async def test_an_agent_in_a_shell_ends_and_the_shell_stays(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    pane_id = tmux.start("exec bash --norc -i")
    async with living(tmux, tmp_path) as life:
        program = life.program(f'>"{tmp_path}/ok"; while :; do sleep 0.1; done', "claude")
        job = life.program(f'>"{tmp_path}/job"; exec sleep 300', "job")
        tmux.run("send-keys", "-t", pane_id, f"{job} & {program}", "Enter")
        await life.started("ok")
        await life.started("job")
        agent = agent_in(tmux, pane_id, "claude", "claude-1")
        children = [int(one) for one in _children(agent.pane.pid)]
        assert len(children) == 2
        done = await life.wing.stop(agent)
        assert done.ok and done.steps[0].startswith("SIGTERM to pid")
        assert lives(agent.pane.pid), "the shell was ended, too"
        assert sum(map(lives, children)) == 1, "the job beside it was ended, too"
        again = await life.wing.stop(agent)
        assert again.steps == ("no process of it was there",)
        assert lives(agent.pane.pid)


async def test_a_shell_without_job_control_stays_as_well(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane_id = tmux.start("exec bash --norc +m -i")
    async with living(tmux, tmp_path) as life:
        program = life.program(f'>"{tmp_path}/ok"; while :; do sleep 0.1; done', "claude")
        tmux.run("send-keys", "-t", pane_id, f"set +m; {program}", "Enter")
        await life.started("ok")
        agent = agent_in(tmux, pane_id, "claude", "claude-1")
        [child] = [int(one) for one in _children(agent.pane.pid)]
        done = await life.wing.stop(agent)
        assert done.ok and not lives(child)
        assert lives(agent.pane.pid), "the shell is in the agent's group, and was ended"


async def test_an_agent_that_a_script_runs_ends_with_it(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        life.program(f'>"{tmp_path}/ok"; while :; do sleep 0.1; done', "claude")
        script = life.program(f"{tmp_path}/claude --continue; echo never")
        await life.wing.spawn([script], wishes=Wishes(name="w", kind="claude"))
        await life.started("ok")
        pid = (await life.pane("w")).pid
        inner = int(_children(pid)[0])
        done = await life.wing.stop(await life.known("w"))
        assert done.ok and not lives(pid) and not lives(inner)


async def test_restart_keeps_pane_argv_and_folder(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path, environ={"KEY": "v"}) as life:
        tell = life.program(f'echo "$1 $KEY $PWD $ORC_AGENT" >>"{tmp_path}/told"; exec sleep 300')
        await life.wing.spawn([tell, "one"], env=["KEY"], wishes=Wishes(name="w"))
        before = await life.pane("w")
        await wait_for(lambda: (tmp_path / "told").exists())
        done = await life.wing.restart("w")
        after = await life.pane("w")
        assert done.ok and after.pane_id == before.pane_id and after.pid != before.pid
        assert not lives(before.pid)
        await wait_for(lambda: (tmp_path / "told").read_text().count("\n") == 2)
        assert (tmp_path / "told").read_text().splitlines() == [f"one v {tmp_path} w"] * 2
        tmux.run("kill-pane", "-t", after.pane_id)
        done = await life.wing.restart("w")
        assert done.ok and (await life.pane("w")).pane_id != after.pane_id
        assert not (await life.seen("w")).dead


async def test_adopt_changes_nothing_in_the_pane(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane_id = tmux.start("exec sleep 300")
    before = tmux.run("show-options", "-p", "-t", pane_id)
    async with living(tmux, tmp_path) as life:
        agent = agent_in(tmux, pane_id, "other", "main:0")
        wishes = Wishes(name="helper", labels=["blue"], capabilities=["tests"])
        done = await life.wing.adopt(agent, wishes)
        assert done.ok and done.undoable
        assert tmux.run("show-options", "-p", "-t", pane_id) == before
        known = await life.known("HELPER")
        assert (known.name, known.origin, known.pane) == ("helper", "adopted", agent.pane)
        assert known.argv == SLEEP and known.capabilities == ("tests",)
        with pytest.raises(UsageError, match="is helper already"):
            await life.wing.adopt(agent, Wishes(name="again"))
        await History(life.db).undo(OPERATOR)
        assert await life.wing.crew.find("helper") is None
        assert lives(agent.pane.pid)


async def test_forget_ends_nothing_and_is_undone(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(SLEEP, wishes=Wishes(name="w"))
        pane = await life.pane("w")
        with pytest.raises(UsageError, match="w lives: stop it first"):
            await life.wing.forget("w")
        assert (await life.wing.forget("w", living=True)).undoable
        assert lives(pane.pid)
        with pytest.raises(UnknownName):
            await life.wing.forget("w")
        assert not [one for one in await look(tmux.address) if one.mark]
        await History(life.db).undo(OPERATOR)
        assert await life.pane("w") == pane


async def test_what_is_lost_is_offered_and_resumed_by_command(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        life.program(f'echo "$*" >>"{tmp_path}/told"; exec sleep 300', "claude")
        await life.wing.spawn(["claude", "--model", "x"])
        await life.wing.spawn(SLEEP, wishes=Wishes(name="stopped"))
        await life.wing.stop(await life.known("stopped"))
        await wait_for(lambda: (tmp_path / "told").exists())
        assert await life.wing.lost() == ()
        with pytest.raises(UsageError, match="is not lost"):
            await life.wing.resume("claude-1")
        tmux.kill()
        lost = await life.wing.lost()
        assert [(one.name, one.argv, one.again) for one in lost] == [
            ("claude-1", ("claude", "--continue"), True)
        ]
        assert tmux.sessions() == [], "looking revived a server"
        done = await life.wing.resume("claude-1")
        life.note_server()
        assert done.ok and await life.wing.lost() == ()
        await wait_for(lambda: "--continue" in (tmp_path / "told").read_text())
        assert (await life.known("claude-1")).argv == ("claude", "--model", "x")


async def test_as_many_instances_run_as_are_wanted(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(SLEEP, wishes=Wishes(name="w", labels=["blue"]))
        first = (await life.pane("w")).pid
        assert [one.name for one in await scale(life.wing, "w", 3)] == ["w-2", "w-3"]
        assert (await life.known("w-3")).labels == ("blue",)
        end((await life.pane("w-2")).pid)
        await life.until_dead("w-2")
        assert [one.name for one in await scale(life.wing, "w-3", 3)] == ["w-2"]
        assert await scale(life.wing, "w", 3) == ()
        assert [one.name for one in await scale(life.wing, "w", 1)] == ["w-3", "w-2"]
        assert lives(first)
        with pytest.raises(UsageError, match="ask for 1 to"):
            await scale(life.wing, "w", 0)


async def test_a_policy_is_for_what_can_be_started_again(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane_id = tmux.start("exec bash --norc -i")
    async with living(tmux, tmp_path) as life:
        program = life.program(f'>"{tmp_path}/ok"; while :; do sleep 0.1; done', "claude")
        tmux.run("send-keys", "-t", pane_id, program, "Enter")
        await life.started("ok")
        await life.wing.adopt(agent_in(tmux, pane_id, "claude", "claude-1"), Wishes())
        policy = Policy(restart=Restart.ALWAYS)
        with pytest.raises(UsageError, match="typed into a shell"):
            await life.wing.supervise("claude-1", policy)
        await life.wing.spawn(SLEEP, wishes=Wishes(name="w"))
        assert (await life.wing.supervise("w", policy)).undoable
        assert (await life.known("w")).policy == policy


def _heads(done: Done) -> list[str]:
    return [step.split(" ")[0] for step in done.steps]


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


async def test_the_conversation_of_an_agent_outlives_it(tmux: PrivateTmux, tmp_path: Path) -> None:
    pane_id = tmux.start("exec sleep 300")
    async with living(tmux, tmp_path) as life:
        found = agent_in(tmux, pane_id, "claude", "sky")
        await life.wing.adopt(found, Wishes(name="sky"))
        for said in ("3f9f74a6-one", "-p rm", ""):
            seen = replace(found, conversation=said)
            await life.wing.note_conversations([seen], await life.wing.crew.listing())
        known = await life.known("sky")
        assert known.conversation == "3f9f74a6-one"
        rev = known.rev
        seen = replace(found, conversation="3f9f74a6-one")
        await life.wing.note_conversations([seen], await life.wing.crew.listing())
        assert (await life.known("sky")).rev == rev


async def test_a_start_that_tmux_does_not_answer_is_not_forgotten(
    tmux: PrivateTmux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux.start()
    monkeypatch.setattr(making, "make", partial(making.make, timeout_s=0.3))
    monkeypatch.setattr(wing, "SETTLED_WITHIN_S", 0.3)
    async with living(tmux, tmp_path) as life:
        tmux.signal(signal.SIGSTOP)
        try:
            with pytest.raises(TmuxTimeout, match="whether sky was started is not known"):
                await life.wing.spawn(SLEEP, wishes=Wishes(name="sky"))
        finally:
            tmux.signal(signal.SIGCONT)
        known = await life.known("sky")
        assert (known.pane, known.argv, known.wanted) == (None, SLEEP, "running")
        # It came late, or never: both are told, and neither is forgotten.
        lost = await life.wing.lost("sky")
        pane = (await life.known("sky")).pane
        assert (pane is None) == ([one.why for one in lost] == ["it was never seen to start"])


async def test_a_start_that_tmux_told_of_late_is_found(
    tmux: PrivateTmux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux.start()
    make = making.make

    async def deaf(*args: object, **given: object) -> making.Made:
        await make(*args, **given)  # type: ignore[arg-type]
        raise TmuxTimeout("tmux did not answer in 5 s")

    monkeypatch.setattr(making, "make", deaf)
    async with living(tmux, tmp_path) as life:
        done = await life.wing.spawn(SLEEP, wishes=Wishes(name="sky"))
        assert done.ok and done.text.endswith("tmux was slow to say so")
        assert (await life.known("sky")).pane == done.pane == (await life.seen("sky")).pane
