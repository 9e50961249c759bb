"""The supervisor with real programs that die, in real panes."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from clocks import TurnedClock, wait_for
from lives_on_stage import Life, end, lives, living
from orc_core.clock import Clock, SystemClock
from orc_core.lifecycle.rules import pane_json
from orc_core.lifecycle.supervisor import ACTOR, LOOK_EVERY_S, MEMORY_EVERY_S, Supervisor
from orc_core.lifecycle.wing import Wishes
from orc_core.model.health import Layer, LayerState
from orc_core.model.life import Phase, Policy, Restart, Standing
from private_tmux import PrivateTmux
from scarcity import no_more_files

AT_ONCE = Policy(restart=Restart.ON_FAILURE, backoff_s=0.0, backoff_max_s=0.0)


def supervisor(life: Life, clock: Clock | None = None) -> Supervisor:
    clock = clock or SystemClock()
    return Supervisor(life.wing, life.db, clock, leads=lambda: True, chance=lambda: 0.0)


async def look_until(
    watching: Supervisor, condition: Callable[[Standing], object], name: str = "w"
) -> Standing:
    """Look again and again until the standing of an agent is as it should be."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 20.0
    while True:
        await watching.look()
        standing = watching.standing(name)
        if standing is not None and condition(standing):
            return standing
        assert loop.time() < deadline, standing


async def look_turning(watching: Supervisor, clock: TurnedClock) -> None:
    """Look once; the clock is turned for whatever the look waits for."""
    looking = asyncio.ensure_future(watching.look())
    while not looking.done():
        if clock.sleepers:
            clock.turn(0.05)
        await wait_for(lambda: looking.done() or clock.sleepers, 10.0)
    await looking


async def one_look(watching: Supervisor, clock: TurnedClock) -> None:
    """Let one that runs look once."""
    await wait_for(lambda: clock.sleepers)
    clock.turn(LOOK_EVERY_S)
    await wait_for(lambda: clock.sleepers)


