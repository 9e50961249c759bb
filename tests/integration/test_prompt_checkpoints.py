"""A checkpoint of the work tree at each prompt, whoever gives it, which keeps no prompt waiting."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import tree_shapes
from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_command import Done, orc
from orc_core.agents.hooks import scripts
from orc_core.agents.hooks.places import Places
from orc_core.code.room import room_of
from orc_core.model.agent import Agent
from orc_core.model.code import Cause, TreeCheckpoint
from orc_core.occupants import tree_rooms
from orc_core.prompt_checkpoints import DELAY_S
from orc_storage.lock import FileLock
from private_tmux import PrivateTmux
from repositories import PLAIN, Repository
from spooling import placed

PROGRAMS = Path(__file__).with_name("programs")


def wanted(folder: Path, value: str) -> None:
    own = folder / ".config" / "orc-tui"
    own.mkdir(parents=True, mode=0o700)
    (own / "config.toml").write_text(f'[code]\ncheckpoint_at_prompt = "{value}"\n')
    (own / "config.toml").chmod(0o600)


async def agent_in(desk: Desk, tmux: PrivateTmux, shop: Repository, program: str) -> Agent:
    tmux.window(f"cd {shop.top} && exec {sys.executable} {PROGRAMS / program}")

    def found() -> list[Agent]:
        return [one for one in desk.app.snapshot.agents if one.cwd == str(shop.top)]

    await wait_for(lambda: found() and not found()[0].is_other, 20)
    return found()[0]


async def kept(desk: Desk, shop: Repository) -> list[TreeCheckpoint]:
    return await desk.core.code.listing(await desk.core.code.find(shop.top))


async def test_what_is_typed_is_preceded_by_a_checkpoint_and_never_waits_for_it(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    shop = tree_shapes.plain(tmp_path)
    wanted(tmp_path, "always")
    async with seated(tmux, tmp_path) as desk:
        one = await agent_in(desk, tmux, shop, f"claude idle {tmp_path}/keys")
        await desk.core.agents.send(one.key, "stack the\ndiscounts")
        await desk.core.prompts.finish()
        (first,) = await kept(desk, shop)
        assert (first.cause, first.note) == (Cause.PROMPT, "claude-1: stack the discounts")
        await desk.core.agents.send(one.key, "go on")
        await desk.core.prompts.finish()
        assert len(await kept(desk, shop)) == 1, "the newest one holds these files"

        shop.write("src/price.ts", "changed\n")
        lock = FileLock(room_of(await desk.core.code.find(shop.top), tree_rooms()).folder / "lock")
        assert lock.try_acquire()
        loop = asyncio.get_running_loop()
        began = loop.time()
        waits = asyncio.create_task(desk.core.prompts.before(one, "and now"))
        await asyncio.wait([waits], timeout=20 * DELAY_S)
        assert waits.done(), "a work tree that is busy keeps no prompt waiting"
        assert loop.time() - began >= DELAY_S
        lock.release()
        await desk.core.prompts.finish()
        newest, _ = await kept(desk, shop)
        assert newest.note == "claude-1: and now" and not desk.core.prompts.trouble


async def test_what_is_typed_elsewhere_is_known_from_the_hooks(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    shop = tree_shapes.plain(tmp_path)
    wanted(tmp_path, "always")
    places = placed(tmp_path)
    spool = Places.of({"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}).spool
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    places.hook.write_text(scripts.hook_script(spool))
    async with seated(tmux, tmp_path) as desk:
        await wait_for(lambda: desk.core.leads, 20)
        one = await agent_in(desk, tmux, shop, f"codex '{places.hook}'")

        def tell(name: str, **payload: object) -> None:
            line = f"{name} {json.dumps(payload)}"
            tmux.run("send-keys", "-t", one.pane.pane_id, "-l", line)
            tmux.run("send-keys", "-t", one.pane.pane_id, "Enter")

        def prompted() -> int:
            deeds = desk.core.agents.deeds(one.key)
            return deeds.prompted if deeds is not None else 0

        tell("SessionStart", source="startup")
        await wait_for(lambda: desk.core.agents.deeds(one.key), 20)
        desk.core.prompts.look(leads=True)
        tell("UserPromptSubmit", prompt="bump eslint")
        await wait_for(lambda: prompted() == 1, 20)
        deadline = asyncio.get_running_loop().time() + 20
        while not (found := await kept(desk, shop)):
            assert asyncio.get_running_loop().time() < deadline
        assert [(one.cause, one.note) for one in found] == [(Cause.PROMPT, "codex-1: bump eslint")]


def test_by_default_only_work_trees_that_were_made_for_agents_are_kept(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    shop = tree_shapes.plain(tmp_path)
    (tmp_path / "home").mkdir(mode=0o700)
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LC_ALL": "C.UTF-8",
        "ORC_WORKSPACE": str(tmp_path / "ws"),
        **PLAIN,
    }
    socket = ("--socket-path", tmux.socket_path)

    def run(*argv: str) -> Done:
        done = orc(argv, environ, shop.top)
        assert done.code == 0, (argv, done.out, done.err)
        return done

    def causes(agent: str) -> list[str]:
        told = json.loads(run("code", "list", "--json", "--agent", agent, *socket).out)
        return [one["cause"] for one in told]

    program = [sys.executable, str(PROGRAMS / "claude"), "idle", str(tmp_path / "keys")]
    run("spawn", "--name", "one", "--worktree", "feat/orders", *socket, "--", *program)
    run("spawn", "--name", "two", *socket, "--", *program)
    for name in ("one", "two"):
        run("send", name, "go on", *socket)
    assert causes("one") == ["prompt"]
    assert causes("two") == []
