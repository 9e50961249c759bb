"""Keys of one's own: laid over the registry, or refused with file, field and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scene
from orc_core.errors import UsageError
from orc_core.settings import FILE_NAME, load_keys
from orc_tui import keymap
from orc_tui.key_settings import Told, keyboard_of, read
from orc_tui.key_table import tables
from orc_tui.keyboard import DEFAULT, clashes
from orc_tui.main import main
from stage import Stage

OWN, PROJECT = Path("/home/me/config.toml"), Path("/shop/.orc/config.toml")


def test_what_is_named_gets_other_keys_and_the_rest_stays() -> None:
    keys = keyboard_of([(OWN, {"answer": ["Y"], "take-both": [], "down": ["ß", "f5"]})])
    assert keys.key_of("answer") == "Y"
    assert keys.key_of("take-both") == ""
    assert keys.action("down").keys == ("ß", "f5")
    assert keys.action_for("y", keymap.AGENTS) is None
    assert [one.keys for one in keys.actions if one.id not in ("answer", "take-both", "down")] == [
        one.keys for one in DEFAULT.actions if one.id not in ("answer", "take-both", "down")
    ]
    assert "| `Y` | answer yes: opens the card | answer |" in tables(keys)
    assert "| `: take-both` |" in tables(keys)


def test_the_workspace_speaks_over_the_person_and_keys_may_be_swapped() -> None:
    keys = keyboard_of([(OWN, {"why": ["W"], "answer": ["n"]}), (PROJECT, {"refuse": ["y"]})])
    assert (keys.key_of("why"), keys.key_of("answer"), keys.key_of("refuse")) == ("W", "n", "y")
    assert keyboard_of([(OWN, {"why": ["W"]}), (PROJECT, {"why": ["f2"]})]).key_of("why") == "f2"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"anser": ["Y"]}, "keys.anser: there is no such action: did you mean answer?"),
        ({"answer": ["spce"]}, "keys.answer: there is no key 'spce': did you mean space?"),
        ({"answer": ["é́"]}, "keys.answer: there is no key"),
        ({"answer": ["d"]}, "keys.answer: `d` is never bound"),
        ({"answer": ["alt+y"]}, "keys.answer: `alt+y` is never bound"),
        ({"answer": ["ctrl+i"]}, "keys.answer: `ctrl+i` arrives as tab: choose another key"),
        ({"leave": ["Q"]}, "keys.leave: `ctrl+c` twice always leaves: take the line out"),
        ({"answer": ["i"]}, "keys.answer: `i` is type in Agents already: choose another key"),
        ({"answer": ["z"]}, "keys.answer: `z` is undo in Agents already"),
        ({"undo": ["y"]}, "keys.undo: `y` is answer in Agents already"),
        ({"undo": ["j"]}, "keys.undo: `j` is down everywhere already: choose another key, or give"),
    ],
)
def test_a_wrong_line_is_said_with_file_field_and_remedy(told: Told, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        keyboard_of([(OWN, {}), (PROJECT, told)])
    assert str(caught.value).startswith(f"{PROJECT}: {said}")


def test_every_fault_is_said_at_the_file_that_makes_it() -> None:
    files: list[tuple[Path, Told]] = [
        (OWN, {"why": ["i"], "nope": ["x"]}),
        (PROJECT, {"why": ["W"], "type": ["a"]}),
    ]
    _, found = read(files)
    assert [line.partition(": choose")[0].partition(": there")[0] for line in found] == [
        f"{OWN}: keys.nope",
        f"{PROJECT}: keys.type: `a` is attach in Agents already",
    ]


IDS = st.sampled_from([one.id for one in DEFAULT.actions] + ["nope", ""])
KEYS = st.one_of(st.sampled_from([*DEFAULT.keys, "d", "ctrl+i", "f9"]), st.text(max_size=8))


@given(st.dictionaries(IDS, st.lists(KEYS, max_size=3), max_size=6))
def test_what_is_accepted_never_clashes_and_binds_nothing_forbidden(told: Told) -> None:
    keys, found = read([(OWN, told)])
    if found:
        assert all(line.startswith(f"{OWN}: keys.") for line in found)
        return
    assert not clashes(keys)
    assert not set(keys.keys) & keymap.NEVER
    assert {one.id: one.keys for one in keys.actions if one.id in told} == {
        id: tuple(dict.fromkeys(wanted)) for id, wanted in told.items()
    }


async def test_footer_help_and_palette_show_the_keys_that_act() -> None:
    stage = Stage()
    stage.keyboard = DEFAULT.bound({"attach": ["f5"], "help": ["ß"], "interrupt": []})
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        foot = stage.lines()[-1]
        assert "F5 attach" in foot and foot.endswith("ß keys") and "interrupt" not in foot
        await pilot.press("a", "I", "f5")
        assert [act[0] for act in stage.acts] == ["attach"]
        assert stage.told[-2:] == ["a does nothing in Agents", "I does nothing in Agents"]
        await pilot.press("ß")
        await stage.settled(pilot)
        help_ = "\n".join(stage.lines())
        assert "F5              attach to its pane" in help_
        assert ": interrupt     interrupt what it does" in help_


def test_the_command_prints_the_keys_in_force_or_what_is_wrong_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    own = tmp_path / "config" / "orc-tui" / FILE_NAME
    own.parent.mkdir(parents=True)
    options = ["--keys", "--workspace", str(tmp_path / "none")]
    own.write_text('[keys]\nattach = ["f5", "a"]\nwhy = "W"\n')
    assert main(options) == 0
    assert "| `f5` `a` | attach" in capsys.readouterr().out
    own.write_text('[keys]\nattach = "i"\nanser = "Y"\n')
    assert main(options) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and all(line.startswith(f"orc-tui: {own}: keys.") for line in said)
    own.write_text("[keys]\nattach = 3\n")
    assert main(options) == 2
    assert f"{own}: keys.attach" in capsys.readouterr().err
    assert load_keys({"HOME": str(tmp_path)}, tmp_path) == (
        (tmp_path / ".config" / "orc-tui" / FILE_NAME, {}),
        (tmp_path / FILE_NAME, {}),
    )
