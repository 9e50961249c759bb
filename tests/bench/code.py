"""Work trees: how long a checkpoint, a restore, a look and the forecasts take.

Invariant: the floor is what git itself takes for the nearest thing, in the same repository.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests import repositories
from tests.bench.report import Figure, p50
from tests.repositories import Repository

from orc_core.clock import SystemClock
from orc_core.code import repository, worktrees
from orc_core.code.room import room_of
from orc_core.code.trees import Trees
from orc_core.code.watching import CodeWatch

FILES, CHANGED, ROUNDS = 5_000, 50, 12
BRANCHES = 20
ENVIRON = repositories.environment()


async def measure(folder: Path) -> list[Figure]:
    """The figures of one large tree, and of twenty branches."""
    shop = _large(folder / "large")
    trees = Trees(folder / "rooms", SystemClock(), environ=ENVIRON, actor="operator")
    tree = await trees.find(shop.top)
    started = time.perf_counter()
    await trees.checkpoint(tree)
    first_s = time.perf_counter() - started
    kept: list[float] = []
    floors: list[float] = []
    back: list[float] = []
    looks: list[float] = []
    for number in range(ROUNDS):
        _change(shop, number)
        floors.append(_timed(shop, "status", "--porcelain"))
        started = time.perf_counter()
        made = await trees.checkpoint(tree)
        kept.append(time.perf_counter() - started)
        started = time.perf_counter()
        await worktrees.look(room_of(tree, folder / "rooms"), ENVIRON, 0.0)
        looks.append(time.perf_counter() - started)
        _change(shop, number + 1000)
        plan = await trees.plan(tree, made.id)
        started = time.perf_counter()
        await trees.restore(tree, plan)
        back.append(time.perf_counter() - started)
    size = f"{FILES:,} files, {CHANGED} changed"
    note = "floor: git status"
    return [
        Figure(f"checkpoint, {size}", "ms", p50(kept) * 1000, 200.0, p50(floors) * 1000, note),
        Figure(f"first checkpoint of {FILES:,} files", "ms", first_s * 1000, None),
        Figure(f"look at a tree, {size}", "ms", p50(looks) * 1000, None, p50(floors) * 1000, note),
        Figure(f"restore of {CHANGED} files, kept before and after", "ms", p50(back) * 1000, None),
        *await _forecasts(folder / "branches", folder / "rooms"),
    ]


async def _forecasts(folder: Path, rooms: Path) -> list[Figure]:
    tops = _branches(folder)
    watch = CodeWatch(rooms, SystemClock(), ENVIRON)
    started = time.perf_counter()
    code = await watch.once(tops)
    first_s = time.perf_counter() - started
    moved: list[float] = []
    for number in range(5):
        one = Repository(tops[number])
        one.write("own.ts", f"{number}\n")
        one.commit()
        found = await repository.find(one.top, ENVIRON)
        started = time.perf_counter()
        await watch._look(found)
        await watch._forecast()
        moved.append(time.perf_counter() - started)
    pairs = BRANCHES * (BRANCHES - 1) // 2
    if len(code.forecasts) != pairs + BRANCHES:
        raise RuntimeError(f"{len(code.forecasts)} forecasts")
    return [
        Figure(f"{pairs} pairs of {BRANCHES} branches, and main", "s", first_s, 10.0),
        Figure("a branch moved: its pairs anew", "s", p50(moved), 1.0),
    ]


def _large(top: Path) -> Repository:
    shop = repositories.make(top)
    for number in range(FILES):
        shop.write(f"src/{number % 100}/{number}.ts", f"line {number}\n" * 100)
    shop.commit()
    return shop


def _change(shop: Repository, turn: int) -> None:
    for number in range(CHANGED):
        at = (number * 97 + turn) % FILES
        shop.write(f"src/{at % 100}/{at}.ts", f"line {at} {turn}\n" * 100)


def _timed(shop: Repository, *argv: str) -> float:
    started = time.perf_counter()
    subprocess.run(
        ["git", "--no-optional-locks", *argv],
        cwd=shop.top,
        env=dict(shop.environ),
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - started


def _branches(folder: Path) -> list[Path]:
    shop = repositories.make(folder / "shop")
    for number in range(500):
        shop.write(f"src/{number}.ts", "".join(f"line {line}\n" for line in range(50)))
    shop.commit()
    tops = []
    for number in range(BRANCHES):
        top = folder / f"agent-{number}"
        shop.git("worktree", "add", "--quiet", "-b", f"agent-{number}", str(top))
        one = Repository(top)
        for at in range(number, number + 10):
            one.write(f"src/{at}.ts", f"changed by {number}\n" * 50)
        one.commit()
        tops.append(top)
    return tops
