"""What an agent did, as far as anything told: its states, what it was asked, what it touched.

Invariant: plain values. What nobody told is absent, never a zero that looks like a figure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orc_core.model.life import Figures
from orc_storage.records import StateChange


@dataclass(frozen=True, slots=True)
class Deed:
    """One prompt or one file of an agent; `at` is in seconds since the epoch."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Deeds:
    """What the hooks of an agent told of its work since `since`, in seconds since the epoch.

    `prompts` and `files` are bounded and have the newest last; a file stands at the time when it
    was touched last. The counts go on where those lists were cut.
    """

    since: float = 0.0
    prompts: tuple[Deed, ...] = ()
    files: tuple[Deed, ...] = ()
    prompted: int = 0
    calls: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of an agent's pane by this process since `since` (seconds since the epoch).

    `screens` counts the looks at which its screen was another one, `lines` the lines of it that
    were. `began_at` is when its program began, 0 where that is not known.
    """

    since: float = 0.0
    screens: int = 0
    lines: int = 0
    began_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Activity:
    """The history and the figures of one agent, by its key.

    `states` are newest first. `today` are the figures since midnight. `deeds` is None where no
    hook ever told of this agent.
    """

    key: str
    states: tuple[StateChange, ...] = ()
    today: Figures = field(default_factory=Figures)
    sight: Sight = field(default_factory=Sight)
    deeds: Deeds | None = None
