"""Leader, followers, people and faults, played from seeds in virtual time.

A seed that fails names itself, and the fewest events that still fail:
`ORC_SEED=17 pytest tests/faults/test_simulation.py` plays it again. `ORC_SEEDS` is how many
are played.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from simulation import Play, draw, play, shrink

EVENTS = 14
AT_ONCE = 25
SEEDS = int(os.environ.get("ORC_SEEDS", "200"))
ONE = os.environ.get("ORC_SEED", "")


def check(seed: str) -> None:
    events = draw(seed, EVENTS)
    played = play(seed, events)
    if played.ledger.broken:
        fewest = shrink(seed, events)
        pytest.fail(told(play(seed, fewest)), pytrace=False)


def told(played: Play) -> str:
    events = "\n  ".join(played.trace)
    broken = "\n  ".join(played.ledger.broken)
    return f"ORC_SEED={played.world.seed}\n  {events}\nbroke\n  {broken}"


@pytest.mark.parametrize("first", [0] if ONE else range(0, SEEDS, AT_ONCE))
def test_every_law_holds_whatever_happens(first: int) -> None:
    for number in range(first, min(first + AT_ONCE, SEEDS)):
        check(ONE or str(number))
        if ONE:
            break


def test_a_seed_plays_the_same_way_again() -> None:
    first, then = (play("again", draw("again", 2 * EVENTS)) for _ in range(2))
    assert first.head
    assert first.trace == then.trace
    assert (first.head, first.steps) == (then.head, then.steps)


PLAYED = """
from simulation import draw, play
for seed in ("64", "108", "again"):
    print(play(seed, draw(seed, 14)).head)
"""


def test_a_seed_plays_the_same_way_in_another_process() -> None:
    """Sets of texts lie in another order there."""
    heads = set()
    for hash_seed in ("1", "2"):
        environ = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", PLAYED], env=environ, capture_output=True, text=True, check=True
        )
        assert len(done.stdout.split()) == 3
        heads.add(done.stdout)
    assert len(heads) == 1
