"""Which theme is worn: flag, environment, choice, settings; and themes of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from orc_core.errors import UsageError
from orc_core.settings import ScreenSettings, load, load_own
from orc_tui import themes, user_themes
from orc_tui.colours import DARK
from orc_tui.look import Look, find_look
from orc_tui.themes import ThemedApp


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), **more}


def put(tmp_path: Path, name: str, text: str) -> Path:
    folder = tmp_path / "config" / "orc-tui"
    path = folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
    return path


def look(tmp_path: Path, flag: str = "", chosen: str = "", **more: str) -> Look:
    around = environ(tmp_path, **more)
    return find_look(around, load_own(around).screen, flag=flag, chosen=chosen)


def test_a_flag_goes_over_the_environment_over_a_choice_over_the_settings(tmp_path: Path) -> None:
    assert look(tmp_path).theme == "dark"
    put(tmp_path, "config.toml", '[screen]\ntheme = "light"\n')
    assert look(tmp_path).theme == "light"
    assert look(tmp_path, chosen="contrast").theme == "contrast"
    assert look(tmp_path, chosen="gone-since").theme == "light"
    assert look(tmp_path, chosen="contrast", ORC_THEME="ansi").theme == "ansi-dark"
    assert look(tmp_path, flag="ansi-light", ORC_THEME="dark").theme == "ansi-light"


def test_ascii_is_set_in_the_settings_and_over_it_in_the_environment(tmp_path: Path) -> None:
    assert not look(tmp_path).ascii_only
    assert look(tmp_path, ORC_ASCII="1").ascii_only
    put(tmp_path, "config.toml", "[screen]\nascii = true\n")
    assert look(tmp_path).ascii_only
    assert not look(tmp_path, ORC_ASCII="0").ascii_only


def test_a_theme_that_is_not_there_is_refused_by_who_asked_for_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--theme: there is no theme 'drak': take one of dark,"):
        look(tmp_path, flag="drak")
    with pytest.raises(UsageError, match="ORC_THEME: there is no theme"):
        look(tmp_path, ORC_THEME="drak")
    path = put(tmp_path, "config.toml", '[screen]\ntheme = "drak"\n')
    with pytest.raises(UsageError, match=rf"{path}: screen.theme: there is no theme 'drak'"):
        look(tmp_path)


def test_a_theme_of_ones_own_is_laid_over_a_built_in_one(tmp_path: Path) -> None:
    put(tmp_path, "themes/dusk.toml", 'base = "light"\n[colours]\naccent = "#7fd1c7"\n')
    found = look(tmp_path, flag="dusk")
    worn = found.shelf.themes["dusk"]
    assert worn.variables["orc-accent"] == "#7fd1c7"
    assert worn.variables["orc-text"] == "#23282f"
    assert not worn.dark
    app: ThemedApp[None] = ThemedApp(theme="dusk", more=tuple(found.shelf.themes.values()))
    style = app.palette.style("accent")
    assert style.color is not None
    assert style.color.name == "#7fd1c7"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "base = 'drak'\n", "base: Input should be"),
        ("a.toml", "[colours]\naccnt = '#000000'\n", "colours.accnt"),
        ("a.toml", "[colours]\ntext = 'grey'\n", "colours.text"),
        ("a.toml", "[colours]\ntext = 'ansi_red'\n", "colours.text: over dark a colour is #rrggbb"),
        ("a.toml", "base='ansi-dark'\n[colours]\ntext='#ffffff'\n", "colours.text: over ansi-dark"),
        ("a.toml", "shade = 3\n", "shade: there is no such setting"),
        ("a.toml", "[colours\n", "not TOML"),
        ("light.toml", "", "light is built in: give the file another name"),
        ("My Theme.toml", "", "name it with small letters"),
    ],
)
def test_a_theme_that_is_wrong_is_named_and_keeps_no_other_from_being_worn(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    path = put(tmp_path, f"themes/{name}", text)
    put(tmp_path, "themes/good.toml", "")
    shelf = user_themes.read(environ(tmp_path))
    assert shelf.names == (*themes.BUILT_IN, "good")
    assert str(path) in shelf.faults[path.stem]
    assert said in shelf.faults[path.stem]


def test_a_theme_whose_file_is_wrong_is_refused_where_it_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "themes/dusk.toml", "[colours]\nrow = 7\n")
    with pytest.raises(UsageError, match=r"dusk.toml: colours.row"):
        look(tmp_path, flag="dusk")


def test_how_the_screen_looks_is_no_matter_of_a_workspace(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir(mode=0o700)
    (folder / "config.toml").write_text('[screen]\ntheme = "light"\n')
    with pytest.raises(UsageError, match=r"work/config.toml: screen: this is yours alone: move it"):
        load(environ(tmp_path), folder)
    assert load_own(environ(tmp_path)).screen == ScreenSettings()


def test_without_colour_every_theme_is_the_colourless_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    app: ThemedApp[None] = ThemedApp(theme="light")
    assert app.worn == "ansi-dark"
    app.wear("contrast")
    assert app.worn == "ansi-dark"
    assert DARK.ground not in app.get_css_variables().values()
