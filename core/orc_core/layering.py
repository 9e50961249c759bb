"""The layers of a workspace, put together: files, panes, and what plug-ins bring.

Invariant: this module composes and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.chronicle.importing import SettingRules
from orc_core.clock import Clock
from orc_core.history.steps import RULES
from orc_core.lifecycle.rules import KIND as AGENT_KIND
from orc_core.lifecycle.rules import AgentRules
from orc_core.settings import Settings
from orc_core.sync import plugins
from orc_core.sync.choices import Choices
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.policies import SETTING
from orc_core.sync.publication import Fleet
from orc_core.sync.rules import Rules
from orc_core.sync.synchronizer import Synchronizer
from orc_core.sync.tmux_layer import TmuxLayer
from orc_storage.database import Database
from orc_storage.files import Mirror

WRITTEN: Final = {**RULES, AGENT_KIND: AgentRules()}
CARRIED: Final = {**WRITTEN, SETTING: SettingRules()}
"""The rules of every kind of document that can be brought back."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the layers of the workspace in `folder` are made of; `rules` are those of each kind."""

    store: Database
    folder: Path
    fleet: Fleet
    settings: Settings
    rules: Mapping[str, Rules]


def synchronizer(parts: Parts, clock: Clock, on_change: Callable[[], None]) -> Synchronizer:
    """Make what keeps the layers of a workspace in step, in the order of serving."""
    store, folder, rules = parts.store, parts.folder, parts.rules
    choices = Choices(store, parts.settings)
    files = FileLayer(Mirror(folder / "files"))
    panes = TmuxLayer(store, parts.fleet, clock, lambda: choices.of(TmuxLayer.name).servers)
    return Synchronizer(
        store,
        [files, panes],
        clock,
        on_change,
        rules=rules,
        choices=choices,
        find=lambda: plugins.find(folder, rules),
    )
