"""`orc code merge`: two branches made one by a shell, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tree_shapes
from orc_cli.main import DONE, FAILED, NOT_FOUND, USAGE, main
from repositories import PLAIN, Repository

Orc = Callable[..., str]


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    return tree_shapes.parted(tmp_path)


@pytest.fixture
def orc(
    shop: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Orc:
    """Runs `orc code merge` in the work tree and returns what it printed."""
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
        assert main(["code", "merge", *argv]) == code, capsys.readouterr().err
        told = capsys.readouterr()
        return told.out if code == DONE else told.err

    return run


def test_a_merge_from_begin_to_commit(orc: Orc, shop: Repository) -> None:
    before = shop.private()
    dry = json.loads(orc("begin", "feat/cart", "feat/discounts", "--dry-run", "--json"))
    assert (dry["id"], dry["into"], dry["open"]) == (None, "feat/cart", 2)
    assert "no merge is under way" in orc("list")
    told = orc("begin", "feat/cart", "feat/discounts", "--check", "grep -q discount src/cart.ts")
    assert "M-1: feat/discounts into feat/cart" in told and "2 of 2 parts to decide" in told
    assert "1. src/cart.ts line 3" in told and "total of 3" in told and "discount of 3" in told
    assert "not decided yet: 1 (src/cart.ts), 2" in orc("commit", "--yes", code=USAGE)
    assert "no part ² here" in orc("choose", "²", "left", code=USAGE)
    orc("choose", "src/cart.ts", "left")
    assert "took left" in orc("show", "--merge", "m-1")
    assert "2 of 2 open" not in orc("list")
    orc("check", code=1)
    assert "ended with code 1" in orc("commit", "--yes", code=FAILED)
    assert shop.private() == before
    orc("choose", "2", "none")
    chosen = json.loads(orc("choose", "all", "value", "--text", "discount, total", "--json"))
    assert [part["chosen"] for part in chosen["parts"]] == ["left", "value"]
    assert chosen["checked"] is None
    assert "nobody to ask" in orc("commit", code=USAGE)
    done = json.loads(orc("commit", "--yes", "--json"))
    assert done["branch"] == "feat/cart" and done["undoable"] is False
    text = shop.git("show", "feat/cart:src/cart.ts").decode()
    assert "total of 3\n" in text and "line 14\ndiscount, total\nline 16\n" in text
    assert shop.git("log", "-1", "--format=%an %s", "feat/cart") == (
        b"Ada Merge feat/discounts into feat/cart\n"
    )
    assert orc("abort", code=NOT_FOUND)


def test_what_cannot_be_is_told_with_its_remedy(orc: Orc) -> None:
    assert "`orc code merge begin` begins one" in orc("show", code=NOT_FOUND)
    assert "no branch nowhere" in orc("begin", "feat/cart", "nowhere", code=NOT_FOUND)
    orc("begin", "feat/cart", "feat/discounts")
    assert "needs --text" in orc("choose", "1", "value", code=USAGE)
    assert "no part src/none.ts here" in orc("choose", "src/none.ts", "left", code=USAGE)
    assert "cannot be read" in orc("check", "--check", "a 'b", code=USAGE)
    assert "nothing to check with" in orc("check", code=USAGE)
    orc("begin", "feat/discounts", "feat/cart")
    assert "2 merges are under way: name one of them, M-1, M-2" in orc("show", code=USAGE)
    assert "M-2 is forgotten" in orc("abort", "--merge", "M-2")
    assert orc("hand", "codex-1", "--yes", code=NOT_FOUND)
