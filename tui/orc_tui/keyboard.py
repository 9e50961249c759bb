"""The keys in force: the registry of actions with what a person binds otherwise.

Invariant: a keyboard is a value. Whatever shows or takes a key asks it, so that bindings, footer,
`?` and palette cannot differ.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from orc_tui.keymap import ACTIONS, EVERYWHERE, Action

_LABELS: Final = {
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "insert": "Ins",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}

_NAMES: Final = {
    "!": "exclamation_mark",
    '"': "quotation_mark",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "'": "apostrophe",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "*": "asterisk",
    "+": "plus",
    ",": "comma",
    "-": "minus",
    ".": "full_stop",
    "/": "slash",
    ":": "colon",
    ";": "semicolon",
    "<": "less_than_sign",
    "=": "equals_sign",
    ">": "greater_than_sign",
    "?": "question_mark",
    "@": "at",
    "[": "left_square_bracket",
    "\\": "backslash",
    "]": "right_square_bracket",
    "^": "circumflex_accent",
    "_": "underscore",
    "`": "grave_accent",
    "{": "left_curly_bracket",
    "|": "vertical_line",
    "}": "right_curly_bracket",
    "~": "tilde",
}

_WORDS: Final = frozenset({*_LABELS, "space", "shift+tab"})
_CTRL: Final = frozenset(f"ctrl+{letter}" for letter in string.ascii_lowercase)
SAME_KEYS: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace"}
"""Keys that a terminal sends as another one."""
KNOWN_WORDS: Final = _WORDS | _CTRL - SAME_KEYS.keys()
"""The keys that are written as a word."""


def label(key: str) -> str:
    """A key as the footer and the help show it."""
    return _LABELS.get(key, key)


def binding_key(key: str) -> str:
    """A key under the name that the terminal driver gives it."""
    return _NAMES.get(key, key)


def is_key(text: str) -> bool:
    """Whether a terminal can send that key and it is written as the registry writes keys."""
    return text in KNOWN_WORDS or text in _NAMES or (len(text) == 1 and text.isalnum())


@dataclass(frozen=True, slots=True)
class Keyboard:
    """Actions with the keys that they have now, in the registry's order."""

    actions: tuple[Action, ...] = ACTIONS

    def action(self, id: str) -> Action:
        """An action of the registry; raises KeyError for an id that is none."""
        for action in self.actions:
            if action.id == id:
                return action
        raise KeyError(id)

    def key_of(self, id: str) -> str:
        """The first key of an action; "" where it has none."""
        return next(iter(self.action(id).keys), "")

    def of_pane(self, pane: str) -> tuple[Action, ...]:
        """The actions that belong to a pane."""
        return tuple(action for action in self.actions if action.acts_in(pane))

    def action_for(self, key: str, pane: str) -> Action | None:
        """What a key (as people write it) does in a pane; None where it does nothing."""
        for action in self.actions:
            if key in action.keys and action.acts_in(pane):
                return action
        return None

    def panes_of(self, key: str) -> tuple[str, ...]:
        """The panes in which a key does something."""
        found: list[str] = []
        for action in self.actions:
            if key in action.keys:
                found.extend(name for name in sorted(action.panes) if name not in found)
        return tuple(found)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that does something somewhere, once."""
        return tuple(dict.fromkeys(key for action in self.actions for key in action.keys))

    def bound(self, keys: Mapping[str, Iterable[str]]) -> Keyboard:
        """The same actions, those that are named with other keys."""
        return Keyboard(
            tuple(
                replace(one, keys=tuple(dict.fromkeys(keys[one.id]))) if one.id in keys else one
                for one in self.actions
            )
        )


@dataclass(frozen=True, slots=True)
class Clash:
    """Two actions that one key would do in one pane."""

    key: str
    pane: str
    one: Action
    other: Action


def clashes(keyboard: Keyboard) -> list[Clash]:
    """Every pair of actions that share a key in a pane, each pair once."""
    found: list[Clash] = []
    for at, one in enumerate(keyboard.actions):
        for other in keyboard.actions[at + 1 :]:
            key = next((key for key in one.keys if key in other.keys), "")
            if key and (pane := _shared_pane(one, other)):
                found.append(Clash(key, pane, one, other))
    return found


def _shared_pane(one: Action, other: Action) -> str:
    """A pane in which both act; "" for none."""
    if EVERYWHERE in one.panes:
        return min(other.panes)
    if EVERYWHERE in other.panes:
        return min(one.panes)
    return min(one.panes & other.panes, default="")


DEFAULT: Final = Keyboard()
"""The keys of the registry, as long as nobody binds others."""
