"""The keys that a person binds in `[keys]` of `config.toml`, checked against the registry.

Invariant: pure, and all or nothing. A keyboard comes out only where no line is at fault; each
fault names file, field and remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeAlias

from orc_core.errors import UsageError
from orc_tui.keyboard import (
    DEFAULT,
    KNOWN_WORDS,
    SAME_KEYS,
    Clash,
    Keyboard,
    clashes,
    is_key,
    label,
)
from orc_tui.keymap import ACTIONS, EVERYWHERE, NEVER, PANE_NAMES

Told: TypeAlias = Mapping[str, Sequence[str]]
"""Action id -> its keys; none unbinds it."""

FIXED: Final = {"leave": "`ctrl+c` twice always leaves"}
"""Actions whose keys stay, and why."""

_IDS: Final = tuple(action.id for action in ACTIONS)


def keyboard_of(files: Iterable[tuple[Path, Told]]) -> Keyboard:
    """The registry under what the files say, each over those before it.

    Raises UsageError with all faults, one a line.
    """
    keyboard, found = read(files)
    if found:
        raise UsageError("\n".join(found))
    return keyboard


def read(files: Iterable[tuple[Path, Told]]) -> tuple[Keyboard, list[str]]:
    """The keyboard that the files make, and what is wrong with them."""
    found: list[str] = []
    keys: dict[str, Sequence[str]] = {}
    places: dict[str, Path] = {}
    for path, told in files:
        for id, wanted in told.items():
            wrong = [f"{path}: keys.{id}: {text}" for text in _faults(id, wanted)]
            found += wrong
            if not wrong:
                keys[id], places[id] = wanted, path
    keyboard = DEFAULT.bound(keys)
    found += [_said(clash, places) for clash in clashes(keyboard)]
    return keyboard, found


def _faults(id: str, keys: Sequence[str]) -> list[str]:
    if id not in _IDS:
        return [f"there is no such action: {_meant(id, _IDS)}`orc-tui --keys` lists all"]
    if id in FIXED:
        return [f"{FIXED[id]}: take the line out"]
    return [text for key in keys if (text := _fault_of(key))]


def _fault_of(key: str) -> str:
    if key in NEVER or key.startswith(("alt+", "meta+")):
        return f"`{key}` is never bound, it destroys or never arrives elsewhere: choose another key"
    if key in SAME_KEYS:
        return f"`{key}` arrives as {SAME_KEYS[key]}: choose another key"
    if not is_key(key):
        return f"there is no key {key!r}: {_meant(key, KNOWN_WORDS)}write it as docs/keys.md does"
    return ""


def _meant(text: str, known: Iterable[str]) -> str:
    near = get_close_matches(text.casefold(), list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


def _said(clash: Clash, places: Mapping[str, Path]) -> str:
    """A clash at the line that made it, with what to do about it."""
    one, other = clash.one, clash.other
    if one.id not in places:
        one, other = other, one
    where = "everywhere" if clash.pane == EVERYWHERE else f"in {PANE_NAMES[clash.pane]}"
    return (
        f"{places[one.id]}: keys.{one.id}: `{label(clash.key)}` is {other.id} {where} already: "
        f"choose another key, or give {other.id} one"
    )