async def test_one_that_dies_at_once_is_given_up_after_ten_restarts(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        dies = life.program(f'echo x >>"{tmp_path}/lives"; exit 3')
        await life.wing.spawn([dies], wishes=Wishes(name="w", policy=AT_ONCE))
        pane_id = (await life.pane("w")).pane_id
        watching = supervisor(life)
        standing = await look_until(watching, lambda now: now.phase is Phase.ERROR)
        assert standing.restarts == 10
        assert standing.reason == "exit 3; after 10 restarts in a row it did not live for 10 s"
        for _ in range(5):
            await watching.look()
        assert (tmp_path / "lives").read_text().count("x") == 11
        assert (await life.pane("w")).pane_id == pane_id
        by = [one for one in await life.entries() if one.actor == ACTOR]
        assert len(by) == 10
        row = (await life.wing.crew.standings())["w"]
        assert (row.phase, row.quick, row.restarts) == ("error", 10, 10)


async def test_whoever_leads_next_remembers_and_a_person_begins_anew(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        dies = life.program(
            f'echo x >>"{tmp_path}/lives"; [ -e "{tmp_path}/well" ] || exit 3; exec sleep 300'
        )
        policy = replace(AT_ONCE, max_restarts=1)
        await life.wing.spawn([dies], wishes=Wishes(name="w", policy=policy))
        await look_until(supervisor(life), lambda now: now.phase is Phase.ERROR)
        after = supervisor(life)
        for _ in range(3):
            await after.look()
        known = after.standing("w")
        assert known is not None and known.phase is Phase.ERROR
        assert (tmp_path / "lives").read_text().count("x") == 2
        (tmp_path / "well").touch()
        await life.wing.restart("w")
        standing = await look_until(after, lambda now: now.phase is Phase.RUNNING)
        assert standing.quick == 0 and standing.restarts == 1


async def test_one_that_was_killed_is_back_and_one_that_finished_is_not(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        await life.wing.spawn(["sleep", "300"], wishes=Wishes(name="w", policy=AT_ONCE))
        await life.wing.spawn(["true"], wishes=Wishes(name="fine", policy=AT_ONCE))
        watching = supervisor(life)
        await watching.look()
        before = (await life.pane("w")).pid
        end(before)
        await look_until(watching, lambda now: now.restarts == 1)
        after = (await life.pane("w")).pid
        assert after != before and lives(after)
        done = await look_until(watching, lambda now: now.phase is Phase.ENDED, "fine")
        assert (done.restarts, done.reason) == (0, "exit 0")


async def test_what_a_person_stops_stays_stopped(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        policy = replace(AT_ONCE, restart=Restart.ALWAYS)
        await life.wing.spawn(["sleep", "300"], wishes=Wishes(name="w", policy=policy))
        watching = supervisor(life)
        await watching.look()
        await life.wing.stop(await life.known("w"))
        await life.until_dead("w")
        standing = await look_until(watching, lambda now: now.phase is Phase.STOPPED)
        for _ in range(3):
            await watching.look()
        assert (await life.seen("w")).dead and standing.restarts == 0


async def test_what_was_closed_or_lost_its_server_is_not_revived(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with living(tmux, tmp_path) as life:
        policy = replace(AT_ONCE, restart=Restart.ALWAYS)
        for name in ("closed", "gone"):
            await life.wing.spawn(["sleep", "300"], wishes=Wishes(name=name, policy=policy))
        watching = supervisor(life)
        await watching.look()
        tmux.run("kill-pane", "-t", (await life.pane("closed")).pane_id)
        standing = await look_until(watching, lambda now: now.phase is Phase.ENDED, "closed")
        assert standing.reason == "its pane was closed: `orc resume closed`"
        tmux.kill()
        standing = await look_until(watching, lambda now: now.phase is Phase.ENDED, "gone")
        assert standing.reason == "its tmux server is gone: `orc resume gone`"
        for _ in range(3):
            await watching.look()
        assert tmux.sessions() == []
        assert {one.name for one in await life.wing.lost()} == {"closed", "gone"}


async def test_what_keeps_it_from_its_work_is_told_and_ends_nothing(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    clock = TurnedClock(time.time())
    async with living(tmux, tmp_path, clock=clock) as life:
        await life.wing.spawn(["sleep", "300"], wishes=Wishes(name="w", policy=AT_ONCE))
        told: list[tuple[Layer, ...]] = []
        watching = Supervisor(
            life.wing,
            life.db,
            clock,
            leads=lambda: True,
            changed=lambda: told.append(watching.layers()),
            chance=lambda: 0.0,
        )
        running = asyncio.ensure_future(watching.run())
        try:
            await one_look(watching, clock)
            before = (await life.pane("w")).pid
            end(before)
            await life.until_dead("w")
            with no_more_files():
                await one_look(watching, clock)
            assert "Too many open files" in watching.trouble[0]
            for _ in range(3):
                await one_look(watching, clock)
            assert not running.done() and lives((await life.pane("w")).pid)
        finally:
            running.cancel()
        first, last = told
        assert [(one.name, one.state) for one in first] == [("supervisor", LayerState.DEGRADED)]
        assert last == ()


async def test_a_pid_that_is_anothers_by_now_is_left_alone(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    clock = TurnedClock(time.time())
    bystander = await asyncio.create_subprocess_exec("sleep", "300")
    try:
        async with living(tmux, tmp_path, clock=clock) as life:
            policy = Policy(restart=Restart.ALWAYS, memory_max=1)
            await life.wing.spawn(["sleep", "300"], wishes=Wishes(name="w", policy=policy))
            before = await life.pane("w")
            tmux.run("kill-pane", "-t", before.pane_id)
            stale = replace(before, server_start=before.server_start - 1000, pid=bystander.pid)
            fields = {"pane": pane_json(stale)}
            await life.wing.crew.edit("w", fields, actor="a", cause="before a reboot")
            watching = supervisor(life, clock)
            for _ in range(3):
                await look_turning(watching, clock)
                clock.turn(MEMORY_EVERY_S)
            assert bystander.returncode is None and lives(bystander.pid)
            standing = watching.standing("w")
            assert standing is not None and standing.phase is Phase.ENDED
            done = await life.wing.stop(await life.known("w"))
            assert done.steps == ("no process of it was there",)
            assert lives(bystander.pid)
    finally:
        if bystander.returncode is None:
            bystander.kill()
        await bystander.wait()


async def test_a_hog_is_ended_and_started_again(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    clock = TurnedClock(time.time())
    async with living(tmux, tmp_path, clock=clock) as life:
        hog = tmp_path / "hog.py"
        hog.write_text(
            "import pathlib, time\n"
            f"mark = pathlib.Path({str(tmp_path / 'hogged')!r})\n"
            "held = b'x' * (0 if mark.exists() else 96 << 20)\n"
            "mark.touch()\n"
            "time.sleep(300)\n"
        )
        policy = Policy(memory_max=64 << 20, backoff_s=1.0)
        await life.wing.spawn([sys.executable, str(hog)], wishes=Wishes(name="w", policy=policy))
        await life.started("hogged")
        watching = supervisor(life, clock)
        before = (await life.pane("w")).pid
        await look_turning(watching, clock)
        assert lives(before), "a peak is no leak"
        clock.turn(MEMORY_EVERY_S)
        await look_turning(watching, clock)
        assert not lives(before)
        standing = watching.standing("w")
        assert standing is not None and standing.phase is Phase.WAITING
        assert standing.reason.endswith("of 64 MiB used")
        await life.until_dead("w")
        clock.turn(1.0)
        await look_turning(watching, clock)
        after = (await life.pane("w")).pid
        assert after != before and lives(after)
        for _ in range(3):
            clock.turn(MEMORY_EVERY_S)
            await look_turning(watching, clock)
        assert lives(after)


async def test_who_does_not_lead_starts_nobody(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    clock = TurnedClock(time.time())
    async with living(tmux, tmp_path, clock=clock) as life:
        await life.wing.spawn(["false"], wishes=Wishes(name="w", policy=AT_ONCE))
        await life.until_dead("w")
        leads = False
        watching = Supervisor(life.wing, life.db, clock, leads=lambda: leads, chance=lambda: 0.0)
        running = asyncio.ensure_future(watching.run())
        try:
            for _ in range(5):
                await wait_for(lambda: clock.sleepers)
                clock.turn(1.0)
            await wait_for(lambda: clock.sleepers)
            assert watching.standing("w") is None
            leads = True
            for _ in range(3):
                await wait_for(lambda: clock.sleepers)
                clock.turn(1.0)
            await wait_for(lambda: watching.standing("w") is not None)
        finally:
            running.cancel()
