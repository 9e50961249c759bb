"""Layers from the sync pane: when each is brought in step, on and off.

Invariant: nothing is switched off before a dialog that names it was answered; each choice can be
taken back.
"""

from __future__ import annotations

from typing import Final

from orc_core.errors import OrcError
from orc_core.model.health import STORE, Layer, LayerState
from orc_tui.messages import Act
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.menu import Menu
from orc_tui.verbs.verb import Verb

STRATEGIES: Final = (
    Option("realtime", "realtime", "r"),
    Option("batch", "batch", "b"),
    Option("lazy", "lazy", "l"),
    Option("event", "event", "e"),
)
NOTES: Final = (
    "every change at once",
    "changes are gathered, every 30 s or as it was set",
    "when somebody reads it",
    "when something happens that is listed",
)


class Layering(Verb):
    """The verbs of a layer."""

    async def strategy(self, act: Act) -> None:
        """Choose when a layer is brought in step."""
        name = self._name(act)
        chosen = await self.ask(Menu(f"When is {name} brought in step?", STRATEGIES, NOTES))
        if chosen is None:
            return
        choice = await self.core.layer_choices.change(name, {"strategy": chosen})
        self.tell(f"{name} is brought in step by {choice}", undoable=True)

    async def switch(self, act: Act) -> None:
        """Switch a layer off, after asking; one that is off is switched on."""
        name = self._name(act)
        layer = self._layer(act)
        if layer.state is LayerState.OFF:
            await self.core.layer_choices.change(name, {"on": True})
            self.tell(f"{name} is on", undoable=True)
            return
        lines = [
            "Nothing is read from it or written to it until it is on again;",
            "what was changed meanwhile is merged then.",
        ]
        if name == "tmux":
            lines += ["", "Agents are seen as before; what was published to panes is taken away."]
        dialog = Dialog(f"Switch {name} off", [Option("off", "Switch off")], lines=lines)
        if await self.ask(dialog) != "off":
            return
        await self.core.layer_choices.change(name, {"on": False})
        self.tell(f"{name} is off", undoable=True)

    async def sync(self, act: Act) -> None:
        """Bring all layers in step now."""
        report = await self.core.sync_once()
        if report is not None and report.offline:
            raise OrcError(f"{', '.join(report.offline)} cannot be reached; the rest is in step")
        self.tell("synced")

    def _layer(self, act: Act) -> Layer:
        found = next((one for one in self.snapshot.layers if one.name == act.row_key), None)
        if found is None:
            raise OrcError("there is no layer here")
        return found

    def _name(self, act: Act) -> str:
        """The layer of a row; all tmux servers are one."""
        name = self._layer(act).name.partition(" ")[0]
        if name == STORE:
            raise OrcError("the store is what the others are brought to: it is always on")
        if name not in self.core.sync.names:
            raise OrcError(f"{name} is no layer of documents: it has no strategy")
        return name
