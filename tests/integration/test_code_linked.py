"""Agents in work trees of their own: made when they start, removed without losing anything."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import tree_shapes
from orc_command import Done, orc
from private_tmux import PrivateTmux
from repositories import PLAIN, Repository


def test_an_agent_gets_a_work_tree_of_its_own(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    shop = tree_shapes.plain(tmp_path)
    hook = shop.top / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\n: >{tmp_path}/hooked\n")
    hook.chmod(0o755)
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LC_ALL": "C.UTF-8",
        "ORC_WORKSPACE": str(tmp_path / "ws"),
        **PLAIN,
    }
    (tmp_path / "home").mkdir(mode=0o700)
    socket = ("--socket-path", tmux.socket_path)

    def run(*argv: str, at: Path = shop.top, code: int = 0) -> Done:
        done = orc([*argv, *socket], environ, at)
        assert done.code == code, (argv, done.out, done.err)
        return done

    start = ("spawn", "--name", "one", "--worktree", "feat/orders", *socket, "--", "cat")
    done = orc(start, environ, shop.top)
    assert done.code == 0, done.err
    top = tmp_path / "shop-feat-orders"
    tree = Repository(top)
    assert tree.git("symbolic-ref", "HEAD") == b"refs/heads/feat/orders\n"
    assert not (tmp_path / "hooked").exists(), "making a tree runs no hook"
    again = orc(start, environ, shop.top)
    assert again.code == 2 and "is there already" in again.err
    bad = orc(("spawn", "--worktree", "..", *socket, "--", "cat"), environ, shop.top)
    assert bad.code == 2 and "cannot be the name of a branch" in bad.err
    # A start that fails leaves neither tree nor branch.
    failed = ("spawn", "--worktree", "gone", *socket, "--", "/nonexistent/program")
    assert orc(failed, environ, shop.top).code != 0
    assert not (tmp_path / "shop-gone").exists()
    assert b"gone" not in shop.git("branch", "--list")

    found = json.loads(run("code", "status", "--json").out)
    assert {one["branch"] for one in found} >= {"feat/orders"}
    run("code", "checkpoint", "--agent", "one")
    assert "is the main work tree: it stays" in run("code", "remove", "--yes", code=2).err
    assert run("stop", "one", "--force").code == 0
    tree.write("src/price.ts", "changed\n")
    tree.write("new.ts", "new\n")
    tree.write("trace.log", "ignored\n")
    shown = run("code", "remove", at=top, code=2)
    assert "would be lost, not committed: new.ts" in shown.out
    assert "would be lost, ignored: trace.log" in shown.out
    assert (
        "2 file(s) with work that is not committed"
        in run("code", "remove", "--yes", at=top, code=1).err
    )
    tree.commit("more")
    assert (
        "1 commit(s) that are on no other branch"
        in run("code", "remove", "--yes", at=top, code=1).err
    )
    assert top.exists()
    gone = json.loads(run("code", "remove", "--yes", "--discard", "--json", at=top).out)
    assert not top.exists()
    assert gone["branch"] == "feat/orders"
    assert shop.git("show", f"{gone['checkpoint']['commit']}:new.ts") == b"new\n"
    assert b"feat/orders" in shop.git("branch", "--list")
