"""The end of a scripted agent: told until it is seen."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from threading import Thread

import pytest

from clocks import wait_for
from orc_core.demo.programs.run import nudge


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The ends of children that this process was told of; it waits for none of them by that."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGCHLD, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGCHLD, before)


async def test_an_end_is_told_again_until_the_parent_has_seen_it(told: list[int]) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        ending = os.pidfd_open(child.pid)
        teller = Thread(target=nudge, args=(os.getpid(), ending))
        teller.start()
        assert child.stdin is not None
        assert not told, "it lives"
        child.stdin.close()
        await wait_for(lambda: len(told) > 2)
    teller.join(5.0)
    assert not teller.is_alive()
    os.close(ending)
