"""Work trees kept and taken back: the same bytes before and after, whatever their shape."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import repositories
import tree_shapes
from chores import TREES
from clocks import TurnedClock
from orc_core.clock import SystemClock
from orc_core.code import checkpoints, restoring, room, snapshots
from orc_core.code.files import PLAIN, Files
from orc_core.code.trees import Trees, relative
from orc_core.errors import GitError, OrcError, Overlap, ReadOnly, UnknownName, UsageError
from orc_core.history.actions import History
from orc_core.history.trees import TreeLedger
from orc_core.model.code import Cause, Share, TreeCheckpoint
from orc_storage import audit, journal
from orc_storage.records import OPERATOR, FilesTurned
from repositories import Repository, contents
from stores import open_store

ENVIRON = repositories.environment()


class Nobody:
    """Agents of whom a test says who is there and whether they rest."""

    def __init__(self, names: Sequence[str] = (), *, rests: bool = True) -> None:
        self.names, self.rests, self.asked = names, rests, 0
        self.shares: Sequence[Share] = ()

    async def within(self, top: Path) -> Sequence[str]:
        return self.names

    async def touched(self, top: Path) -> Sequence[Share]:
        return self.shares

    async def quiet(self, top: Path, *, stop: bool) -> Sequence[str]:
        self.asked += 1
        if not self.rests:
            raise OrcError("claude-2 goes on")
        return self.names


def wing(root: Path, ledger: TreeLedger | None = None, agents: Nobody | None = None) -> Trees:
    return Trees(
        root / "rooms",
        SystemClock(),
        environ=ENVIRON,
        actor=OPERATOR,
        ledger=ledger,
        occupants=agents,
    )


def left_over(top: Path) -> list[str]:
    """What a restore must not leave behind in a tree."""
    return [one.name for one in top.iterdir() if one.name.startswith(".orc")]


@pytest.mark.parametrize("shape", tree_shapes.SHAPES, ids=lambda shape: shape.__name__)
async def test_every_shape_goes_back_and_there_again(
    shape: Callable[[Path], Repository], tmp_path: Path
) -> None:
    shop = shape(tmp_path)
    async with open_store(tmp_path / "store", TurnedClock()) as db:
        trees = wing(tmp_path, TreeLedger(db, OPERATOR))
        history = History(db, turner=trees)
        tree = await trees.find(shop.top)
        before, state = contents(shop.top), shop.private()
        made = await trees.checkpoint(tree, "before it breaks")
        assert (contents(shop.top), shop.private()) == (before, state)
        tree_shapes.disturb(shop, random.Random(shape.__name__))
        broken, state = contents(shop.top), shop.private()
        plan = await trees.plan(tree, made.id, is_exact=True)
        assert (contents(shop.top), shop.private()) == (broken, state), "looking changes nothing"
        done = await trees.restore(tree, plan)
        assert done.turn is not None
        assert contents(shop.top) == before
        assert not left_over(shop.top)
        await history.undo(OPERATOR)
        assert contents(shop.top) == broken
        assert shop.private() == state, "HEAD, refs, index and stash are as they were"
        await history.redo(OPERATOR)
        assert contents(shop.top) == before
        told = [entry.action for entry in await db.read(lambda conn: journal.page(conn))]
        assert told == ["redo", "undo", "restore", "checkpoint", "checkpoint", "checkpoint"]
        assert not (await db.read(lambda conn: audit.examine(conn, db.folder))).findings
        assert shop.git("fsck", "--no-dangling", ok=False).count(b"error") == 0


async def test_generated_trees_go_back(tmp_path: Path) -> None:
    trees = wing(tmp_path)
    shop = tree_shapes.odd_names(tmp_path)
    tree = await trees.find(shop.top)
    for seed in range(TREES):
        chance = random.Random(seed)
        tree_shapes.disturb(shop, chance)
        before = contents(shop.top)
        made = await trees.checkpoint(tree)
        tree_shapes.disturb(shop, chance)
        broken = contents(shop.top)
        done = await trees.restore(tree, await trees.plan(tree, made.id, is_exact=True))
        assert contents(shop.top) == before, f"seed {seed}"
        if done.turn is not None:
            await trees.turn(done.turn, is_undo=True)
            assert contents(shop.top) == broken, f"seed {seed}"


async def test_what_was_made_since_stays_and_is_named(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    trees = wing(tmp_path)
    tree = await trees.find(shop.top)
    made = await trees.checkpoint(tree)
    shop.write("src/price.ts", "one\nTWO\nthree\n")
    shop.write("src/new.ts", "new\n")
    shop.path("run.sh").unlink()
    shop.path("kept.log").unlink()
    shop.write("kept.log/folder", "in the way\n")
    shop.write("trace.log", "ignored, changed\n")
    plan = await trees.plan(tree, made.id)
    assert [(one.path, one.verb) for one in plan.steps] == [
        (b"run.sh", "comes back"),
        (b"src/price.ts", "goes back"),
    ]
    assert plan.stays == (b"src/new.ts",)
    assert [one.path for one in plan.kept_back] == [b"kept.log"]
    (run, price) = plan.diffs
    assert price.hunks[0].lines == (" one", "-TWO", "+two", " three")
    assert (price.added, price.removed, run.added) == (1, 1, 1)
    await trees.restore(tree, plan)
    assert shop.path("src/new.ts").read_text() == "new\n"
    assert shop.path("src/price.ts").read_text() == "one\ntwo\nthree\n"
    assert os.access(shop.path("run.sh"), os.X_OK)
    assert shop.path("kept.log/folder").exists()
    assert shop.path("trace.log").read_text() == "ignored, changed\n"


async def test_some_files_go_back_by_name_or_folder(tmp_path: Path) -> None:
    shop = tree_shapes.odd_names(tmp_path)
    trees = wing(tmp_path)
    tree = await trees.find(shop.top)
    made = await trees.checkpoint(tree)
    for name in (b"src/price.ts", b"src/deep/er/cart.ts", b"\xff\xfe\x80", b"a b/c d"):
        shop.write(name, "changed\n")
    src = relative(tree, shop.top / "a b", ["../src/deep"])
    assert src == (b"src/deep",)
    plan = await trees.plan(tree, made.id, (*src, b"\xff\xfe\x80"))
    assert [one.path for one in plan.steps] == [b"src/deep/er/cart.ts", b"\xff\xfe\x80"]
    await trees.restore(tree, plan)
    assert shop.path(b"\xff\xfe\x80").read_bytes() == b"odd \xff\xfe\x80"
    assert shop.path("src/price.ts").read_text() == "changed\n"
    with pytest.raises(UnknownName, match="nothing at nothing differs from W-1"):
        await trees.plan(tree, made.id, (b"nothing",))
    with pytest.raises(UsageError, match="is not in the work tree"):
        relative(tree, shop.top, ["../outside"])
    with pytest.raises(UnknownName, match="there is no checkpoint 'W-99'"):
        await trees.plan(tree, "W-99")


async def test_nothing_goes_over_what_the_preview_did_not_show(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    agents = Nobody(["claude-2"])
    trees = wing(tmp_path, agents=agents)
    tree = await trees.find(shop.top)
    made = await trees.checkpoint(tree)
    shop.write("src/price.ts", "mine\n")
    plan = await trees.plan(tree, made.id)
    assert plan.agents == ("claude-2",)
    shop.write("src/price.ts", "an agent was faster\n")
    with pytest.raises(Overlap, match="changed since the preview"):
        await trees.restore(tree, plan)
    assert shop.path("src/price.ts").read_text() == "an agent was faster\n"
    agents.rests = False
    with pytest.raises(OrcError, match="claude-2 goes on"):
        await trees.restore(tree, await trees.plan(tree, made.id))
    assert shop.path("src/price.ts").read_text() == "an agent was faster\n"
    agents.rests = True
    done = await trees.restore(tree, await trees.plan(tree, made.id))
    assert done.rested == ("claude-2",) and done.turn is not None
    shop.write("src/price.ts", "and again\n")
    with pytest.raises(Overlap, match=r"src/price\.ts was changed since W-"):
        await trees.turn(done.turn, is_undo=True)
    assert shop.path("src/price.ts").read_text() == "and again\n"


async def test_a_change_within_the_same_second_and_size_is_seen(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    trees = wing(tmp_path)
    tree = await trees.find(shop.top)
    for text in ("1", "2", "3", "4"):
        shop.write("src/price.ts", text)
        made = await trees.checkpoint(tree)
        held = shop.git("cat-file", "blob", f"{made.commit}:src/price.ts")
        assert held == text.encode()


async def test_what_cannot_be_kept_is_named_and_never_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orc_core.code.snapshots.LARGE_BYTES", 1000)
    shop = tree_shapes.submodule(tmp_path)
    shop.write("large.bin", b"x" * 2000)
    shop.path("src/price.ts").unlink()
    os.mkfifo(shop.path("src/price.ts"))
    trees = wing(tmp_path)
    tree = await trees.find(shop.top)
    made = await trees.checkpoint(tree)
    assert {one.path: one.why for one in made.left_out} == {
        b"large.bin": "larger than 0 MB",
        b"src/price.ts": "no plain file",
        b"stray/": "a repository of its own",
    }
    shop.write("large.bin", "small now\n")
    shop.write("run.sh", b"x" * 3000)  # could not be saved before it is replaced
    plan = await trees.plan(tree, made.id, is_exact=True)
    assert {one.path for one in plan.kept_back} == {b"large.bin", b"run.sh"}
    assert not plan.steps


async def test_nothing_is_written_through_a_symlink_or_into_git(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    trees = wing(tmp_path)
    tree = await trees.find(shop.top)
    made = await trees.checkpoint(tree)
    for path in sorted(shop.top.joinpath("src").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    shop.path("src").rmdir()
    shop.path("src").symlink_to(outside)
    plan = await trees.plan(tree, made.id)
    assert {one.path for one in plan.kept_back} == {b"src/price.ts", b"src/deep/er/cart.ts"}
    await trees.restore(tree, await trees.plan(tree, made.id, is_exact=True))
    assert not list(outside.iterdir())
    assert shop.path("src/price.ts").read_text() == "one\ntwo\nthree\n"
    # A checkpoint that somebody forged may name anything.
    blob = shop.git("hash-object", "-w", "--stdin", stdin=b"evil").strip()
    forged = b"".join(b"100644 blob %s\t%s\0" % (blob, name) for name in (b"x", b".GIT"))
    content = shop.git("mktree", "-z", stdin=forged).strip().decode()
    message = shop.git("log", "-1", "--format=%B", made.commit)
    commit = shop.git("commit-tree", content, stdin=message).strip().decode()
    shop.git("update-ref", "refs/orc/checkpoints/W-50", commit)
    plan = await trees.plan(tree, "w-50")
    assert [one.path for one in plan.steps] == [b"x"]
    assert [one.why for one in plan.kept_back] == ["no name of a file in a work tree"]


def test_a_file_is_reached_through_real_folders_alone(tmp_path: Path) -> None:
    top, outside = tmp_path / "top", tmp_path / "outside"
    top.mkdir()
    outside.mkdir()
    (outside / "price.ts").write_text("outside\n")
    (top / "src").symlink_to(outside)
    staged = tmp_path / "staged"
    staged.write_text("evil\n")
    with Files(top, "sha1") as files:
        assert files.held(b"src/price.ts") is None
        assert files.obstacle(b"src/price.ts") == b"src"
        with pytest.raises(NotADirectoryError):
            files.replace(b"src/price.ts", staged, PLAIN)
        files.remove(b"src/price.ts")
        for name in (b".git/config", b"a/.GIT/x", b"../x", b"/etc/passwd", b"git~1", b""):
            with pytest.raises(GitError, match="no name of a file"):
                files.replace(name, staged, PLAIN)
    assert (outside / "price.ts").read_text() == "outside\n"


async def test_steps_go_over_what_they_were_made_on_or_not_at_all(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    trees = wing(tmp_path)
    tree = await trees.find(shop.top)
    made = await trees.checkpoint(tree)
    shop.path("run.sh").unlink()
    shop.write("src/price.ts", "mine\n")
    steps = (await trees.plan(tree, made.id)).steps
    assert [one.path for one in steps] == [b"run.sh", b"src/price.ts"]
    shop.write("src/price.ts", "at the last moment\n")
    before = contents(shop.top)
    here = room.room_of(tree, tmp_path / "rooms")
    turn = FilesTurned(str(shop.top), "", "", "restore W-1", 2)
    async with snapshots.looking(here, ENVIRON, keep=True) as look:
        with pytest.raises(Overlap, match=r"src/price\.ts was changed meanwhile"):
            await restoring.carry_out(here, look, steps, turn)
    assert contents(shop.top) == before, "run.sh is taken back, too"
    assert not left_over(shop.top) and not here.unfinished.exists()


async def test_checkpoints_belong_to_their_work_tree(tmp_path: Path) -> None:
    shop = tree_shapes.linked(tmp_path)
    main = Repository(tmp_path / "shop")
    trees = wing(tmp_path)
    here, there = await trees.find(shop.top), await trees.find(main.top)
    first, second = await trees.checkpoint(here), await trees.checkpoint(there)
    assert (first.id, second.id) == ("W-1", "W-2")
    assert [one.id for one in await trees.listing(here)] == ["W-1"]
    with pytest.raises(UnknownName, match="W-2 is a checkpoint of another work tree"):
        await trees.plan(here, "W-2")
    main.git("pack-refs", "--all")
    third = await trees.checkpoint(here)
    assert third.id == "W-3"
    await checkpoints.forget(here, [first, third], ENVIRON)
    assert await trees.listing(here) == []
    main.git("update-ref", "refs/orc/checkpoints/W-9", "HEAD")  # none of ours
    assert [one.id for one in await trees.listing(there)] == ["W-2"]
    assert (await trees.checkpoint(there)).id == "W-3"


def kept(number: int, at: float, cause: Cause, size: int = 1) -> TreeCheckpoint:
    return TreeCheckpoint(
        f"W-{number}", at, OPERATOR, "", cause, "main", "/", "", "", "c", "t", size
    )


def test_the_number_age_and_size_of_checkpoints_are_bounded() -> None:
    now = 1e9
    many = [kept(n, now, Cause.PROMPT) for n in range(400, 0, -1)]
    gone = checkpoints.superfluous(many, now, {"W-7"})
    assert len(gone) == 400 - checkpoints.AUTOMATIC_MAX - 1
    assert "W-7" not in {one.id for one in gone}
    asked = [kept(n, now - 1e8, Cause.ASKED) for n in range(400, 0, -1)]
    assert len(checkpoints.superfluous(asked, now, ())) == 400 - checkpoints.KEPT_MAX
    old = [kept(2, now - 1e7, Cause.RESTORE), kept(1, now - 1e7, Cause.RESTORE)]
    assert checkpoints.superfluous(old, now, ()) == old[1:], "the newest stays"
    large = [kept(n, now, Cause.ASKED, checkpoints.KEPT_BYTES // 2) for n in (3, 2, 1)]
    assert checkpoints.superfluous(large, now, ()) == large[2:]


async def test_two_of_us_wait_for_each_other_and_read_only_makes_nothing(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    trees = wing(tmp_path)
    tree = await trees.find(shop.top)
    looks = Trees(
        tmp_path / "rooms", SystemClock(), environ=ENVIRON, actor=OPERATOR, read_only=True
    )
    with pytest.raises(ReadOnly, match="cannot make a checkpoint"):
        await looks.checkpoint(tree)
    clock = TurnedClock()
    held = room.room_of(tree, tmp_path / "rooms")
    waits = Trees(tmp_path / "rooms", clock, environ=ENVIRON, actor=OPERATOR)
    async with room.entered(held, SystemClock()):
        clock.turn(0.0)
        with pytest.raises(OrcError, match="another orc is at work"):
            await _turning(clock, waits.checkpoint(tree))
    assert (await trees.checkpoint(tree)).id == "W-1"


async def _turning(clock: TurnedClock, act: object) -> object:
    import asyncio

    running = asyncio.ensure_future(act)  # type: ignore[call-overload]
    while not running.done():
        if clock.sleepers:
            clock.turn(5.0)
        await asyncio.sleep(0)
    return running.result()


async def test_files_in_which_others_were_since_are_named(tmp_path: Path) -> None:
    shop = tree_shapes.plain(tmp_path)
    agents = Nobody(("claude-2", "codex-1"))
    trees = wing(tmp_path, agents=agents)
    tree = await trees.find(shop.top)
    made = await trees.checkpoint(tree)
    for name in ("src/price.ts", "run.sh", "kept.log"):
        shop.write(name, "changed\n")
    agents.shares = [
        Share(b"src/price.ts", "claude-2", made.at + 1),
        Share(b"run.sh", "claude-2", made.at + 1),
        Share(b"run.sh", "codex-1", made.at + 2),
        Share(b"kept.log", "codex-1", made.at - 1),
        Share(b"elsewhere", "codex-1", made.at + 1),
    ]
    plan = await trees.plan(tree, made.id, of="claude-2")
    assert plan.shares == (Share(b"run.sh", "codex-1", made.at + 2),)
    assert (await trees.plan(tree, made.id)).shares == ()
