"""Themes of a person's own: TOML files in the folder `themes` of their settings.

Invariant: a file is taken whole or not at all; one that is wrong is named with its field and
what to do, and keeps no other from being used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field
from textual.theme import Theme

from orc_core.errors import UsageError
from orc_core.settings import Section, own_folder, read_model
from orc_core.text import clean
from orc_tui import colours, themes
from orc_tui.colours import Colours

FOLDER: Final = "themes"
FILES_MAX: Final = 100
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_BASES: Final[Mapping[str, tuple[Colours, bool, bool]]] = {
    "dark": (colours.DARK, True, False),
    "light": (colours.LIGHT, False, False),
    "contrast": (colours.CONTRAST, True, False),
    "ansi-dark": (colours.ANSI_DARK, True, True),
    "ansi-light": (colours.ANSI_LIGHT, False, True),
}
"""What a theme may be over: its colours, whether it is dark, whether the terminal chooses."""

_SIXTEEN: Final = "black|red|green|yellow|blue|magenta|cyan|white"
Colour = Annotated[
    str, Field(pattern=rf"^(#[0-9a-fA-F]{{6}}|ansi_(default|(bright_)?({_SIXTEEN})))$")
]
ColourName = Literal[
    "ground",
    "surface",
    "row",
    "border",
    "text",
    "dim",
    "accent",
    "waiting",
    "red",
    "limited",
    "done",
]


class ThemeFile(Section):
    """One file: colours over those of a built-in theme."""

    base: Literal["dark", "light", "contrast", "ansi-dark", "ansi-light"] = "dark"
    colours: dict[ColourName, Colour] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The themes that were found, by name, and why others could not be used."""

    themes: Mapping[str, Theme]
    faults: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Every theme that can be worn: those built in first."""
        return (*themes.BUILT_IN, *self.themes)

    def check(self, name: str, where: str) -> str:
        """The theme's name, aliases resolved; raises UsageError saying what there is.

        `where` names what asked for it, such as a file with its field.
        """
        found = themes.ALIASES.get(name, name)
        if found in self.faults:
            raise UsageError(self.faults[found])
        if found not in self.names:
            known = ", ".join(self.names)
            raise UsageError(
                f"{where}: there is no theme {clean(name, limit=40)!r}: take one of {known}"
            )
        return found


def folder(environ: Mapping[str, str]) -> Path:
    """Where a person's themes lie."""
    return own_folder(environ) / FOLDER


def read(environ: Mapping[str, str]) -> Shelf:
    """Read every theme of the person; a missing folder has none."""
    found: dict[str, Theme] = {}
    faults: dict[str, str] = {}
    for path in sorted(folder(environ).glob("*.toml"))[:FILES_MAX]:
        try:
            found[path.stem] = _theme(path)
        except UsageError as error:
            faults[path.stem] = str(error)
    return Shelf(found, faults)


def _theme(path: Path) -> Theme:
    name = path.stem
    if name in themes.BUILT_IN or name in themes.ALIASES:
        raise UsageError(f"{path}: {name} is built in: give the file another name")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{path}: name it with small letters, digits and hyphens, 40 at most")
    told = read_model(path, ThemeFile)
    if told is None:
        raise UsageError(f"{path}: it is gone: put it back, or choose another theme")
    base, dark, ansi = _BASES[told.base]
    over = {str(field): colour for field, colour in told.colours.items()}
    for field, colour in over.items():
        if colour.startswith("ansi_") != ansi:
            kind = "an ansi_ name" if ansi else "#rrggbb"
            raise UsageError(f"{path}: colours.{field}: over {told.base} a colour is {kind}")
    return themes.made(name, colours.mixed(base, over), dark=dark, ansi=ansi)
