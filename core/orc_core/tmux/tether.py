"""Short-lived children that end when we do, however that happens.

Invariant: it costs no process, and where the system does not know how, nothing is done. The
kernel signals whoever is named as the owner of a pipe's reading end once its last writer is gone:
that is us. SIGIO ends a program that knows nothing of it, such as a client of tmux that waits for
a server that stands still.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

AVAILABLE = sys.platform == "linux"


@contextmanager
def end() -> Iterator[tuple[int, ...]]:
    """What a child has to be given, as `pass_fds`, so that it can be tied; () where none can."""
    given: tuple[int, ...] = ()
    if AVAILABLE:
        with contextlib.suppress(OSError):
            # Opened anew each time: an end has one owner.
            given = (os.open(f"/proc/self/fd/{_pipe()[0]}", os.O_RDONLY | os.O_CLOEXEC),)
    try:
        yield given
    finally:
        for one in given:
            os.close(one)


def tie(ends: Sequence[int], pid: int, *, signum: int = 0) -> None:
    """Have the child that was given `ends` ended when we are gone; `-pid` names its group.

    `signum` is sent in the place of SIGIO.
    """
    with contextlib.suppress(OSError):
        for one in ends:
            if signum:
                fcntl.fcntl(one, fcntl.F_SETSIG, signum)
            fcntl.fcntl(one, fcntl.F_SETOWN, pid)
            fcntl.fcntl(one, fcntl.F_SETFL, fcntl.fcntl(one, fcntl.F_GETFL) | os.O_ASYNC)


@cache
def _pipe() -> tuple[int, int]:
    """Both ends, kept open for as long as this process lives; nobody writes."""
    return os.pipe()
