"""Two branches merged without a work tree: decided, checked, committed, or as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import repositories
from clocks import TurnedClock
from orc_core.clock import SystemClock
from orc_core.code import committing
from orc_core.code.merging import Merges
from orc_core.errors import GitError, OrcError, Overlap, ReadOnly, UnknownName, UsageError
from orc_core.history.trees import TreeLedger
from orc_core.model.merging import Choice, Merge, PartKind, Take
from orc_storage import journal
from orc_storage.records import OPERATOR
from repositories import Repository, contents
from stores import open_store

ENVIRON = repositories.environment()
LINES = "".join(f"{number}\n" for number in range(1, 31))
GONE = LINES.replace("\n", " gone\n")


def wing(root: Path, register: TreeLedger | None = None, *, read_only: bool = False) -> Merges:
    return Merges(
        root / "rooms",
        SystemClock(),
        environ=ENVIRON,
        actor=OPERATOR,
        register=register,
        read_only=read_only,
    )


def two_agents(root: Path, *options: str) -> tuple[Repository, Repository, Repository]:
    """A repository with two linked work trees whose branches collide in every way there is."""
    shop = repositories.make(root / "shop", *options)
    shop.write("price.ts", LINES)
    shop.write(b"a b\n\xff.ts", LINES)
    shop.write("dos.txt", LINES.replace("\n", "\r\n"))
    shop.write("logo.png", b"\0\1base")
    shop.write("run.sh", "#!/bin/sh\n")
    shop.write("old.ts", LINES.replace("\n", " old\n"))
    shop.write("gone.ts", GONE)
    shop.write("kind", LINES)
    shop.write("markers.txt", LINES)
    shop.write("lock.json", LINES)
    shop.write(".gitattributes", "markers.txt conflict-marker-size=12\nlock.json -merge\n")
    shop.path("link").symlink_to("base")
    shop.commit("base")
    trees = []
    for name in ("left", "right"):
        shop.git("worktree", "add", "--quiet", "-b", f"feat/{name}", f"../{name}")
        tree = Repository(root / name)
        text = LINES.replace("5\n", f"{name} 5\n", 1).replace("20\n", f"{name} 20\n", 1)
        for file in (b"price.ts", b"a b\n\xff.ts", b"markers.txt"):
            tree.write(file, text)
        tree.write("dos.txt", text.replace("\n", "\r\n"))
        tree.write("logo.png", b"\0\1" + name.encode())
        tree.write("new.ts", f"{name}\n")
        tree.write("lock.json", LINES.replace("1\n" if name == "left" else "30\n", name + "\n", 1))
        tree.path("link").unlink()
        tree.path("link").symlink_to(name)
        tree.git("mv", "old.ts", f"old-{name}.ts")
        if name == "left":
            tree.path("gone.ts").unlink()
            tree.path("kind").unlink()
            tree.path("kind").symlink_to("elsewhere")
            tree.write("made.sh", "same\n", 0o755)
        else:
            tree.write("gone.ts", GONE + "more\n")
            tree.write("kind", LINES + "more\n")
            tree.write("made.sh", "same\n")
        tree.commit(name)
        trees.append(tree)
    return shop, trees[0], trees[1]


def one_hunk(root: Path) -> tuple[Repository, Repository]:
    """Two branches that collide in one hunk of one file; the main tree has neither."""
    shop = repositories.make(root / "shop")
    shop.write("price.ts", LINES)
    shop.commit("base")
    for name in ("left", "right"):
        shop.git("checkout", "--quiet", "-b", name, "main")
        shop.write("price.ts", LINES.replace("5\n", f"{name}\n", 1))
        shop.commit(name)
    shop.git("checkout", "--quiet", "main")
    return shop, shop


def every(merge: Merge, take: Take) -> dict[int, Choice | None]:
    """One side for every part, or the left one where that cannot be."""
    return {one.number: Choice(take if take in one.takes else Take.LEFT) for one in merge.parts}


def files(shop: Repository, commit: str) -> dict[bytes, tuple[bytes, bytes]]:
    """Mode and object of every file of a commit."""
    rows = shop.git("ls-tree", "-r", "-z", commit).split(b"\0")[:-1]
    return {
        row.split(b"\t", 1)[1]: (row.split()[0], row.split(b"\t")[0].split()[2]) for row in rows
    }


def everything(*trees: Repository) -> list[object]:
    """All that must be as it was: files, HEADs, refs, indexes, and what lies in the repository."""
    return [(contents(one.top), one.private()) for one in trees]


@pytest.mark.parametrize("take", [Take.LEFT, Take.RIGHT])
@pytest.mark.parametrize("options", [(), ("--object-format=sha256",)], ids=["sha1", "sha256"])
async def test_one_side_throughout_is_that_side(
    tmp_path: Path, take: Take, options: tuple[str, ...]
) -> None:
    shop, left, right = two_agents(tmp_path, *options)
    merges = wing(tmp_path)
    tree = await merges.find(left.top)
    before = everything(shop, left, right)
    merge = await merges.begin(tree, "feat/left", "feat/right")
    kinds = {(part.path, part.kind) for part in merge.parts}
    assert {
        (b"gone.ts", PartKind.FILE),
        (b"kind", PartKind.FILE),
        (b"link", PartKind.FILE),
        (b"lock.json", PartKind.FILE),
        (b"logo.png", PartKind.FILE),
        (b"made.sh", PartKind.MODE),
        (b"new.ts", PartKind.LINES),
        (b"old.ts", PartKind.NAME),
        (b"a b\n\xff.ts", PartKind.LINES),
    } <= kinds
    assert sum(part.path == b"price.ts" for part in merge.parts) == 2
    assert merge.into == "merge-feat-left-feat-right" and "checked out" in merge.into_why
    with pytest.raises(UsageError, match="not decided yet: 1 "):
        await merges.commit(tree)
    await merges.choose(tree, merge.id, every(merge, take))
    assert everything(shop, left, right) == before
    done = await merges.commit(tree)
    side = "feat/left" if take is Take.LEFT else "feat/right"
    assert files(shop, done.commit) == files(shop, side)
    parents = shop.git("rev-parse", f"{done.commit}^1", f"{done.commit}^2").split()
    assert parents == shop.git("rev-parse", "feat/left", "feat/right").split()
    shop.git("branch", "-D", done.branch)  # the way back that is told
    assert everything(shop, left, right) == before
    assert not await merges.listing(tree)
    assert shop.git("fsck", "--no-dangling").count(b"error") == 0


async def test_every_way_to_decide_is_what_is_written(tmp_path: Path) -> None:
    shop, left, _ = two_agents(tmp_path)
    merges = wing(tmp_path)
    tree = await merges.find(left.top)
    merge = await merges.begin(tree, "feat/left", "feat/right", into="joined")
    by_path = {(part.path, part.kind): part.number for part in reversed(merge.parts)}
    chosen = every(merge, Take.BOTH)
    price = by_path[b"price.ts", PartKind.LINES]
    chosen[price] = Choice(Take.SWAPPED)
    chosen[price + 1] = Choice(Take.VALUE, b"own 20\n")
    chosen[by_path[b"dos.txt", PartKind.LINES]] = Choice(Take.BASE)
    chosen[by_path[b"gone.ts", PartKind.FILE]] = Choice(Take.BASE)
    chosen[by_path[b"made.sh", PartKind.MODE]] = Choice(Take.RIGHT)
    await merges.choose(tree, merge.id, chosen)
    done = await merges.commit(tree)
    assert done.branch == "joined"
    found = files(shop, "joined")
    assert {b"old-left.ts", b"old-right.ts", b"kind", b"kind~right"} <= found.keys()
    assert b"old.ts" not in found
    assert found[b"gone.ts"] == files(shop, "main")[b"gone.ts"]
    assert found[b"made.sh"][0] == b"100644" and found[b"link"] == files(shop, "feat/left")[b"link"]
    text = shop.git("show", "joined:price.ts").decode()
    assert "4\nright 5\nleft 5\n6\n" in text and "19\nown 20\n21\n" in text
    assert shop.git("show", "joined:new.ts") == b"left\nright\n"
    dos = shop.git("show", "joined:dos.txt")
    assert b"4\r\n5\r\n6\r\n" in dos and b"left 20\r\nright 20\r\n" in dos
    assert dos.count(b"\n") == dos.count(b"\r\n")


async def test_choices_are_kept_taken_back_and_refused_where_they_cannot_be(tmp_path: Path) -> None:
    shop, left, _ = two_agents(tmp_path)
    merges = wing(tmp_path)
    tree = await merges.find(left.top)
    begun = await merges.begin(
        tree, "feat/left", "feat/right", who={"feat/left": ("codex-1", "T-9")}
    )
    assert begun.left.title == "codex-1 (feat/left)" and begun.left.task == "T-9"
    await merges.choose(tree, "", {1: Choice(Take.RIGHT), 2: Choice(Take.LEFT)})
    again = await wing(tmp_path).begin(tree, "feat/left", "feat/right")
    assert (again.id, again.choices) == (
        begun.id,
        {1: Choice(Take.RIGHT), 2: Choice(Take.LEFT)},
    ), "whoever begins it again goes on with it"
    assert (await merges.choose(tree, "", {1: None})).choices == {2: Choice(Take.LEFT)}
    lines = next(part for part in begun.parts if part.path == b"markers.txt")
    whole = next(part for part in begun.parts if part.path == b"logo.png")
    seven, twelve = b"<<<<<<< x\n", b"<" * 12 + b" x\n"
    await merges.choose(tree, "", {lines.number: Choice(Take.VALUE, seven)})
    for number, choice, words in (
        (lines.number, Choice(Take.VALUE, twelve), "conflict marker"),
        (lines.number, Choice(Take.VALUE, b"x" * (1 << 20) + b"x"), "1 MB"),
        (whole.number, Choice(Take.BOTH), "left, right, base, not both"),
        (999, Choice(Take.LEFT), "no part 999"),
    ):
        with pytest.raises(UsageError, match=words):
            await merges.choose(tree, "", {number: choice})
    assert (await merges.show(tree)).choices[lines.number].value == seven
    right = Repository(tmp_path / "right")
    right.write("more.ts", "more\n")
    right.commit("more")
    assert "feat/right moved since" in (await merges.show(tree)).moved[0]
    assert await merges.abort(tree) == begun.id
    with pytest.raises(UnknownName, match="begin"):
        await merges.show(tree)
    assert shop.git("branch", "--list", "merge-*") == b""


async def test_a_branch_that_is_checked_out_is_never_moved(tmp_path: Path) -> None:
    shop, _ = one_hunk(tmp_path)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    with pytest.raises(UsageError, match=r"main is checked out in .* --into merge-left-right"):
        await merges.begin(tree, "left", "right", into="main")
    with pytest.raises(UsageError, match="cannot be the name"):
        await merges.begin(tree, "left", "right", into="a..b")
    with pytest.raises(UnknownName, match="no branch nowhere"):
        await merges.begin(tree, "left", "nowhere")
    with pytest.raises(UsageError, match="has all of main already"):
        await merges.begin(tree, "left", "main")
    shop.git("branch", "other", "main")
    shop.git(
        "update-ref", "refs/heads/other", shop.git("commit-tree", "main^{tree}", "-m", "x").strip()
    )
    with pytest.raises(UsageError, match="other has commits that neither side has"):
        await merges.begin(tree, "left", "right", into="other")
    merge = await merges.begin(tree, "left", "right")
    assert merge.into == "left"
    await merges.choose(tree, "", every(merge, Take.BOTH))
    shop.git("worktree", "add", "--quiet", "../agent", "left")
    with pytest.raises(UsageError, match=r"left is checked out in .*agent"):
        await merges.commit(tree)
    agent = Repository(tmp_path / "agent")
    agent.git("rebase", "--quiet", "right", ok=False)
    with pytest.raises(UsageError, match="left is checked out in a rebase"):
        await merges.commit(tree)
    agent.git("rebase", "--abort")
    agent.git("checkout", "--quiet", "--detach")
    shop.git("update-ref", "refs/heads/left", "main")
    with pytest.raises(Overlap, match="left moved since"):
        await merges.commit(tree)
    shop.git("update-ref", "refs/heads/left", merge.left.commit)
    done = await merges.commit(tree)
    assert done.branch == "left"
    assert shop.git("rev-parse", "left").strip().decode() == done.commit
    shop.git(*done.way_back.split()[1:])
    assert shop.git("rev-parse", "left").strip().decode() == merge.left.commit


async def test_a_check_has_to_pass_on_the_merged_files(tmp_path: Path) -> None:
    shop, _ = one_hunk(tmp_path)
    async with open_store(tmp_path / "store", TurnedClock()) as db:
        merges = wing(tmp_path, TreeLedger(db, OPERATOR))
        tree = await merges.find(shop.top)
        check = ("sh", "-c", "pwd; test ! -e .git; grep -c left price.ts")
        merge = await merges.begin(tree, "left", "right", check=check)
        with pytest.raises(UsageError, match="not decided yet"):
            await merges.check(tree)
        await merges.choose(tree, "", {1: Choice(Take.RIGHT)})
        checked = (await merges.check(tree)).checked
        assert checked is not None and not checked.passed
        assert "ended with code 1" in checked.text and str(tmp_path / "rooms") in checked.said
        with pytest.raises(OrcError, match="nothing was committed"):
            await merges.commit(tree)
        assert shop.git("rev-parse", "left").strip().decode() == merge.left.commit
        await merges.choose(tree, "", {1: Choice(Take.LEFT)})
        assert (await merges.show(tree)).checked is None, "it was of other files"
        done = await merges.commit(tree)
        told = list(await db.read(lambda conn: journal.page(conn)))
        assert [entry.action for entry in told] == ["merge"]
        assert str(told[0].detail).count(done.commit) == 1
        assert not list((tmp_path / "rooms").glob("*/merge-*")), "scratch trees are gone"
        with pytest.raises(UnknownName):
            await merges.check(tree)


async def test_what_an_agent_made_of_it_is_looked_at(tmp_path: Path) -> None:
    shop, left, _ = two_agents(tmp_path)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    merge = await merges.begin(tree, "feat/left", "feat/right")
    with pytest.raises(UsageError, match="with no agent"):
        await merges.verify(tree)
    await merges.choose(tree, "", {merge.parts[0].number: Choice(Take.RIGHT)})
    words = await merges.prompt(tree, "", "feat/left")
    assert "`git merge --no-ff feat/right`" in words and "price.ts: 2 hunks" in words
    assert "12 signs long" in words and "the operator wants for 1: the right side" in words
    assert len(words.split("\n")) == 3 + len({part.path for part in merge.parts})
    await merges.hand(tree, "", "codex-1", "feat/left")
    with pytest.raises(OrcError, match="feat/left lacks feat/right"):
        await merges.verify(tree)
    left.git("merge", "--no-ff", "feat/right", ok=False)
    left.git("add", "-A")
    left.git("commit", "--quiet", "-m", "done")
    with pytest.raises(OrcError, match=r"conflict markers are left in .*markers.txt"):
        await merges.verify(tree)
    for part in merge.parts:
        if part.kind is PartKind.LINES:
            left.write(part.path, "resolved\n")
    left.commit("without markers")
    done = await merges.verify(tree)
    assert done.branch == "feat/left" and "codex-1 merged it" in done.text
    assert not await merges.listing(tree)


async def test_names_that_git_allows_and_a_bare_repository(tmp_path: Path) -> None:
    shop, _ = one_hunk(tmp_path)
    shop.git("clone", "--quiet", "--bare", ".", "../shop.git")
    bare = Repository(tmp_path / "shop.git")
    bare.git("worktree", "add", "--quiet", "-b", "orders", "../orders", "left")
    merges = wing(tmp_path)
    tree = await merges.find(tmp_path / "orders")
    bare.git("branch", "ü`$(id)`;x", "right")
    merge = await merges.begin(tree, "orders", "ü`$(id)`;x", into="joined")
    assert f"git merge --no-ff {merge.right.commit}" in await merges.prompt(tree, "", "orders")
    await merges.choose(tree, "", every(merge, Take.LEFT))
    assert (await merges.commit(tree)).branch == "joined"
    commits = await merges.preview(tree, merge.left.commit, "right")
    assert commits.left.ref == "" and commits.into.startswith("merge-")
    with pytest.raises(ReadOnly):
        await wing(tmp_path, read_only=True).begin(tree, "orders", "right")
    unborn = repositories.make(tmp_path / "unborn")
    with pytest.raises(UnknownName):
        await merges.begin(await merges.find(unborn.top), "main", "other")


async def test_a_mode_that_one_side_changed_is_kept(tmp_path: Path) -> None:
    shop, _ = one_hunk(tmp_path)
    shop.git("checkout", "--quiet", "right")
    shop.path("price.ts").chmod(0o755)
    shop.commit("a program")
    shop.git("checkout", "--quiet", "main")
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    merge = await merges.begin(tree, "left", "right", into="joined")
    assert [part.kind for part in merge.parts] == [PartKind.LINES], "nobody is asked"
    await merges.choose(tree, "", every(merge, Take.LEFT))
    done = await merges.commit(tree)
    assert files(shop, done.commit) == {
        b"price.ts": (b"100755", files(shop, "left")[b"price.ts"][1])
    }


async def test_a_submodule_is_a_choice(tmp_path: Path) -> None:
    shop = repositories.make(tmp_path / "shop")
    inner = repositories.make(shop.top / "lib")
    commits = [inner.commit(str(number)) for number in range(3)]
    shop.commit("base")
    for name, commit in (("left", commits[1]), ("right", commits[2])):
        shop.git("checkout", "--quiet", "-b", name, "main")
        shop.git("update-index", "--add", "--cacheinfo", f"160000,{commits[0][::-1]},lib")
        shop.git(
            "update-index",
            "--cacheinfo",
            f"160000,{commit if name == 'left' else commit[::-1]},lib",
        )
        shop.git("commit", "--quiet", "-m", name)
        shop.git("reset", "--quiet", "--hard")
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    merge = await merges.begin(tree, "left", "right", into="joined")
    assert [(part.path, part.kind) for part in merge.parts] == [(b"lib", PartKind.FILE)]
    assert merge.parts[0].left == b"submodule at " + commits[1][:12].encode()
    await merges.choose(tree, "", {1: Choice(Take.LEFT)})
    done = await merges.commit(tree)
    assert files(shop, done.commit) == files(shop, "left")


async def test_a_hostile_repository_runs_nothing(tmp_path: Path) -> None:
    shop, _ = one_hunk(tmp_path)
    mark = tmp_path / "ran"
    evil = f"touch {mark}"
    shop.git("checkout", "--quiet", "left")
    shop.write(".gitattributes", "* merge=evil filter=evil diff=evil\n")
    shop.commit("attributes")
    for name in (
        "merge.evil.driver",
        "filter.evil.smudge",
        "filter.evil.clean",
        "diff.evil.textconv",
    ):
        shop.git("config", name, evil)
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "gpg.program", "diff.external"):
        shop.git("config", name, evil)
    shop.git("config", "merge.default", "evil")
    shop.git("config", "commit.gpgSign", "true")
    for hook in ("reference-transaction", "post-merge", "pre-merge-commit", "post-commit"):
        shop.write(f".git/hooks/{hook}", f"#!/bin/sh\n{evil}\n", 0o755)
    mark.unlink(missing_ok=True)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    merge = await merges.begin(tree, "left", "right", into="joined", check=("true",))
    await merges.choose(tree, "", every(merge, Take.BOTH))
    await merges.check(tree)
    await merges.commit(tree)
    assert not mark.exists()
    shop.git("show-ref", "joined")


async def test_a_commit_that_was_cut_short_is_old_or_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _ = one_hunk(tmp_path)
    merges = wing(tmp_path)
    tree = await merges.find(shop.top)
    merge = await merges.begin(tree, "left", "right")
    await merges.choose(tree, "", {1: Choice(Take.LEFT)})

    def note() -> Path:
        return next((tmp_path / "rooms").glob("*/merges/M-*.json"))

    before = note().read_bytes()
    done = await merges.commit(tree)
    # As it is on disk when the branch was moved and the note was not removed yet.
    folder = next((tmp_path / "rooms").glob("*/merges"))
    told = before.decode().replace('"commit": ""', f'"commit": "{done.commit}"')
    (folder / "M-1.json").write_text(told)
    assert await merges.commit(tree) == replace(done, way_back="git branch -D left")
    (folder / "M-1.json").write_text(told)
    with pytest.raises(UsageError, match="is committed"):
        await merges.abort(tree)
    # As it is before the branch was moved: the merge is open, and is committed once more.
    shop.git("update-ref", "refs/heads/left", merge.left.commit)
    (folder / "M-1.json").write_text(told)
    assert len(await merges.listing(tree)) == 1
    again = await merges.commit(tree)
    assert shop.git("rev-parse", "left").decode().strip() == again.commit
    with pytest.raises(Overlap, match="could not be moved"):
        await committing.move(tree, ENVIRON, "refs/heads/left", done.commit, merge.left.commit)
    (folder / "M-1.json").write_text("{")
    with pytest.raises(GitError, match=r"M-1\.json cannot be read"):
        await merges.listing(tree)
    assert [one.name for one in folder.iterdir()] == ["M-1.json"]
