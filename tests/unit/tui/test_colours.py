"""Text can be read under every theme, and no state is told by its colour alone."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from rich.terminal_theme import TerminalTheme

from orc_core.model.agent import State
from orc_tui import colours
from orc_tui.colours import ANSI_DARK, ANSI_LIGHT, CONTRAST, DARK, INKS, LIGHT, READABLE, Colours
from orc_tui.view_models import glyphs

XTERM = TerminalTheme(
    (0, 0, 0),
    (229, 229, 229),
    [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
    ],
    [
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ],
)
NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def in_xterm(of: Colours, *, light: bool) -> Colours:
    """The colours as an xterm with its own palette shows them."""
    sixteen = (*NAMES, *(f"bright_{name}" for name in NAMES))
    rgb = {f"ansi_{name}": bytes(XTERM.ansi_colors[at]).hex() for at, name in enumerate(sixteen)}
    ground, text = ("#ffffff", "#000000") if light else ("#000000", "#e5e5e5")
    found = {
        name: f"#{rgb[value]}" if (value := getattr(of, name)) in rgb else default
        for name in colours.NAMES
        for default in [ground if name in ("ground", "surface", "row") else text]
    }
    return Colours(**found)


@pytest.mark.parametrize("of", [DARK, LIGHT, CONTRAST], ids=["dark", "light", "contrast"])
def test_every_ink_can_be_read_on_every_ground(of: Colours) -> None:
    for ink, ground in itertools.product(INKS, ("ground", "surface", "row")):
        ratio = colours.contrast(getattr(of, ink), getattr(of, ground))
        assert ratio >= READABLE, f"{ink} on {ground}: {ratio:.2f}"


@pytest.mark.parametrize(("of", "light"), [(ANSI_DARK, False), (ANSI_LIGHT, True)])
def test_the_terminals_own_colours_can_be_read_in_an_xterm(of: Colours, light: bool) -> None:
    shown = in_xterm(of, light=light)
    for ink in INKS:
        # Blue on black and magenta on white are a little below: an xterm has nothing stronger.
        assert colours.contrast(getattr(shown, ink), shown.ground) >= READABLE - 0.5, ink


def test_a_theme_that_is_too_pale_would_be_found() -> None:
    pale = replace(DARK, dim="#6b7484")
    assert colours.contrast(pale.dim, pale.ground) < READABLE
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("of", [DARK, LIGHT, CONTRAST], ids=["dark", "light", "contrast"])
def test_what_needs_you_is_told_apart_without_red_and_green(of: Colours) -> None:
    """Seen without the red or the green cones, waiting and done differ in blue and brightness."""
    waiting, done = (int(value[5:], 16) for value in (of.waiting, of.done))
    assert abs(waiting - done) > 100
    assert of.waiting != of.red != of.done


def test_each_state_has_a_sign_of_its_own_beside_its_colour() -> None:
    signs = [sign for state, (sign, _) in glyphs.STATES.items() if state is not State.GONE]
    assert len(set(signs)) == len(signs)
    plain = [sign.translate(glyphs.ASCII) for sign in signs]
    assert len(set(plain)) == len(plain)
    assert "".join(plain).isascii()
