"""Who is where: distances, uncommitted work, forecasts and overlap, from real repositories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import repositories
import tree_shapes
from clocks import TurnedClock, wait_for
from orc_core.clock import SystemClock
from orc_core.code import repository, worktrees
from orc_core.code.overlap import Worker, overlaps, touched
from orc_core.code.room import Room, room_of
from orc_core.code.watching import LOOK_FOR_AGENTS_S, CodeWatch
from orc_core.model.code import Clash, Code, Distance, Forecast, TreeState
from repositories import Repository

ENVIRON = repositories.environment()


async def room(shop: Repository, root: Path) -> Room:
    return room_of(await repository.find(shop.top, ENVIRON), root / "rooms")


async def look(shop: Repository, root: Path) -> TreeState:
    before = shop.private()
    state = await worktrees.look(await room(shop, root), ENVIRON, 5.0)
    assert shop.private() == before, "looking changes nothing"
    return state


async def test_distances_are_those_to_main_and_to_the_own_upstream(tmp_path: Path) -> None:
    origin = tree_shapes.plain(tmp_path / "origin")
    origin.git("clone", "--quiet", str(origin.top), str(tmp_path / "shop"))
    shop = Repository(tmp_path / "shop")
    shop.git("checkout", "--quiet", "-b", "feat/orders")
    shop.write("orders.ts", "orders\n")
    shop.commit()
    shop.git("push", "--quiet", "--set-upstream", "origin", "feat/orders")
    shop.write("more.ts", "more\n")
    shop.commit()
    origin.write("other.ts", "other\n")
    origin.commit()
    origin.write("another.ts", "another\n")
    origin.commit()
    shop.git("fetch", "--quiet")
    shop.write("src/price.ts", "one\nTWO\n")
    shop.write("new.ts", "a\nb\n")
    state = await look(shop, tmp_path)
    assert state.main == Distance("origin/main", 2, 2)
    assert state.upstream == Distance("origin/feat/orders", 1, 0)
    assert (state.title, state.dirty, state.added, state.removed) == ("feat/orders", 2, 1, 2)
    assert (state.changed, state.untracked) == ((b"src/price.ts",), (b"new.ts",))
    shop.git("checkout", "--quiet", "-f", "main")
    assert (await look(shop, tmp_path)).main is None, "it is the main branch"
    shop.git("checkout", "--quiet", "--detach")
    assert (await look(shop, tmp_path)).title == shop.git("rev-parse", "HEAD").decode()[:10]


@pytest.mark.parametrize("shape", tree_shapes.SHAPES, ids=lambda shape: shape.__name__)
async def test_every_shape_can_be_looked_at(
    shape: Callable[[Path], Repository], tmp_path: Path
) -> None:
    shop = shape(tmp_path)
    state = await look(shop, tmp_path)
    assert state.trouble == ""
    told = shop.git("--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", ok=False)
    lines = [line for line in told.split(b"\0") if line]
    expected = {line[3:] for line in lines if not line.startswith(b"??")}
    if shape not in (tree_shapes.large_files, tree_shapes.merging, tree_shapes.rebasing):
        assert set(state.changed) == expected
    names = {"merging": "merge", "rebasing": "rebase"}
    assert state.under_way == names.get(shape.__name__, "")


async def test_a_tree_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    here = await room(shop, tmp_path)
    (shop.top / ".git" / "index").write_bytes(b"no index")
    state = await worktrees.look(here, ENVIRON, 5.0)
    assert "index file" in state.trouble


def fleet(root: Path, count: int, *, lines: int = 40) -> list[Repository]:
    """A repository with so many linked work trees, each on a branch with a change of its own."""
    shop = repositories.make(root / "shop")
    shop.write("price.ts", "".join(f"line {number}\n" for number in range(lines)))
    shop.write("old.ts", "old\n" * 20)
    shop.commit()
    trees = []
    for number in range(count):
        shop.git("worktree", "add", "--quiet", "-b", f"agent-{number}", f"../agent-{number}")
        tree = Repository(root / f"agent-{number}")
        text = (tree.top / "price.ts").read_text().splitlines(keepends=True)
        text[number % lines] = f"changed by {number}\n"
        tree.write("price.ts", "".join(text))
        tree.commit(f"agent {number}")
        trees.append(tree)
    return trees


def named(code: Code) -> dict[tuple[str, str], Forecast]:
    return {(one.left, one.right): one for one in code.forecasts}


async def test_a_forecast_names_files_and_hunks_and_is_made_once(tmp_path: Path) -> None:
    one, two, three = fleet(tmp_path, 3)
    two.write("price.ts", (one.top / "price.ts").read_text().replace("by 0", "by two"))
    two.git("mv", "old.ts", "renamed.ts")
    two.commit()
    three.git("rm", "--quiet", "old.ts")
    three.commit()
    watch = CodeWatch(tmp_path / "rooms", SystemClock(), ENVIRON)
    tops = [tree.top for tree in (one, two, three)]
    before = [tree.private() for tree in (one, two, three)]
    objects = sorted((tmp_path / "shop" / ".git" / "objects").rglob("*"))
    code = await watch.once(tops)
    assert [tree.private() for tree in (one, two, three)] == before
    assert sorted((tmp_path / "shop" / ".git" / "objects").rglob("*")) == objects
    told = named(code)
    assert told["agent-0", "agent-1"].clashes == (Clash(b"price.ts", 1),)
    assert told["agent-0", "agent-2"].clashes == (), "other lines of the same file"
    assert Clash(b"renamed.ts", 0) in told["agent-1", "agent-2"].clashes
    assert told["agent-0", "main"].clashes == ()
    made = watch._forecasts.made
    assert made == 6
    await watch.once(tops)
    assert watch._forecasts.made == made, "nothing moved"
    one.git("reset", "--quiet", "--hard", "main")
    code = await watch.once(tops)
    assert watch._forecasts.made == made, "its pairs are those of main by now"
    assert named(code)["agent-0", "agent-1"].clashes == ()
    one.write("price.ts", "all anew\n")
    one.commit()
    code = await watch.once(tops)
    assert watch._forecasts.made == made + 3, "only the branch that moved is tried"
    assert named(code)["agent-0", "agent-2"].clashes == (Clash(b"price.ts", 1),)


def worker(agent: str, top: str, *files: str, task: str = "") -> Worker:
    return Worker(agent, top, task, "do it", tuple((90.0, one) for one in files), top)


def test_overlap_is_one_file_of_one_repository_in_any_of_its_trees() -> None:
    main = TreeState("/shop", "main", "/shop/.git", changed=(b"cart.ts",), at=80.0)
    orders = TreeState("/orders", "worktrees/orders", "/shop/.git", untracked=(b"new.ts",))
    other = TreeState("/other", "main", "/other/.git")
    trees = (main, orders, other)
    two = [
        worker("codex-1", "/shop", "/shop/src/price.ts", "/shop/cart.ts", task="T-9"),
        worker("claude-7", "/orders", "src/../src/price.ts", task="T-14"),
        worker("aider-2", "/other", "/other/src/price.ts", "/shop/cart.ts"),
    ]
    price_of, cart_of = sorted(overlaps(two, trees, 100.0), key=lambda one: one.path)[::-1]
    assert price_of.path == b"src/price.ts"
    assert [(one.agent, one.task, one.top) for one in price_of.touches] == [
        ("codex-1", "T-9", "/shop"),
        ("claude-7", "T-14", "/orders"),
    ]
    assert {one.agent for one in cart_of.touches} == {"codex-1", "aider-2"}
    told = Worker(
        "codex-1", "/shop", "T-9", "", ((50.0, "cart.ts"), (70.0, "price.ts"), (30.0, "old.ts")),
        "/shop", ((40.0, "round the totals"), (60.0, "stack\nthe discounts")),
    )  # fmt: skip
    assert [(path, one.prompt, one.task) for path, one in touched([told], trees, 100.0)] == [
        (b"price.ts", "stack\nthe discounts", "T-9"),
        (b"cart.ts", "round the totals", "T-9"),
        (b"old.ts", "", "T-9"),
    ]
    # One that told nothing counts by the tree that is its alone.
    silent = Worker("opencode-1", "/shop", folder="/shop")
    (only,) = overlaps([silent, worker("claude-7", "/orders", "cart.ts")], trees, 100.0)
    assert [one.is_told for one in only.touches] == [True, False]
    assert not overlaps([silent, silent], trees, 100.0)
    old = overlaps(two, trees, 90.0 + 25 * 3600.0)
    assert old == (), "that was yesterday"


async def test_trees_are_followed_by_what_moves(tmp_path: Path) -> None:
    (tree,) = fleet(tmp_path, 1)
    told: list[Code] = []
    people = [Worker("claude-1", "", folder=str(tree.top))]
    watch = CodeWatch(
        tmp_path / "rooms",
        SystemClock(),
        ENVIRON,
        workers=lambda: people,
        changed=lambda: told.append(watch.code),
    )
    running = asyncio.create_task(watch.run())
    try:

        def state() -> TreeState | None:
            return watch.code.tree_of(str(tree.top))

        await wait_for(lambda: state() is not None and len(watch.code.forecasts) == 1)
        await wait_for(lambda: bool(watch._of_folder))
        tree.write("src/new.ts", "one\n")
        await wait_for(lambda: (found := state()) is not None and found.dirty == 1)
        tree.write("src/new.ts", "one\ntwo\n")
        await asyncio.to_thread(tree.commit)
        await wait_for(
            lambda: (
                (found := state()) is not None
                and (found.dirty, found.main) == (0, Distance("main", 2, 0))
            )
        )
        people.clear()
        await wait_for(lambda: watch.code.trees == ())
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert told


@pytest.mark.parametrize("steps", range(6))
async def test_following_ends_at_whichever_moment_it_is_told_to(
    tmp_path: Path, clock: TurnedClock, steps: int
) -> None:
    watch = CodeWatch(tmp_path / "rooms", clock, ENVIRON)
    running = asyncio.create_task(watch.run())
    await wait_for(lambda: clock.sleepers)
    clock.turn(LOOK_FOR_AGENTS_S)
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=5.0)
    assert done, "told as it came back from a wait, it goes on for ever"
