"""Merges tried by git without a work tree, and the trees that come of what was chosen.

Invariant: attributes are those of the left side's commit, and no merge driver, filter or other
program that a repository names is run. Trees, indexes and branches of the agents are not
touched; what git writes lies in a folder of ours, unless the repository's own is named.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orc_core.code import collisions, lens, weaving
from orc_core.code.collisions import Attempt, Collision
from orc_core.code.lens import Lens
from orc_core.code.room import Room
from orc_core.errors import GitError
from orc_core.model.code import Held
from orc_core.model.merging import Choice, Part, Version
from orc_core.text import clean

TRY_TIMEOUT_S: Final = 60.0
TEXT_MAX_BYTES: Final = 8 * 1024 * 1024
"""A larger file is taken whole."""
PARTS_MAX: Final = 5_000
_BINARY_WITHIN: Final = 8_000
_LONG_MARKER: Final = re.compile(rb"conflict-marker-size=\s*\+?0*[1-9][0-9]{4}")


@dataclass(frozen=True, slots=True)
class Tried:
    """A merge that was tried: git's tree, the files that collide, and the decisions they ask for.

    `sizes` are the lengths of conflict markers by path, as the attributes say.
    """

    tree: str
    collisions: tuple[Collision, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    sizes: Mapping[bytes, int]

    def of(self, one: Collision) -> list[Part]:
        """The decisions that one file asks for."""
        return [part for part in self.parts if part.path == one.path]


@asynccontextmanager
async def scratch(
    room: Room, left: str, right: str, environ: Mapping[str, str], *, keep: bool
) -> AsyncIterator[Lens]:
    """A look at two commits of a repository through an empty work tree; the caller is in the room.

    With `keep` new objects go to the repository, else they are thrown away.
    """
    await lens.prepare(room.tree, room.plain, raw=False, environ=environ, markers=True)
    folder = await asyncio.to_thread(_made, room.folder)
    try:
        for name in ("objects", "tree"):
            (folder / name).mkdir()
        heads = room.plain / "refs" / "heads"
        heads.mkdir(exist_ok=True)
        # Git calls the sides so, where it has to put one file beside another.
        for name, commit in (("left", left), ("right", right)):
            (heads / name).write_text(f"{commit}\n", encoding="ascii")
        nowhere = replace(room.tree, top=folder / "tree")
        objects = room.tree.objects if keep else folder / "objects"
        look = Lens(nowhere, room.plain, folder / "index", objects)
        await look.run("read-tree", left, timeout_s=TRY_TIMEOUT_S)
        await _lay_attributes(look)
        yield look
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _made(room: Path) -> Path:
    """A new folder, without those that somebody left who was killed: the room is locked."""
    for old in room.glob("merge-*"):
        shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp("", "merge-", room))


async def _lay_attributes(look: Lens) -> None:
    """Put the attributes of the left side where git looks for them."""
    names = (await look.run("ls-files", "-z", timeout_s=TRY_TIMEOUT_S)).split(b"\0")
    some = [name for name in names if name.rpartition(b"/")[2] == b".gitattributes"]
    if some:
        stdin = b"".join(name + b"\0" for name in some)
        await look.run("checkout-index", "-z", "--stdin", stdin=stdin)
    places = [look.folder / "info" / "attributes"]
    places += [look.tree.top / os.fsdecode(name) for name in some]
    await asyncio.to_thread(_refuse_long_markers, places)


def _refuse_long_markers(places: Sequence[Path]) -> None:
    """Git sums up the lengths of markers unguarded: long ones take gigabytes or break it."""
    for place in places:
        if _LONG_MARKER.search(lens.read_small(place)):
            name = clean(place.name, limit=100)
            raise GitError(f"{name} has a conflict-marker-size of five digits or more: shorten it")


async def attempt(look: Lens) -> Tried:
    """Try the merge that a scratch look is at; raises GitError, GitTimeout."""
    told = await look.run(
        "merge-tree",
        "--write-tree",
        "-z",
        "--messages",
        "--allow-unrelated-histories",
        "left",
        "right",
        codes=(0, 1),
        timeout_s=TRY_TIMEOUT_S,
    )
    tried = collisions.parse(told)
    found = collisions.find(tried)
    _refuse_many(len(found))
    facts = await _attributes(look, [one.path for one in found])
    woven = [await _weave(look, one, facts[one.path]) for one in found]
    parts = collisions.parts(woven)
    _refuse_many(len(parts))
    sizes = {path: size for path, (_, size) in facts.items()}
    return Tried(tried.tree, tuple(woven), parts, _notes(tried), sizes)


def _refuse_many(count: int) -> None:
    if count > PARTS_MAX:
        raise GitError(f"{count} conflicts are more than can be decided one by one: use git")


def _notes(tried: Attempt) -> tuple[str, ...]:
    """What git said of conflicts beside those about the lines of one file."""
    return tuple(
        clean(one.text, limit=300).strip()
        for one in tried.messages
        if one.kind.startswith(b"CONFLICT") and one.kind != b"CONFLICT (contents)"
    )


async def _attributes(look: Lens, paths: Sequence[bytes]) -> dict[bytes, tuple[bool, int]]:
    """Of each path whether it is merged by lines, and how long its conflict markers are."""
    facts = dict.fromkeys(paths, (True, weaving.USUAL_MARKER))
    if not paths:
        return facts
    asked = b"".join(path + b"\0" for path in paths)
    told = await look.run(
        "check-attr", "--cached", "-z", "--stdin", "merge", "conflict-marker-size", stdin=asked
    )
    fields = told.split(b"\0")[:-1]
    for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        by_lines, size = facts[path]
        if name == b"merge":
            by_lines = value not in (b"unset", b"binary")
        elif value.isdigit() and 0 < int(value) <= weaving.MARKER_MAX:
            size = int(value)
        facts[path] = (by_lines, size)
    return facts


async def _weave(look: Lens, one: Collision, facts: tuple[bool, int]) -> Collision:
    """A collision with its lines, where both sides have a text that can be merged by lines."""
    if one.is_renamed:
        one = replace(
            one,
            left=await _original(look, "left", one.left),
            right=await _original(look, "right", one.right),
        )
    if not one.is_text or not facts[0] or one.left is None or one.right is None:
        return one
    texts = [
        await content(look, side.held.object) if side is not None else b""
        for side in (one.left, one.base, one.right)
    ]
    if any(len(text) > TEXT_MAX_BYTES or b"\0" in text[:_BINARY_WITHIN] for text in texts):
        return one
    size = weaving.marker_size(texts)
    if not size:
        return one
    folder = look.index.parent
    names = [folder / name for name in ("left.txt", "base.txt", "right.txt")]
    await asyncio.to_thread(_write_all, names, texts)
    merged = await look.run(
        "merge-file",
        "--stdout",
        "--zdiff3",
        f"--marker-size={size}",
        *map(str, names),
        codes=range(128),
        timeout_s=TRY_TIMEOUT_S,
    )
    try:
        return replace(one, woven=weaving.read(merged, size, texts[0], texts[1], texts[2]))
    except ValueError as error:
        raise GitError(f"git merge-file: {error}") from None


async def _original(look: Lens, side: str, version: Version | None) -> Version | None:
    """What a side itself has under that name: git may have merged into it already."""
    if version is None:
        return None
    told = await look.run("ls-tree", "-z", side, "--", version.path)
    if b"\t" not in told:
        return version
    mode, _, name = told.partition(b"\t")[0].split(b" ")
    return replace(version, held=Held(int(mode, 8), name.decode("ascii")))


async def content(look: Lens, name: str) -> bytes:
    """The bytes of a file that git holds."""
    return await look.run("cat-file", "blob", name, timeout_s=TRY_TIMEOUT_S)


def _write_all(names: Sequence[Path], texts: Sequence[bytes]) -> None:
    for name, text in zip(names, texts, strict=True):
        name.write_bytes(text)


async def resolve(look: Lens, tried: Tried, choices: Mapping[int, Choice]) -> str:
    """The tree that the merge comes to as chosen; raises GitError, KeyError for an open part."""
    index = replace(look, index=look.index.with_name("result"))
    await index.run("read-tree", tried.tree, timeout_s=TRY_TIMEOUT_S)
    gone: list[bytes] = []
    come: list[bytes] = []
    zero = "0" * len(tried.tree)
    for one in tried.collisions:
        entries, text = collisions.outcome(one, tried.of(one), choices)
        gone += [f"0 {zero}\t".encode() + path for path in one.paths]
        for path, mode, name in entries:
            if name is None:
                name = await _kept(index, text or b"")
            come.append(f"{mode:o} {name}\t".encode() + path)
    if gone:
        lines = b"".join(line + b"\0" for line in (*gone, *come))
        await index.run("update-index", "-z", "--replace", "--index-info", stdin=lines)
    return (await index.run("write-tree", timeout_s=TRY_TIMEOUT_S)).strip().decode("ascii")


async def _kept(look: Lens, text: bytes) -> str:
    argv = ("hash-object", "-w", "--no-filters", "--stdin")
    return (await look.run(*argv, stdin=text, timeout_s=TRY_TIMEOUT_S)).strip().decode("ascii")


async def markers_left(look: Lens, tried: Tried, tree: str) -> list[bytes]:
    """The files of `tree` that collided and hold conflict markers which neither side has."""
    found: list[bytes] = []
    for one in tried.collisions:
        size = tried.sizes[one.path]
        own: set[bytes] = set()
        for side in ("left", "right"):
            for path in one.paths:
                own |= weaving.marked(await _at(look, side, path), size)
        for path in one.paths:
            is_marked = bool(weaving.marked(await _at(look, tree, path), size) - own)
            found += [path] * is_marked
    return found


async def _at(look: Lens, tree: str, path: bytes) -> bytes:
    """A file of a tree or commit; b"" where there is none, or it is no plain file or large."""
    told = await look.run("ls-tree", "-z", "-l", tree, "--", path)
    if b"\t" not in told or not told.startswith(b"100"):
        return b""
    _, _, name, size = told.partition(b"\t")[0].split()
    return await content(look, name.decode("ascii")) if int(size) <= TEXT_MAX_BYTES else b""


async def check_out(look: Lens, tree: str, folder: Path) -> None:
    """Write the files of a tree into a folder of ours, byte for byte but for line ends."""
    index = replace(look, index=look.index.with_name("checked"))
    await index.run("read-tree", tree, timeout_s=TRY_TIMEOUT_S)
    prefix = os.fsencode(folder) + b"/"
    await index.run("checkout-index", "--all", b"--prefix=" + prefix, timeout_s=TRY_TIMEOUT_S * 2)
