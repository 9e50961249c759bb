"""Bringing the screen back as it was left, and keeping how it looks.

Invariant: what cannot be kept or read costs the looks alone; a file that cannot be read is put
aside and never written over.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final

from orc_storage.errors import StorageError
from orc_tui import memory
from orc_tui.screens.recalling import looks_of, recall

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_tui.app import OrcApp

REMEMBER_S: Final = 60.0
"""How often it is kept how the screen looks, beside at the end."""

KEEP_S: Final = 1.5
"""How long that may take."""


async def look_as_left(app: OrcApp, core: Core) -> None:
    """Make the screen look as it was left, unless a key was pressed, and keep it from then on."""
    path = memory.place(core.options.environ)
    kept, fault = await asyncio.to_thread(memory.load, path)
    if fault:
        what = "it is left as it is" if core.options.read_only else memory.put_aside(path)
        app.tell(f"how the screen was left is not known: {fault}; {what}", severity="error")
    looks = kept.workspaces.get(str(core.workspace.folder))
    if looks is not None:
        app.choices = {**looks.choices, **app.choices}
    if looks is not None and not app.main.touched:
        recall(app.main, looks)
    if not core.options.read_only:
        app.set_interval(REMEMBER_S, partial(remember, app, core))


async def remember(app: OrcApp, core: Core) -> None:
    """Keep how the screen looks; where that cannot be kept, nothing is lost but that."""
    looks = looks_of(app.main, app.choices)
    theme = "" if app.worn == app.look.theme else app.worn
    path, folder = memory.place(core.options.environ), str(core.workspace.folder)
    save = partial(memory.save, path, folder, looks, theme=theme)
    with contextlib.suppress(OSError, StorageError, TimeoutError):
        await asyncio.wait_for(asyncio.to_thread(save), KEEP_S)
