"""How servers are to be watched, as the environment says.

Invariant: the variables are read once, here, and a value that means nothing is an error with
the name of the variable. Which servers are in a rollout depends on their names alone, so that
raising the share only adds some.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from orc_core.errors import OrcError, UsageError
from orc_core.text import clean

Strategy = Literal["async", "sync"]
"""`async` asks over one connection that stays open, `sync` runs one process per question."""

FORCE_SYNC: Final = "TMUX_ORC_FORCE_SYNC"
ASYNC_DISABLED: Final = "TMUX_ORC_ASYNC_DISABLED"
ASYNC_ROLLOUT: Final = "TMUX_ORC_ASYNC_ROLLOUT"

_HASH_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Switches:
    """What was switched, strongest first.

    `force_sync` holds for as long as the process runs. `async_disabled` is where it starts, and
    may be taken back while it runs. `rollout` is the share of servers watched by `async`.
    """

    force_sync: bool = False
    async_disabled: bool = False
    rollout: float = 1.0

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Switches:
        """Read them from the environment; raises `OrcError` for a value that means nothing."""
        return cls(
            force_sync=_flag(environ, FORCE_SYNC),
            async_disabled=_flag(environ, ASYNC_DISABLED),
            rollout=_share(environ, ASYNC_ROLLOUT),
        )

    def strategy(self, server: str) -> Strategy:
        """How to begin watching a server; `server` names it the same way every time."""
        if self.force_sync or self.async_disabled:
            return "sync"
        return "async" if is_within(server, self.rollout) else "sync"

    def check(self, strategy: Strategy) -> None:
        """Raise `UsageError` where this strategy cannot be chosen while the process runs."""
        if self.force_sync and strategy != "sync":
            raise UsageError(f"{FORCE_SYNC}=1 keeps every server on sync: unset it and start again")

    def __str__(self) -> str:
        """In a few words, with the name of what decided it."""
        if self.force_sync:
            return f"sync, by {FORCE_SYNC}"
        if self.async_disabled:
            return f"sync until it is switched, by {ASYNC_DISABLED}"
        if self.rollout < 1.0:
            return f"async for {self.rollout:.0%} of servers, by {ASYNC_ROLLOUT}"
        return "async"


def is_within(name: str, share: float) -> bool:
    """Whether a name is in that share of all names; who is in a share is in every larger one."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:_HASH_BYTES]) < share * 256**_HASH_BYTES


def _flag(environ: Mapping[str, str], name: str) -> bool:
    value = environ.get(name, "")
    if value not in ("", "0", "1"):
        raise OrcError(f"{name} is {_shown(value)}: set it to 1, or unset it")
    return value == "1"


def _share(environ: Mapping[str, str], name: str) -> float:
    value = environ.get(name, "")
    if not value:
        return 1.0
    try:
        share = float(value)
    except ValueError:
        share = math.nan
    if not 0.0 <= share <= 1.0:
        raise OrcError(f"{name} is {_shown(value)}: set it to a share from 0.0 to 1.0")
    return share


def _shown(value: str) -> str:
    return repr(clean(value, limit=40))
