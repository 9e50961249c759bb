"""The keys of a pane as the registry has them, or those of them that are looked for.

Invariant: what stands here is what the bindings do; there is no second list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.text import fit
from orc_tui import keymap
from orc_tui.keyboard import DEFAULT, Keyboard, label
from orc_tui.keymap import Action
from orc_tui.view_models.lines import Line

_KEYS: Final = 16


def lines(pane: str, keyboard: Keyboard = DEFAULT, wanted: str = "") -> list[Line]:
    """What the keys of a pane do, first those that belong to it alone.

    `wanted` is a key, or words of what a key does or of its action's name.
    """
    found = find(keyboard.of_pane(pane), wanted)
    own = [one for one in found if keymap.EVERYWHERE not in one.panes]
    rest = [one for one in found if keymap.EVERYWHERE in one.panes]
    out: list[Line] = []
    for name, actions in ((keymap.PANE_NAMES.get(pane, pane), own), ("Everywhere", rest)):
        if not actions:
            continue
        if out:
            out.append(())
        out.append(((f" {name}", "text bold"),))
        out += [_line(action) for action in actions]
    return out or [((f" no key here is or does {wanted.strip()}", "dim"),)]


def find(actions: Sequence[Action], wanted: str) -> list[Action]:
    """The actions of a key where it is one, else those that all the words are said of."""
    key = wanted.strip()
    of_key = [one for one in actions if key in one.keys or key in map(label, one.keys)]
    words = key.casefold().split()
    return of_key or [one for one in actions if all(word in _said(one) for word in words)]


def _said(action: Action) -> str:
    return " ".join((*map(label, action.keys), action.help, action.id)).casefold()


def _line(action: Action) -> Line:
    keys = " ".join(label(key) for key in action.keys) or f": {action.id}"
    return ((f"   {fit(keys, _KEYS)}", "accent"), (action.help, "text"))
