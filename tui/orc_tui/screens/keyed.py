"""What views have in common: their keys are those of the app's keyboard.

Invariant: each key of the keyboard is bound once, and reaches `action_press` as people write it.
"""

from __future__ import annotations

from typing import Final, TypeVar, cast

from textual.binding import Binding

from orc_tui.keyboard import DEFAULT, Keyboard, binding_key
from orc_tui.painted import PaintedScreen
from orc_tui.themes import ThemedApp

Result = TypeVar("Result")

_PRESS: Final = "press("


class KeyedScreen(PaintedScreen[Result], inherit_bindings=False):
    """A view that takes the keys of the registry; call `bind_keys` as it is mounted."""

    @property
    def keyboard(self) -> Keyboard:
        """The keys in force."""
        return cast("ThemedApp[object]", self.app).keyboard

    def bind_keys(self) -> None:
        """Bind what the keyboard has now, in the place of what it had before."""
        bound = self._bindings.key_to_bindings
        for key, bindings in list(bound.items()):
            kept = [one for one in bindings if not one.action.startswith(_PRESS)]
            if kept:
                bound[key] = kept
            else:
                del bound[key]
        # A key that was unbound is taken, too, so that it can be said that it does nothing.
        for key in dict.fromkeys((*self.keyboard.keys, *DEFAULT.keys)):
            name = binding_key(key)
            bound.setdefault(name, []).append(Binding(name, f"{_PRESS}{key!r})", show=False))

    def action_press(self, key: str) -> None:
        """Do what a key does here."""
        raise NotImplementedError
