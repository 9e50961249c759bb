"""The layers of a workspace, put together: files, panes, and what plug-ins bring.

Invariant: this module composes and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from orc_core.clock import Clock
from orc_core.settings import Settings
from orc_core.sync import plugins
from orc_core.sync.choices import Choices
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.publication import Fleet
from orc_core.sync.rules import Rules
from orc_core.sync.synchronizer import Synchronizer
from orc_core.sync.tmux_layer import TmuxLayer
from orc_storage.database import Database
from orc_storage.files import Mirror


def synchronizer(
    store: Database,
    folder: Path,
    fleet: Fleet,
    clock: Clock,
    *,
    settings: Settings,
    rules: Mapping[str, Rules],
    on_change: Callable[[], None],
) -> Synchronizer:
    """Make what keeps the layers of the workspace in `folder` in step, in the order of serving."""
    choices = Choices(store, settings)
    files = FileLayer(Mirror(folder / "files"))
    panes = TmuxLayer(store, fleet, clock, lambda: choices.of(TmuxLayer.name).servers)
    return Synchronizer(
        store,
        [files, panes],
        clock,
        on_change,
        rules=rules,
        choices=choices,
        find=lambda: plugins.find(folder, rules),
    )
