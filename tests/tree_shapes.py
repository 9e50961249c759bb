"""Work trees of many shapes, each changed since its last commit.

Invariant: a shape is made of real git alone; `disturb` changes files of every kind in one, so
that there is something to take back.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import repositories
from repositories import Repository


def plain(root: Path) -> Repository:
    """Folders, an ignored file, a tracked file that is ignored, a program, a symlink."""
    shop = repositories.make(root / "shop")
    shop.write(".gitignore", "*.log\nbuild/\n")
    shop.write("src/price.ts", "one\ntwo\nthree\n")
    shop.write("src/deep/er/cart.ts", "cart\n")
    shop.write("run.sh", "#!/bin/sh\n", 0o755)
    shop.write("kept.log", "tracked though ignored\n")
    shop.path("link").symlink_to("src/price.ts")
    shop.path("gone").symlink_to("nowhere")
    shop.git("add", "-f", "kept.log")
    shop.commit()
    shop.write("trace.log", "ignored\n")
    shop.write("build/out", "ignored\n")
    return shop


def parted(root: Path) -> Repository:
    """Two branches that collide in two hunks of one file, neither of them checked out."""
    shop = plain(root)
    text = "".join(f"line {number}\n" for number in range(1, 21))
    shop.write("src/cart.ts", text)
    shop.commit("cart")
    for name, word in (("feat/cart", "total"), ("feat/discounts", "discount")):
        shop.git("checkout", "--quiet", "-b", name, "main")
        changed = text.replace("line 3\n", f"{word} of 3\n")
        shop.write("src/cart.ts", changed.replace("line 15\n", f"{word} of 15\n"))
        shop.commit(word)
    shop.git("checkout", "--quiet", "main")
    return shop


def odd_names(root: Path) -> Repository:
    """Blanks, line breaks, quotes, bytes that are no UTF-8, and names that look like options."""
    shop = plain(root)
    for name in (
        b"a b/c d",
        b"line\nbreak",
        b"\xff\xfe\x80",
        b"-rf",
        b":(top)x",
        b'q"uote',
        b"tab\t",
    ):
        shop.write(name, b"odd " + name)
    shop.commit()
    shop.write(b"diff --git a/x b/x\n", "a header?\n")
    return shop


def line_ends(root: Path) -> Repository:
    """Converted line ends, idents and an encoding, with files that are not as git would write."""
    shop = plain(root)
    shop.git("config", "core.autocrlf", "input")
    shop.write(
        ".gitattributes", "*.ts text=auto eol=crlf ident\n*.txt working-tree-encoding=UTF-16\n"
    )
    shop.write("mixed.ts", b"one\r\ntwo\n$Id: 1 $\n")
    shop.write("wide.txt", "wide\n".encode("utf-16"))
    shop.commit()
    return shop


def large_files(root: Path) -> Repository:
    """Pointers instead of contents, as LFS leaves them, with a filter that is not there."""
    shop = plain(root)
    shop.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    shop.write("model.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    shop.git("config", "filter.lfs.required", "true")
    shop.git("-c", "filter.lfs.required=false", "add", "-A")
    shop.git("-c", "filter.lfs.required=false", "commit", "--quiet", "-m", "pointer")
    shop.write("model.bin", b"\0\1 the content")
    return shop


def submodule(root: Path) -> Repository:
    """A repository inside, tracked as a submodule, and another one that is not."""
    shop = plain(root)
    for name in ("lib", "stray"):
        inner = repositories.make(shop.top / name)
        inner.write("inner.ts", "inner\n")
        inner.commit()
        if name == "lib":
            shop.write(".gitmodules", '[submodule "lib"]\n\tpath = lib\n\turl = ./lib\n')
            shop.commit()
    return shop


def linked(root: Path) -> Repository:
    """A linked work tree on a branch of its own."""
    shop = plain(root)
    shop.git("worktree", "add", "--quiet", "-b", "orders", "../orders")
    return Repository(root / "orders")


def bare(root: Path) -> Repository:
    """A work tree of a bare repository."""
    shop = plain(root)
    shop.git("clone", "--quiet", "--bare", ".", "../shop.git")
    Repository(root / "shop.git").git("worktree", "add", "--quiet", "-b", "orders", "../orders")
    return Repository(root / "orders")


def sparse(root: Path) -> Repository:
    """A sparse checkout, with a sparse index."""
    shop = plain(root)
    shop.write("docs/guide.md", "guide\n")
    shop.commit()
    shop.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    return shop


def split_index(root: Path) -> Repository:
    """An index in two parts."""
    shop = plain(root)
    shop.git("update-index", "--split-index")
    shop.write("src/other.ts", "other\n")
    shop.git("add", "src/other.ts")
    return shop


def detached(root: Path) -> Repository:
    shop = plain(root)
    shop.commit("second")
    shop.git("checkout", "--quiet", "--detach", "HEAD~1")
    return shop


def unborn(root: Path) -> Repository:
    """No commit yet, one file staged."""
    shop = repositories.make(root / "shop")
    shop.write("src/price.ts", "one\n")
    shop.write("staged.ts", "staged\n")
    shop.git("add", "staged.ts")
    return shop


def merging(root: Path) -> Repository:
    """A merge that stopped at a conflict."""
    return _stopped(root, "merge")


def rebasing(root: Path) -> Repository:
    """A rebase that stopped at a conflict."""
    return _stopped(root, "rebase")


def _stopped(root: Path, verb: str) -> Repository:
    shop = plain(root)
    shop.git("checkout", "--quiet", "-b", "side")
    shop.write("src/price.ts", "one\nside\nthree\n")
    shop.commit("side")
    shop.git("checkout", "--quiet", "main")
    shop.write("src/price.ts", "one\nmain\nthree\n")
    shop.commit("main")
    shop.git(verb, "side", ok=False)
    return shop


def flagged(root: Path) -> Repository:
    """Files of which the index says that they never change, and one that is only announced."""
    shop = plain(root)
    shop.git("update-index", "--assume-unchanged", "src/price.ts")
    shop.git("update-index", "--skip-worktree", "run.sh")
    shop.write("soon.ts", "soon\n")
    shop.git("add", "--intent-to-add", "soon.ts")
    return shop


def new_hashes(root: Path) -> Repository:
    """A repository that names its objects by SHA-256."""
    shop = repositories.make(root / "shop", "--object-format=sha256")
    shop.write("src/price.ts", "one\n")
    shop.commit()
    return shop


def shallow(root: Path) -> Repository:
    """A clone that has only the last commit."""
    shop = plain(root)
    shop.commit("second")
    shop.git("clone", "--quiet", "--depth=1", f"file://{shop.top}", "../copy")
    return Repository(root / "copy")


SHAPES: tuple[Callable[[Path], Repository], ...] = (
    plain,
    odd_names,
    line_ends,
    large_files,
    submodule,
    linked,
    bare,
    sparse,
    split_index,
    detached,
    unborn,
    merging,
    rebasing,
    flagged,
    new_hashes,
    shallow,
)


def disturb(shop: Repository, chance: random.Random) -> None:
    """Change, remove, add and turn into other kinds some of the files, as an agent does."""
    known = sorted(
        name
        for name in repositories.contents(shop.top)
        if not name.startswith((b"lib/", b"stray/", b"build/", b".gitmodules"))
        and not name.endswith(b".log")
    )
    for name in known:
        path = shop.path(name)
        match chance.randrange(7):
            case 0:
                path.unlink()
            case 1 if not path.is_symlink():
                path.write_bytes(path.read_bytes()[::-1] + os.urandom(3))
            case 2 if not path.is_symlink():
                path.chmod(path.stat().st_mode ^ 0o111)
            case 3:
                path.unlink()
                path.symlink_to("elsewhere")
            case 4:
                path.unlink()
                shop.write(name + b"/inside", "a folder now\n")
            case _:
                pass
    for number in range(chance.randrange(4)):
        if not shop.path(f"made/{number}.ts").is_dir():
            shop.write(f"made/{number}.ts", f"made {chance.random()}\n")
