"""Hunks of files taken back: the picked ones, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import repositories
import tree_shapes
from orc_core.clock import SystemClock
from orc_core.code import picking
from orc_core.code.trees import Trees
from orc_core.errors import Overlap, UsageError
from orc_core.model.code import Hunk, Pick
from repositories import Repository

ENVIRON = repositories.environment()
LINES = st.lists(st.sampled_from([b"a\n", b"b\r\n", b"\n", b"\xff\x0b\n"]), max_size=8)
BLOCKS = st.lists(st.tuples(LINES, LINES, LINES), max_size=5)


@given(BLOCKS, st.sets(st.integers(1, 5)), st.booleans())
@settings(deadline=None)
def test_hunks_that_are_picked_go_and_all_others_stay(
    blocks: list[tuple[list[bytes], list[bytes], list[bytes]]], wanted: set[int], ends: bool
) -> None:
    now, then, mixed, hunks = list[bytes](), list[bytes](), list[bytes](), list[Hunk]()
    for number, (same, old, new) in enumerate(blocks, 1):
        for side in (now, then, mixed):
            side += same
        # A side without lines is named by the line before it, as in git's headers.
        before, after = (len(side) + bool(part) for side, part in ((now, old), (then, new)))
        hunks.append(Hunk(before, after, (), len(old), len(new)))
        now += old
        then += new
        mixed += new if number in wanted else old
    tail = [] if ends else [b"no line feed"]
    whole, other, half = (b"".join([*side, *tail]) for side in (now, then, mixed))
    assert picking.pick(whole, other, hunks, wanted) == half
    assert picking.pick(whole, other, hunks, ()) == whole
    assert picking.pick(whole, other, hunks, range(1, 6)) == other


def numbered(count: int, **changed: str) -> str:
    return "".join(f"{changed.get(f'l{at}', f'line {at}')}\n" for at in range(1, count + 1))


async def a_broken_shop(tmp_path: Path) -> tuple[Repository, Trees]:
    shop = tree_shapes.plain(tmp_path)
    shop.write("src/price.ts", numbered(40))
    trees = Trees(tmp_path / "rooms", SystemClock(), environ=ENVIRON, actor="operator")
    await trees.checkpoint(await trees.find(shop.top))
    shop.write("src/price.ts", numbered(40, l2="TWO", l20="TWENTY", l39="LATE"), 0o755)
    shop.write("src/deep/er/cart.ts", "broken\n")
    shop.path("gone").unlink()
    return shop, trees


async def test_some_hunks_of_a_file_go_back_and_undo_takes_them_away(tmp_path: Path) -> None:
    shop, trees = await a_broken_shop(tmp_path)
    tree = await trees.find(shop.top)
    before, state = repositories.contents(shop.top), shop.private()
    seen = await trees.plan(tree, "W-1")
    [price] = [one for one in seen.diffs if one.path == b"src/price.ts"]
    assert [(one.before, one.before_count) for one in price.hunks] == [(1, 5), (17, 7), (36, 5)]
    plan = await trees.narrow(tree, seen, (), [Pick(b"src/price.ts", (1, 3))])
    assert [step.path for step in plan.steps] == [b"src/price.ts"]
    [shown] = plan.diffs
    assert [one.number for one in shown.hunks] == [1, 3] and (shown.added, shown.removed) == (2, 2)
    done = await trees.restore(tree, plan)
    assert shop.path("src/price.ts").read_text() == numbered(40, l20="TWENTY")
    assert os.access(shop.path("src/price.ts"), os.X_OK), "the x bit is no line"
    assert shop.path("src/deep/er/cart.ts").read_text() == "broken\n"
    assert shop.private().split(b"\0")[:3] == state.split(b"\0")[:3], "HEAD, refs and index"
    assert done.turn is not None
    await trees.turn(done.turn, is_undo=True)
    assert repositories.contents(shop.top) == before
    both = await trees.plan(tree, "W-1", [b"gone"], picked=[Pick(b"src/price.ts", (2,))])
    await trees.restore(tree, both)
    assert shop.path("gone").is_symlink()
    assert shop.path("src/price.ts").read_text() == numbered(40, l2="TWO", l39="LATE")


async def test_hunks_are_refused_where_there_are_none(tmp_path: Path) -> None:
    shop, trees = await a_broken_shop(tmp_path)
    tree = await trees.find(shop.top)
    for path, number, told in (
        (b"src/price.ts", 4, "has the hunks 1 to 3, not 4"),
        (b"gone", 1, "comes back as a whole"),
    ):
        with pytest.raises(UsageError, match=told):
            await trees.plan(tree, "W-1", picked=[Pick(path, (number,))])
    seen = await trees.plan(tree, "W-1")
    shop.write("src/price.ts", numbered(40, l2="THREE"))
    with pytest.raises(Overlap, match=r"price.ts changed since the preview"):
        await trees.narrow(tree, seen, (), [Pick(b"src/price.ts", (1,))])
