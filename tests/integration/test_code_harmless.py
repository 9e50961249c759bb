"""An agent that commits all the time is never disturbed, and sees no lock of ours."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from pathlib import Path

import repositories
import tree_shapes
from chores import COMMITS_S
from clocks import wait_for
from orc_core.clock import SystemClock
from orc_core.code.overlap import Worker
from orc_core.code.trees import Trees
from orc_core.code.watching import CodeWatch
from orc_storage import inotify
from orc_storage.inotify import Inotify
from repositories import Repository

ENVIRON = repositories.environment()
EVERY_S = 0.1


def folders(top: Path) -> list[str]:
    return [folder for folder, _, _ in os.walk(top)]


async def test_what_we_do_takes_no_lock_in_the_repository(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    trees = Trees(tmp_path / "rooms", SystemClock(), environ=ENVIRON, actor="operator")
    watch = CodeWatch(tmp_path / "rooms", SystemClock(), ENVIRON)
    tree = await trees.find(shop.top)
    await trees.checkpoint(tree)  # so that its folders are there to be watched
    kernel = Inotify()
    assert kernel.open()
    for folder in folders(shop.top):
        kernel.add(folder, inotify.CREATE | inotify.MOVED_TO)
    for number in range(3):
        made = await trees.checkpoint(tree)
        shop.write("src/price.ts", f"{number}\n")
        await trees.diff(tree, made.id)
        done = await trees.restore(tree, await trees.plan(tree, made.id))
        assert done.turn is not None
        await trees.turn(done.turn, is_undo=True)
        await watch.once([shop.top])
    made_there = {notice.name for notice in kernel.read() if notice.name}
    kernel.close()
    assert ".orc-restore-" in " ".join(made_there), "what happens there is seen"
    assert not [name for name in made_there if name.endswith(".lock")], made_there
    assert not list(shop.top.rglob("*.lock"))


class Committer(threading.Thread):
    """An agent that writes and commits ten times a second; what failed is kept."""

    def __init__(self, shop: Repository) -> None:
        super().__init__()
        self.shop, self.failed, self.count = shop, list[str](), 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(EVERY_S):
            self.count += 1
            self.shop.write(f"src/{self.count % 20}.ts", f"{self.count}\n")
            for argv in (("add", "-A"), ("commit", "--quiet", "-m", str(self.count))):
                done = subprocess.run(
                    ["git", *argv],
                    cwd=self.shop.top,
                    env=dict(self.shop.environ),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                if done.returncode:
                    self.failed.append(done.stdout + done.stderr)


async def test_an_agent_that_commits_is_never_disturbed(tmp_path: Path) -> None:
    shop = tree_shapes.linked(tmp_path)
    trees = Trees(tmp_path / "rooms", SystemClock(), environ=ENVIRON, actor="operator")
    people = [Worker("claude-1", "", folder=str(shop.top))]
    watch = CodeWatch(tmp_path / "rooms", SystemClock(), ENVIRON, workers=lambda: people)
    following = asyncio.create_task(watch.run())
    agent = Committer(shop)
    agent.start()
    loop = asyncio.get_running_loop()
    ends, made = loop.time() + COMMITS_S, 0
    try:
        tree = await trees.find(shop.top)
        while loop.time() < ends:
            made += 1
            kept = await trees.checkpoint(tree, f"number {made}")
            await trees.diff(tree, kept.id)
        await wait_for(lambda: watch.code.trees)
    finally:
        agent.over.set()
        await asyncio.to_thread(agent.join)
        following.cancel()
        await asyncio.wait([following])
    assert agent.count >= 3 and made >= 3
    assert agent.failed == []
    assert shop.git("fsck", "--no-dangling").count(b"error") == 0
    assert watch.code.trees[0].trouble == ""
