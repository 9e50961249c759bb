"""What a merge must not do: run a stranger's words, lose a check, wait for a pipe."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from pathlib import Path

import pytest

import repositories
import tree_shapes
from orc_core.clock import SystemClock
from orc_core.code import attempts, checking
from orc_core.code.forecasts import Forecasts, Tip
from orc_core.code.merging import Merges
from orc_core.code.room import Room, entered
from orc_core.errors import GitError, OrcError, UsageError
from orc_core.model.merging import Choice, Take
from orc_storage.records import OPERATOR

ENVIRON = repositories.environment()
SIDES = ("feat/cart", "feat/discounts")


def wing(root: Path) -> Merges:
    return Merges(root / "rooms", SystemClock(), environ=ENVIRON, actor=OPERATOR)


@pytest.mark.parametrize("name", ["x;touch${IFS}ran", "x'y`id`", "far/" + "long" * 55])
async def test_the_way_back_is_one_command_whatever_a_branch_is_called(
    tmp_path: Path, name: str
) -> None:
    shop = tree_shapes.parted(tmp_path)
    shop.git("branch", "-m", SIDES[0], name)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    for into, old in (("", shop.git("rev-parse", name).decode().strip()), (f"{name}2", "")):
        merge = await merges.begin(tree, name, SIDES[1], into=into)
        await merges.choose(tree, merge.id, {one.number: Choice(Take.LEFT) for one in merge.parts})
        done = await merges.commit(tree, merge.id)
        words = shlex.split(done.way_back)
        assert words[-3 if old else -1].removeprefix("refs/heads/") == (into or name)
        subprocess.run(["sh", "-c", done.way_back], cwd=shop.top, env=ENVIRON, check=True)
        assert not shop.path("ran").exists()
        left = shop.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{into or name}")
        assert left.decode().strip() == old


async def test_the_way_back_prints_no_sign_that_turns_a_terminal(tmp_path: Path) -> None:
    shop = tree_shapes.parted(tmp_path)
    name = "x\u202e\u009b31m"
    shop.git("branch", "-m", SIDES[0], name)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    merge = await merges.begin(tree, name, SIDES[1])
    await merges.choose(tree, "", {one.number: Choice(Take.LEFT) for one in merge.parts})
    assert (await merges.commit(tree)).way_back.isprintable()


async def test_a_check_stays_with_its_merge_and_another_one_is_run(tmp_path: Path) -> None:
    shop = tree_shapes.parted(tmp_path)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    merge = await merges.begin(tree, *SIDES, check=("true",))
    await merges.choose(tree, "", {one.number: Choice(Take.LEFT) for one in merge.parts})
    checked = (await merges.check(tree)).checked
    assert checked is not None and checked.passed
    again = await merges.begin(tree, *SIDES, into="joined")
    assert again.check == ("true",) and again.checked == checked, "only the branch is another"
    other = await merges.begin(tree, *SIDES, check=("false",))
    assert other.check == ("false",) and other.checked is None
    with pytest.raises(OrcError, match="false ended with code 1"):
        await merges.commit(tree)


async def test_a_name_that_leads_to_another_branch_is_not_moved(tmp_path: Path) -> None:
    shop = tree_shapes.parted(tmp_path)
    shop.git("symbolic-ref", "refs/heads/alias", "refs/heads/feat/cart")
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    merge = await merges.begin(tree, "alias", SIDES[1])
    assert merge.into == "merge-alias-feat-discounts" and "leads to feat/cart" in merge.into_why
    with pytest.raises(OrcError, match="alias leads to feat/cart"):
        await merges.begin(tree, "alias", SIDES[1], into="alias")


async def test_a_name_that_git_would_take_for_another_one_is_refused(tmp_path: Path) -> None:
    shop = tree_shapes.parted(tmp_path)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    with pytest.raises(UsageError, match="cannot be the name of a branch"):
        await merges.begin(tree, *SIDES, into="@{-1}")


@pytest.mark.parametrize("file", ["src/.gitattributes", ".git/info/attributes"])
async def test_markers_so_long_that_git_breaks_are_refused(tmp_path: Path, file: str) -> None:
    shop = tree_shapes.parted(tmp_path)
    shop.git("checkout", "--quiet", SIDES[0])
    shop.write(file, "*.ts conflict-marker-size=1431655765\n")
    shop.commit("attributes")
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    with pytest.raises(GitError, match=r"conflict-marker-size .* shorten it"):
        await merges.preview(tree, *SIDES)


async def test_a_forecast_takes_no_length_of_markers_from_a_work_tree(tmp_path: Path) -> None:
    shop = tree_shapes.parted(tmp_path)
    shop.write(".gitattributes", "*.ts conflict-marker-size=1431655765\n")
    tree = await wing(tmp_path).find(shop.top)
    tips = [Tip(one, shop.git("rev-parse", one).decode().strip()) for one in SIDES]
    room = Room(tree, tmp_path / "rooms" / "shop")
    async with entered(room, SystemClock()):
        (found,) = await Forecasts().of(room, tips, None, ENVIRON)
    assert not found.trouble and [one.hunks for one in found.clashes] == [2]


async def test_a_pipe_in_place_of_a_file_of_git_is_not_waited_for(tmp_path: Path) -> None:
    shop = tree_shapes.parted(tmp_path)
    (shop.top / ".git/rebase-merge").mkdir()
    os.mkfifo(shop.top / ".git/rebase-merge/head-name")
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    assert (await merges.preview(tree, *SIDES)).into == SIDES[0]


async def test_more_files_than_can_be_decided_are_not_read_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tree_shapes.parted(tmp_path)
    read: list[str] = []
    content = attempts.content

    async def seen(look: attempts.Lens, name: str) -> bytes:
        read.append(name)
        return await content(look, name)

    monkeypatch.setattr(attempts, "content", seen)
    monkeypatch.setattr(attempts, "PARTS_MAX", 0)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    with pytest.raises(GitError, match="1 conflicts are more"):
        await merges.preview(tree, *SIDES)
    assert not read


@pytest.mark.parametrize("pipe", [">&- 2>&-", ""])
async def test_nothing_that_a_check_started_lives_on(tmp_path: Path, pipe: str) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    script = f"exec 3<>{shlex.quote(str(alive))}; sleep 20 {pipe} & exit 0"
    found = await checking.run(
        ("sh", "-c", script), tmp_path, "tree", dict(os.environ), timeout_s=1.0
    )
    assert found.passed is bool(pipe)
    # The pipe has an end only when nobody who inherited it is left.
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(reader, ended.set)
    async with asyncio.timeout(5):
        await ended.wait()
    asyncio.get_running_loop().remove_reader(reader)
    assert os.read(reader, 1) == b""
    os.close(reader)
