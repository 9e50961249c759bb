"""A repository that would run a program in every way that git has for it.

Invariant: each way leaves a file of its own name in `marks`, and nothing else.
"""

from __future__ import annotations

import os
from pathlib import Path

import repositories

HOOKS = (
    "post-index-change",
    "reference-transaction",
    "pre-commit",
    "post-commit",
    "post-checkout",
    "post-merge",
    "pre-auto-gc",
    "prepare-commit-msg",
    "fsmonitor-watchman",
)


class Trap:
    """A hostile work tree and the folder in which it leaves its marks."""

    def __init__(self, root: Path) -> None:
        self.marks = root / "marks"
        self.marks.mkdir(parents=True)
        self._scripts = root / "scripts"
        self._scripts.mkdir()
        self.repository = repositories.make(root / "shop")
        self._fill()
        self._set()

    def fired(self) -> set[str]:
        """The ways in which something was run since the last call."""
        found = {one.name for one in self.marks.iterdir()}
        for one in self.marks.iterdir():
            one.unlink()
        return found

    def script(self, way: str, body: str = "cat") -> str:
        """A program that leaves its mark and goes on like the one that it stands for."""
        path = self._scripts / way
        path.write_text(f"#!/bin/sh\n: >{self.marks}/{way}\n{body}\n")
        path.chmod(0o755)
        return str(path)

    def environ(self) -> dict[str, str]:
        """What the surroundings of a process may hold to the same end."""
        here = self.repository.top
        fake = here / "git"
        fake.write_text(f'#!/bin/sh\n: >{self.marks}/path\nexec /usr/bin/git "$@"\n')
        fake.chmod(0o755)
        return {
            "PATH": f":.:{os.environ['PATH']}",
            "GIT_EXTERNAL_DIFF": self.script("env-external-diff", "true"),
            "GIT_PAGER": self.script("env-pager"),
            "GIT_EDITOR": self.script("env-editor", "true"),
            "GIT_ASKPASS": self.script("env-askpass", "echo x"),
            "GIT_SSH_COMMAND": self.script("env-ssh", "false"),
            "GIT_TRACE2": str(self.marks / "env-trace2"),
            "GIT_TRACE": str(self.marks / "env-trace"),
            "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={self.script('env-config', 'true')}'",
            "GIT_DIR": "/nonexistent",
            "GIT_INDEX_FILE": "/nonexistent/index",
            "GIT_EXEC_PATH": str(here),
        }

    def _fill(self) -> None:
        shop = self.repository
        shop.write("price.ts", "one\ntwo\nthree\n")
        shop.write("kept.bin", b"\0\1\2")
        shop.write("notes.md", "notes\n")
        shop.commit("first")
        below = repositories.make(shop.top / "lib")
        below.write("lib.ts", "lib\n")
        below.commit("lib")
        below.git("config", "core.fsmonitor", self.script("submodule-fsmonitor", "false"))
        below.git("config", "filter.sub.clean", self.script("submodule-filter"))
        below.write(".gitattributes", "* filter=sub\n")
        shop.write(".gitmodules", '[submodule "lib"]\n\tpath = lib\n\turl = ./lib\n')
        shop.commit("with a submodule")
        shop.git("checkout", "--quiet", "-b", "side")
        shop.write("price.ts", "one\nTWO\nthree\n")
        shop.commit("side")
        shop.git("checkout", "--quiet", "main")
        shop.write("price.ts", "one\n2\nthree\n")
        shop.write(
            ".gitattributes",
            "*.ts diff=evil merge=evil\n*.bin filter=plain diff=plain\n*.md filter=evil\n",
        )
        shop.commit("main")
        below.write("lib.ts", "changed\n")

    def _set(self) -> None:
        shop = self.repository
        for hook in HOOKS:
            for folder in (shop.top / ".git" / "hooks", self._scripts / "hooks"):
                folder.mkdir(exist_ok=True)
                path = folder / hook
                path.write_text(f"#!/bin/sh\n: >{self.marks}/hook-{hook}\nexit 0\n")
                path.chmod(0o755)
        chosen = {
            "core.fsmonitor": self.script("fsmonitor", "false"),
            "filter.plain.clean": self.script("clean"),
            "filter.plain.smudge": self.script("smudge"),
            "filter.evil.process": self.script("process", "false"),
            "diff.evil.command": self.script("diff-command", "true"),
            "diff.plain.textconv": self.script("textconv", "cat $1"),
            "diff.external": self.script("diff-external", "true"),
            "merge.evil.driver": self.script("merge-driver", "false"),
            "core.pager": self.script("pager"),
            "pager.diff": self.script("pager-diff"),
            "core.editor": self.script("editor", "true"),
            "core.sshCommand": self.script("ssh", "false"),
            "core.gitProxy": self.script("proxy", "false"),
            "core.askPass": self.script("askpass", "echo x"),
            "core.alternateRefsCommand": self.script("alternate-refs", "true"),
            "credential.helper": self.script("credential", "true"),
            "gpg.program": self.script("gpg", "false"),
            "commit.gpgSign": "true",
            "log.showSignature": "true",
            "alias.ls-files": f"!{self.script('alias', 'true')}",
            "protocol.ext.allow": "always",
            "remote.origin.url": f"ext::{self.script('transport', 'false')}",
            "remote.origin.promisor": "true",
            "extensions.partialClone": "origin",
            "core.repositoryFormatVersion": "1",
            "submodule.recurse": "true",
            "diff.submodule": "diff",
            "status.submoduleSummary": "true",
            "gc.auto": "1",
        }
        for name, value in chosen.items():
            shop.git("config", name, value)
        shop.write("extra.ts", "new\n")
        shop.write("extra.bin", b"\0new")
        shop.write("price.ts", "one\nzwei\nthree\n")
        shop.write("kept.bin", b"\0\1\2\3")
        shop.write("notes.md", "other notes\n")
        self.fired()


def careless(trap: Trap) -> set[str]:
    """What an ordinary look at the repository runs: the proof that the trap is one."""
    shop = trap.repository
    for argv in (
        ("status",),
        ("diff",),
        ("diff", "--", "kept.bin"),
        ("diff", "--", "price.ts"),
        ("config", "--unset", "diff.external"),
        ("diff", "--", "kept.bin"),
        ("checkout", "--", "kept.bin"),
        ("log", "-1"),
        ("add", "-A"),
        ("merge-tree", "--write-tree", "main", "side"),
        ("update-ref", "refs/heads/other", "HEAD"),
        ("cat-file", "-e", "0" * 39 + "1"),
    ):
        shop.git(*argv, ok=False)
    return trap.fired()
