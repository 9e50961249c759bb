"""How to get from the dashboard into an agent's pane, and back.

Invariant: a plan names the way back before anyone leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orc_core.model.agent import PaneRef


class How(StrEnum):
    """Whether the dashboard's own client goes there, or a second client runs inside it."""

    SWITCH = "switch"
    NEST = "nest"


@dataclass(frozen=True, slots=True)
class AttachPlan:
    """What to run. `argv` is whole, and nothing in it passes through a shell.

    `unset` are the variables that the child must not see. `way_back` is the keys to press.
    After a nested client ended, `after_argv` with `after_stdin` puts window sizes back; it is
    empty where there is nothing to put back.
    """

    how: How
    argv: tuple[str, ...]
    unset: tuple[str, ...]
    pane: PaneRef
    way_back: str
    after_argv: tuple[str, ...] = ()
    after_stdin: bytes = b""
