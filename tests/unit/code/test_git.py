"""Git, run in the one way in which it is run: bounded, and deaf to what repositories say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hostile
import repositories
from orc_core.clock import SystemClock
from orc_core.code import checkpoints, git, lens, repository
from orc_core.code.lens import Lens
from orc_core.code.trees import Trees
from orc_core.code.watching import CodeWatch
from orc_core.errors import GitError, GitTimeout, NoWorkTree
from repositories import contents

CLOSED = repositories.environment()


def test_versions_are_read_in_every_form() -> None:
    assert git.parse_version(b"git version 2.39.5\n") == (2, 39)
    assert git.parse_version(b"git version 2.50.1 (Apple Git-155)\n") == (2, 50)
    assert git.parse_version(b"what?") == (0, 0)


async def test_what_is_too_old_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def old() -> tuple[int, int]:
        return 2, 34

    monkeypatch.setattr(git, "version", old)
    await git.check_version(git.OLDEST, "a checkpoint")
    with pytest.raises(GitError, match=r"a forecast needs git 2\.38 or newer, this is 2\.34"):
        await git.check_version(git.FORECASTS, "a forecast")


async def test_a_call_is_bounded_in_time_and_output(tmp_path: Path) -> None:
    shop = repositories.make(tmp_path / "shop")
    shop.write("big", b"x" * 300_000)
    shop.commit()
    inside = git.closed_environment(tmp_path) | {"GIT_DIR": str(shop.top / ".git")}
    argv = ["cat-file", "blob", "HEAD:big"]
    assert len(await git.run(argv, environ=inside)) == 300_000
    with pytest.raises(GitError, match="printed more than 0 MB"):
        await git.run(argv, environ=inside, output_max_bytes=299_999)
    fifo = tmp_path / "fifo"  # an index to which nobody writes is waited for
    os.mkfifo(fifo)
    with pytest.raises(GitTimeout, match=r"git ls-files did not end in 0\.2 s"):
        await git.run(["ls-files"], environ=inside | {"GIT_INDEX_FILE": str(fifo)}, timeout_s=0.2)
    with pytest.raises(GitError, match="git rev-parse: Needed a single revision"):
        await git.run(["rev-parse", "--verify", "nothing"], environ=inside)


async def test_work_trees_are_found_by_any_folder_in_them(tmp_path: Path) -> None:
    odd = tmp_path / "a shop\nof odd: names\"'"
    shop = repositories.make(odd)
    shop.write("src/deep/price.ts", "one\n")
    shop.commit()
    shop.git("worktree", "add", "--quiet", "-b", "orders", "../orders")
    main = await repository.find(odd / "src" / "deep", CLOSED)
    assert (main.top, main.name) == (odd, "main")
    linked = await repository.find(tmp_path / "orders", CLOSED)
    assert (linked.name, linked.common_dir) == ("worktrees/orders", main.common_dir)
    assert linked.key != main.key
    commit, branch = await repository.head(linked, CLOSED)
    assert (len(commit), branch) == (40, "refs/heads/orders")
    empty = repositories.make(tmp_path / "empty")
    assert await repository.head(await repository.find(empty.top, CLOSED), CLOSED) == (
        "",
        "refs/heads/main",
    )
    for where in (tmp_path, tmp_path / "nowhere", odd / ".git"):
        with pytest.raises(NoWorkTree):
            await repository.find(where, CLOSED)


async def test_a_repository_cannot_make_another_folder_its_work_tree(tmp_path: Path) -> None:
    shop = repositories.make(tmp_path / "shop")
    (tmp_path / "home").mkdir()
    shop.git("config", "core.worktree", str(tmp_path / "home"))
    with pytest.raises(NoWorkTree, match="has its work tree elsewhere"):
        await repository.find(shop.top, CLOSED)


async def test_looking_executes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = hostile.Trap(tmp_path / "trap")
    fired = hostile.careless(trap)
    assert fired >= {
        "fsmonitor",
        "submodule-fsmonitor",
        "clean",
        "smudge",
        "process",
        "diff-command",
        "diff-external",
        "textconv",
        "merge-driver",
        "transport",
        "hook-reference-transaction",
        "hook-post-index-change",
    }, fired
    trap = hostile.Trap(tmp_path / "again")
    for name, value in trap.environ().items():
        monkeypatch.setenv(name, value)
    git.binary.cache_clear()
    shop = trap.repository.top
    monkeypatch.chdir(shop)
    before = trap.repository.private()
    trap.fired()
    tree = await repository.find(shop)
    commit, _ = await repository.head(tree)
    side = await git.run(["rev-parse", "side"], environ=git.owner_environment(), folder=tree.top)
    for raw in (True, False):
        folder = tmp_path / f"lens-{raw}"
        await lens.prepare(tree, folder, raw=raw)
        look = Lens(tree, folder, folder / "index", folder / "objects")
        names = await look.run("ls-files", "-z", "--others", "--exclude-standard")
        await look.run("update-index", "-z", "--add", "--remove", "--stdin", stdin=names)
        made = (await look.run("write-tree")).decode().strip()
        for argv in (
            ("diff", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", commit),
            ("diff-files", "-p", "--ignore-submodules=dirty"),
            ("diff-tree", "-r", "-p", "--no-ext-diff", "--no-textconv", commit, made),
            ("merge-tree", "--write-tree", commit, side.decode().strip()),
            ("rev-list", "--left-right", "--count", f"{commit}...{side.decode().strip()}"),
            ("cat-file", "-e", "0" * 39 + "1"),
        ):
            await look.run(*argv, codes=(0, 1, 128))
    assert trap.fired() == set()
    git.binary.cache_clear()
    monkeypatch.undo()
    assert trap.repository.private() == before


async def test_neither_checkpoints_nor_forecasts_execute_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = hostile.Trap(tmp_path / "trap")
    shop = trap.repository
    shop.git("worktree", "add", "--quiet", str(tmp_path / "trap" / "side"), "side", ok=False)
    for name, value in trap.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(shop.top)
    git.binary.cache_clear()
    trap.fired()
    trees = Trees(tmp_path / "rooms", SystemClock(), environ=os.environ, actor="operator")
    watch = CodeWatch(tmp_path / "rooms", SystemClock(), os.environ)
    tree = await trees.find(shop.top)
    before = contents(shop.top)
    made = await trees.checkpoint(tree)
    shop.write("price.ts", "broken\n")
    shop.write("kept.bin", b"broken")
    shop.path("notes.md").unlink()
    await trees.diff(tree, made.id)
    done = await trees.restore(tree, await trees.plan(tree, made.id, is_exact=True))
    assert done.turn is not None
    assert contents(shop.top) == before
    await trees.turn(done.turn, is_undo=True)
    code = await watch.once([shop.top, tmp_path / "trap" / "side"])
    assert {one.trouble for one in (*code.trees, *code.forecasts)} == {""}
    assert len(code.forecasts) >= 1
    assert trap.fired() == set()
    with monkeypatch.context() as plainly:
        for name in trap.environ():
            plainly.delenv(name, raising=False)
        plainly.setenv("PATH", os.defpath)
        shop.git("pack-refs", "--all")
        trap.fired()
        await checkpoints.forget(tree, [made], os.environ)
    assert await trees.listing(tree) != []
    assert trap.fired() == set()
    git.binary.cache_clear()


async def test_a_raw_lens_takes_files_as_they_lie_there(tmp_path: Path) -> None:
    shop = repositories.make(tmp_path / "shop")
    shop.write(".gitattributes", "* text=auto eol=crlf ident\n")
    shop.commit()
    shop.write("price.ts", b"one\r\n$Id: 1 $\n")
    tree = await repository.find(shop.top, CLOSED)
    kept: list[bytes] = []
    for raw in (True, False):
        folder = tmp_path / f"lens-{raw}"
        await lens.prepare(tree, folder, raw=raw, environ=CLOSED)
        look = Lens(tree, folder, folder / "index", folder / "objects")
        await look.run("update-index", "--add", "price.ts")
        kept.append(await look.run("cat-file", "blob", ":price.ts"))
        assert not (tree.git_dir / "objects" / "info" / "alternates").exists()
    assert kept == [b"one\r\n$Id: 1 $\n", b"one\n$Id$\n"]
