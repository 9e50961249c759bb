"""Recordings of panes, as they are listed.

Invariant: plain values; whether one is going on is what the kernel says of its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Going(StrEnum):
    """Whether a recording goes on."""

    RECORDING = "recording"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of a recording: of whom, since when (seconds since the epoch), how long and large.

    `key` is the key of its pane, "" where orc did not make it. `why` says why it ended, "" while
    it goes on and where its recorder was killed.
    """

    path: Path
    name: str
    key: str
    began_at: float
    lasted_s: float
    size: int
    width: int
    height: int
    going: Going
    why: str = ""

    @property
    def id(self) -> str:
        """What the file is called, without its ending."""
        return self.path.stem
