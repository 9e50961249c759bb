"""The colours of the built-in themes, under names that say what they mean.

Invariant: a widget names a token (`waiting`, `dim`, `border`), never a colour. One neutral
ramp, one accent that means focus only, four colours for what needs the operator; text stands
out from every ground it is drawn on by READABLE at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from textual.color import Color

TOKENS: Final = (
    "text",
    "dim",
    "border",
    "accent",
    "waiting",
    "crashed",
    "error",
    "limited",
    "done",
    "ground",
    "row",
)
"""Tokens; as CSS variables they carry the prefix `orc-`: `$orc-waiting`."""

READABLE: Final = 4.5
"""The contrast that text needs, by WCAG 2.2."""


@dataclass(frozen=True, slots=True)
class Colours:
    """One colour each, as `#rrggbb`, or as `ansi_*` where the terminal chooses it.

    `row` is the ground under the cursor, `red` what crashed and what is in error.
    """

    ground: str
    surface: str
    row: str
    border: str
    text: str
    dim: str
    accent: str
    waiting: str
    red: str
    limited: str
    done: str

    def variables(self) -> dict[str, str]:
        """The CSS variables of the tokens."""
        values = {name: getattr(self, name, self.red) for name in TOKENS}
        return {f"orc-{name}": value for name, value in values.items()}


NAMES: Final = tuple(field.name for field in fields(Colours))
INKS: Final = ("text", "dim", "accent", "waiting", "red", "limited", "done")
"""The colours that text has."""


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two RGB colours by WCAG: 1.0 for none, 21.0 at most."""
    low, high = sorted(_luminance(Color.parse(name)) for name in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = map(_linear, colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


DARK: Final = Colours(
    ground="#14161b",
    surface="#1a1d24",
    row="#262c38",
    border="#3b4250",
    text="#d5d9e2",
    dim="#8b94a4",
    accent="#72c7b6",
    waiting="#ffa552",
    red="#ff6b6b",
    limited="#e2c45a",
    done="#6cb4ff",
)
LIGHT: Final = Colours(
    ground="#fbfbfa",
    surface="#f2f3f4",
    row="#e3e9f0",
    border="#bcc3cd",
    text="#23282f",
    dim="#5d6775",
    accent="#0b7468",
    waiting="#a64a00",
    red="#c01f2e",
    limited="#7c6000",
    done="#0a5fc0",
)
CONTRAST: Final = Colours(
    ground="#000000",
    surface="#101010",
    row="#303030",
    border="#d0d0d0",
    text="#ffffff",
    dim="#d0d0d0",
    accent="#00ffd0",
    waiting="#ffb000",
    red="#ff7a7a",
    limited="#fff000",
    done="#80c8ff",
)
ANSI_DARK: Final = Colours(
    ground="ansi_default",
    surface="ansi_default",
    row="ansi_default",
    border="ansi_bright_black",
    text="ansi_default",
    dim="ansi_default",
    accent="ansi_cyan",
    waiting="ansi_bright_yellow",
    red="ansi_bright_red",
    limited="ansi_yellow",
    done="ansi_bright_blue",
)
ANSI_LIGHT: Final = Colours(
    ground="ansi_default",
    surface="ansi_default",
    row="ansi_default",
    border="ansi_bright_black",
    text="ansi_default",
    dim="ansi_default",
    accent="ansi_blue",
    waiting="ansi_magenta",
    red="ansi_red",
    limited="ansi_default",
    done="ansi_blue",
)
"""On white, most terminals' yellow and cyan cannot be read: the sign and the word tell instead."""


def mixed(below: Colours, over: Mapping[str, str]) -> Colours:
    """The colours of `below` with those that are named in their place."""
    return Colours(**{name: over.get(name, getattr(below, name)) for name in NAMES})
