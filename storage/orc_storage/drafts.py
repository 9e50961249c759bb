"""Temporary names beside the mirror, and what a process left under them that was killed.

Invariant: a draft's name says of which file it is and which bytes are known there: those that we
wrote and those that we had read. Other bytes under it are somebody's save that was swapped out.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

PART: Final = ".part"
"""What the name of a draft ends with until it is written and on disk."""

_LENGTH: Final = 16
_NONE: Final = "-"
_NAME: Final = re.compile(
    r"(?P<kind>[a-z]+)\.(?P<id>[A-Za-z0-9-]+)\.(?P<pid>\d{1,10})\.\d+"
    r"\.(?P<ours>[0-9a-f]{16}|-)\.(?P<read>[0-9a-f]{16}|-)(?P<part>\.part)?"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a name says; `ours` and `read` begin the hashes of the known bytes, "-" for none."""

    kind: str
    id: str
    pid: int
    ours: str
    read: str
    is_part: bool

    def knows(self, sha256: str) -> bool:
        """Whether bytes of that hash are of no further use under this name."""
        return self.is_part or sha256[:_LENGTH] in (self.ours, self.read)

    def wrote(self, sha256: str) -> bool:
        """Whether bytes of that hash are those that we were about to put in place."""
        return sha256[:_LENGTH] == self.ours


def name(kind: str, id: str, number: int, *, ours: str | None, read: str | None) -> str:
    """Return a name that this process has not used; `ours` and `read` are hashes."""
    known = ((one or _NONE)[:_LENGTH] for one in (ours, read))
    return ".".join((kind, id, str(os.getpid()), str(number), *known))


def parse(text: str) -> Draft | None:
    """Return what a name says, None where it is no draft of ours."""
    found = _NAME.fullmatch(text)
    if found is None:
        return None
    return Draft(
        found["kind"],
        found["id"],
        int(found["pid"]),
        found["ours"],
        found["read"],
        found["part"] is not None,
    )
