"""Starting what is on the crew: in a new window, or again in the pane that it ended in.

Invariant: where an agent runs is written down right after tmux said so; should that not come to
pass, its pane still says whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orc_core.lifecycle.crew import Crew
from orc_core.lifecycle.places import Whereabouts
from orc_core.lifecycle.rules import pane_json
from orc_core.lifecycle.starting import start_again
from orc_core.model.life import Known
from orc_core.tmux import making
from orc_core.tmux.server import Address
from orc_storage.records import Json


class Launcher:
    """Starts the agents of one workspace, in the name of `actor` where no other one is given."""

    def __init__(
        self, workspace: Path, crew: Crew, *, actor: str, environ: Mapping[str, str]
    ) -> None:
        self._workspace = workspace
        self._crew = crew
        self._actor = actor
        self._environ = environ

    async def make(
        self, known: Known, *, argv: Sequence[str] | None = None, cause: str = ""
    ) -> making.Made:
        """Start an agent in a new window, with `argv` in place of its own where that is given.

        Raises UsageError, TmuxError.
        """
        order = start_again(
            known if argv is None else replace(known, argv=tuple(argv)),
            workspace=self._workspace,
            environ=self._environ,
        )
        made = await making.make(
            Address(known.server),
            order,
            session=known.session or making.SESSION,
            environ=self._environ,
        )
        await self._bind(known, made, cause or f"pane {made.pane.pane_id}", self._actor)
        return made

    async def bring_back(
        self, known: Known, where: Whereabouts, *, cause: str = "orc restart", actor: str = ""
    ) -> making.Made:
        """Start an agent that ended: in its own pane where that is left, else in a new window.

        Raises UsageError, TmuxError.
        """
        if where is not Whereabouts.DEAD or known.pane is None:
            return await self.make(known, cause=cause)
        order = start_again(known, workspace=self._workspace, environ=self._environ)
        made = await making.again(Address(known.server), known.pane.pane_id, order)
        await self._bind(known, made, cause, actor or self._actor)
        return made

    async def _bind(self, known: Known, made: making.Made, cause: str, actor: str) -> None:
        fields: dict[str, Json] = {
            "pane": pane_json(made.pane),
            "session": made.session,
            "wanted": "running",
        }
        await self._crew.edit(known.name, fields, actor=actor, cause=cause)
