"""Lines that collide: read as git merged them, woven again as chosen, byte by byte."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from orc_core.code import weaving
from orc_core.code.weaving import Collided, Woven
from orc_core.model.merging import Choice, Take

ENDS = (b"\n", b"\r\n")


def by_git(folder: Path, texts: list[bytes], *options: str) -> bytes:
    """What git makes of three texts: left, base, right."""
    names = [folder / name for name in ("left", "base", "right")]
    for name, text in zip(names, texts, strict=True):
        name.write_bytes(text)
    argv = ["git", "merge-file", "--stdout", *options, *map(str, names)]
    return subprocess.run(argv, capture_output=True, check=False).stdout


def generated(chance: random.Random) -> list[bytes]:
    """A base and two sides that change some of its lines, markers and odd line ends among them."""
    words = [b"a", b"b", b"<<<<<<< x", b"=======", b"", b">>>>>>> y", b"||||||| z", b"c\r", b"\xff"]
    end = chance.choice(ENDS)
    base = [chance.choice(words) + b"%d" % (at // 3) for at in range(chance.randrange(24))]
    sides = []
    for _ in range(2):
        lines = list(base)
        for _ in range(chance.randrange(6)):
            at = chance.randrange(len(lines) + 1)
            lines[at : at + chance.randrange(3)] = [
                chance.choice(words) for _ in range(chance.randrange(3))
            ]
        sides.append(lines)
    texts = [end.join(lines) for lines in (sides[0], base, sides[1])]
    return [text + end * chance.randrange(2) if text else text for text in texts]


def test_one_side_in_every_hunk_is_what_git_makes_of_it(tmp_path: Path) -> None:
    collided = 0
    for seed in range(150):
        texts = generated(random.Random(seed))
        size = weaving.marker_size(texts)
        merged = by_git(tmp_path, texts, "--zdiff3", f"--marker-size={size}")
        woven = weaving.read(merged, size, *texts)
        collided += len(woven.hunks)
        for take, option in ((Take.LEFT, "--ours"), (Take.RIGHT, "--theirs")):
            chosen = dict.fromkeys(range(len(woven.hunks)), Choice(take))
            assert woven.text(chosen) == by_git(tmp_path, texts, option), (seed, take)
        based = woven.text(dict.fromkeys(range(len(woven.hunks)), Choice(Take.BASE)))
        for hunk, line in zip(woven.hunks, woven.lines(), strict=True):
            lines = based.split(b"\n")[line - 1 :]
            assert b"\n".join(lines).startswith(hunk.base.rstrip(b"\r\n")), seed
    assert collided > 100


def test_both_keeps_every_line_whole_in_either_order() -> None:
    woven = Woven(
        (b"1\n", Collided(b"left", b"old\n", b"right\n"), b"2\n", Collided(b"", b"x\n", b"y"))
    )
    both = {0: Choice(Take.BOTH), 1: Choice(Take.SWAPPED)}
    assert woven.text(both) == b"1\nleft\nright\n2\ny"
    swapped = {0: Choice(Take.SWAPPED), 1: Choice(Take.VALUE, b"own\n")}
    assert woven.text(swapped) == b"1\nright\nleft\n2\nown\n"
    assert woven.lines() == (2, 4)
    with pytest.raises(KeyError):
        woven.text({0: Choice(Take.LEFT)})
    dos = Woven((Collided(b"left", b"", b"right\r\n"),))
    assert dos.text({0: Choice(Take.BOTH)}) == b"left\r\nright\r\n"


def test_markers_are_those_of_their_length_alone() -> None:
    text = b"<<<<<<< left\n<<<<<<<< longer\n=======\n>>>>>>> right\r\n<<<<<<<x\n"
    assert weaving.marked(text, 7) == {b"<<<<<<< left", b">>>>>>> right"}
    assert weaving.marked(text, 8) == {b"<<<<<<<< longer"}
    assert weaving.marker_size([b"=" * 30 + b"\n", b""]) == 31
    assert weaving.marker_size([b"<" * 5_000]) == 0
    with pytest.raises(ValueError, match="out of order"):
        weaving.read(b"========\n", 8, b"", b"", b"")
    with pytest.raises(ValueError, match="missing"):
        weaving.read(b"<<<<<<<< x\n", 8, b"", b"", b"")
