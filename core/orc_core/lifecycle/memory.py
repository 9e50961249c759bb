"""How much memory an agent uses: its process and all below it, as the system counts it.

Invariant: looking opens nothing but `/proc`. Where there is none nothing is known, and nothing
follows from that.
"""

from __future__ import annotations

import os
from typing import Final

from orc_core.agents.processes import PROC, Processes, walk

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(processes: Processes, pid: int) -> int | None:
    """The resident memory of a process tree; None where the system does not tell it.

    Memory that several of them share is counted for each of them.
    """
    sizes = [_resident(facts.pid) for _, facts in walk(processes, pid)]
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def _resident(pid: int) -> int | None:
    try:
        with open(f"{PROC}/{pid}/statm", "rb") as file:  # noqa: PTH123 (read by the hundred)
            return int(file.read(200).split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return None
