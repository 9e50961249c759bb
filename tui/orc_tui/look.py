"""How the dashboard looks: which theme, which signs, and who said so.

Invariant: a flag goes over the environment, that over what was chosen on the screen, that over
the settings; what cannot be worn is refused before any screen, with what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orc_core.settings import ScreenSettings, own_file
from orc_tui import themes, user_themes
from orc_tui.user_themes import Shelf

THEME: Final = "ORC_THEME"
ASCII: Final = "ORC_ASCII"


@dataclass(frozen=True, slots=True)
class Look:
    """The theme to wear, those there are, and whether only ASCII is drawn."""

    theme: str
    shelf: Shelf
    ascii_only: bool


def find_look(
    environ: Mapping[str, str], told: ScreenSettings, *, flag: str = "", chosen: str = ""
) -> Look:
    """Decide on the look; `chosen` is what was chosen on the screen last, if that still counts.

    Raises UsageError for a theme that is not there or whose file is wrong.
    """
    shelf = user_themes.read(environ)
    ascii_only = environ[ASCII] != "0" if environ.get(ASCII) else told.ascii
    return Look(_theme(environ, told, shelf, flag, chosen), shelf, ascii_only)


def _theme(
    environ: Mapping[str, str], told: ScreenSettings, shelf: Shelf, flag: str, chosen: str
) -> str:
    if flag:
        return shelf.check(flag, "--theme")
    if name := environ.get(THEME):
        return shelf.check(name, THEME)
    if chosen in shelf.names:
        return chosen
    if told.theme is not None:
        return shelf.check(told.theme, f"{own_file(environ)}: screen.theme")
    return themes.DARK
