"""`orc code`: checkpoints of a work tree, what differs, and the way back, without a server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tree_shapes
from orc_cli.main import DONE, FAILED, NOT_FOUND, USAGE, main
from repositories import PLAIN, Repository, contents

Orc = Callable[..., str]


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    return tree_shapes.plain(tmp_path)


@pytest.fixture
def orc(
    shop: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Orc:
    """Runs `orc` in the work tree and returns what it printed."""
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMUX_TMPDIR", "HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ORC_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.delenv("ORC_ACTOR", raising=False)
    monkeypatch.chdir(shop.top)

    def run(*argv: str, code: int = DONE) -> str:
        capsys.readouterr()
        assert main(list(argv)) == code, capsys.readouterr().err
        told = capsys.readouterr()
        return told.out if code == DONE else told.err

    return run


def test_files_go_back_and_there_again(orc: Orc, shop: Repository) -> None:
    before = contents(shop.top)
    made: dict[str, Any] = json.loads(orc("code", "checkpoint", "before it breaks", "--json"))
    assert (made["id"], made["note"], made["branch"]) == (
        "W-1",
        "before it breaks",
        "refs/heads/main",
    )
    shop.write("src/price.ts", "one\nTWO\nthree\n")
    shop.write("src/new.ts", "new\n")
    shop.path("run.sh").unlink()
    broken, state = contents(shop.top), shop.private()
    shown = orc("code", "diff", "w-1").splitlines()
    assert "src/price.ts: goes back  +1 -1" in shown and "  -TWO" in shown
    assert "src/new.ts: is removed  +0 -1" in shown
    files = json.loads(orc("code", "diff", "W-1", "src/price.ts", "--json"))["files"]
    assert [one["path"] for one in files] == ["src/price.ts"]
    assert "nobody to ask here: give --yes" in orc("code", "restore", "W-1", code=USAGE)
    assert "nobody to ask here" in orc("code", "restore", "W-1", "--json", code=USAGE)
    preview = orc("code", "restore", "W-1", "--dry-run")
    assert "  stays, it was made since (--exact removes it): src/new.ts" in preview
    assert "  commits, branches, the index and the stash stay as they are" in preview
    assert contents(shop.top) == broken
    done = orc("code", "restore", "W-1", "--yes").splitlines()[-1]
    assert done == "2 file(s) are back at W-1; `orc undo` takes it back"
    assert contents(shop.top) == before | {b"src/new.ts": broken[b"src/new.ts"]}
    assert "W-2 " in orc("code", "list") and "before: restore W-1" in orc("code", "list")
    told = orc("undo", "--dry-run")
    assert f"goes back: 2 files in {shop.top}, as they are in W-2" in told
    assert orc("undo") == "undone: restore W-1 (2 files); `orc redo` does it again\n"
    assert contents(shop.top) == broken
    assert shop.private() == state
    assert json.loads(orc("redo", "--json"))["undoable"]
    exact = json.loads(orc("code", "restore", "W-1", "--exact", "--yes", "--json"))
    assert [one["path"] for one in exact["files"]] == ["src/new.ts"]
    assert contents(shop.top) == before
    assert "restore W-1 (2 files)" in orc("timeline")
    assert "nothing to do" in orc("code", "restore", "W-1", "--yes")
    assert orc("code", "recover") == "no restore was cut short here\n"


def test_some_files_are_named_from_where_one_stands(
    orc: Orc, shop: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    orc("code", "checkpoint")
    shop.write("src/price.ts", "changed\n")
    shop.write("run.sh", "changed\n")
    monkeypatch.chdir(shop.path("src"))
    orc("code", "restore", "W-1", "price.ts", "--yes")
    assert shop.path("src/price.ts").read_text() == "one\ntwo\nthree\n"
    assert shop.path("run.sh").read_text() == "changed\n"
    assert "is not in the work tree" in orc("code", "diff", "W-1", "/etc", code=USAGE)
    assert "there is no checkpoint 'W-9'" in orc("code", "diff", "W-9", code=NOT_FOUND)


def test_some_hunks_go_back_by_their_numbers(orc: Orc, shop: Repository) -> None:
    lines = [f"{at}\n" for at in range(30)]
    shop.write("src/price.ts", "".join(lines))
    orc("code", "checkpoint")
    shop.write("src/price.ts", "".join(["first\n", *lines[1:-1], "last\n"]))
    shop.write("run.sh", "changed\n")
    assert "  @@ 2: line 27 now, 27 then @@" in orc("code", "diff", "W-1").splitlines()
    for wrong in ("src/price.ts", "src/price.ts:x", ":1"):
        assert "write PATH:N" in orc("code", "restore", "W-1", "--hunk", wrong, code=USAGE)
    assert "has the hunks 1 to 2, not 3" in orc(
        "code", "restore", "W-1", "--hunk", "src/price.ts:1,3", code=USAGE
    )
    told = json.loads(orc("code", "restore", "W-1", "--hunk", "src/price.ts:2", "--yes", "--json"))
    assert told["hunks"] == [{"path": "src/price.ts", "numbers": [2]}]
    assert [hunk["number"] for hunk in told["differences"][0]["hunks"]] == [2]
    assert shop.path("src/price.ts").read_text() == "".join(["first\n", *lines[1:]])
    assert shop.path("run.sh").read_text() == "changed\n"
    orc("undo")
    assert shop.path("src/price.ts").read_text().endswith("last\n")


def test_what_is_in_the_way_is_said(
    orc: Orc, shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cannot make a checkpoint" in orc("code", "checkpoint", "--read-only", code=FAILED)
    assert orc("code", "list") == "no checkpoints: `orc code checkpoint` makes one\n"
    orc("code", "checkpoint")
    shop.write("src/price.ts", "changed\n")
    orc("code", "restore", "W-1", "--yes")
    shop.write("src/price.ts", "newer work\n")
    assert "src/price.ts was changed since W-3" in orc("undo", code=FAILED)
    assert shop.path("src/price.ts").read_text() == "newer work\n"
    monkeypatch.chdir(tmp_path)
    assert "is in no work tree that can be read" in orc("code", "list", code=FAILED)
    monkeypatch.setenv("PATH", f".:{tmp_path}")
    from orc_core.code import git

    git.binary.cache_clear()
    try:
        assert "git is not installed" in orc("code", "list", code=FAILED)
    finally:
        git.binary.cache_clear()
    assert os.environ["PATH"].startswith(".:")


def test_who_is_where_and_what_merges_come_to(orc: Orc, shop: Repository, tmp_path: Path) -> None:
    for name in ("orders", "carts"):
        shop.git("worktree", "add", "--quiet", "-b", f"feat/{name}", f"../{name}")
        tree = Repository(tmp_path / name)
        tree.write("src/price.ts", f"one\n{name}\nthree\n")
        tree.commit(name)
        tree.write("run.sh", "changed\n")
    state = shop.private()
    rows = [line.split() for line in orc("code", "status").splitlines()]
    assert [row[1:5] for row in rows if row[1].startswith("feat")] == [
        ["feat/carts", "main", "+1", "-0"],
        ["feat/orders", "main", "+1", "-0"],
    ]
    told = {one["branch"]: one for one in json.loads(orc("code", "status", "--json"))}
    assert told["feat/orders"]["changed"] == ["run.sh"]
    assert told["feat/orders"]["main"] == {"of": "main", "ahead": 1, "behind": 0}
    assert (told["feat/orders"]["added"], told["feat/orders"]["removed"]) == (1, 1)
    assert told["main"]["main"] is None
    shown = orc("code", "forecast")
    assert shown == ("feat/carts and feat/orders  will conflict in src/price.ts, 1 hunk\n")
    pairs = json.loads(orc("code", "forecast", "--json"))
    clashes = {(one["left"]["branch"], one["right"]["branch"]): one for one in pairs}
    conflict = clashes["feat/carts", "feat/orders"]
    assert conflict["conflicts"] == [{"path": "src/price.ts", "hunks": 1}]
    assert orc("code", "overlap") == "no two agents are in one file\n"
    assert json.loads(orc("code", "overlap", "--json")) == []
    assert shop.private() == state
