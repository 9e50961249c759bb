"""Signs of life that agents give by themselves: who is online, and who fell silent.

Invariant: an age is reckoned by the machine's monotonic clock, so that setting the wall clock
takes nobody offline and a suspended machine ages nobody. Where nothing was ever heard, nothing
follows.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from orc_core.model.life import Presence
from orc_storage.records import BeatRow

EVERY_S: Final = 10.0
OFFLINE_AFTER_S: Final = 30.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@cache
def boot_id() -> str:
    """What tells this boot of the machine from another; "" where the system does not say."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()[:64]
    except (OSError, ValueError):
        return ""


def presence(beat: BeatRow | None, *, now: float, monotonic_s: float, boot: str) -> Presence:
    """Whether an agent is online: its last sign of life is at most 30 s old.

    `now` is wall time in epoch seconds, which decides only where the monotonic clock of the
    beat cannot be compared with ours.
    """
    if beat is None:
        return Presence.SILENT
    if beat.boot != boot:
        return Presence.OFFLINE
    age_s = monotonic_s - beat.monotonic_s if boot else now - beat.at
    if age_s < 0:
        # A clock that counts afresh under the same boot: only the wall clock is left to ask.
        age_s = abs(now - beat.at)
    return Presence.ONLINE if age_s <= OFFLINE_AFTER_S else Presence.OFFLINE
