"""The registry of actions: no key has two meanings in one pane, and none is forbidden."""

from textual.keys import _character_to_key

from orc_tui import keyboard, keymap
from orc_tui.keyboard import DEFAULT


def test_no_key_has_two_meanings_in_one_pane() -> None:
    assert keyboard.clashes(DEFAULT) == []
    for pane in keymap.PANE_NAMES:
        keys = [key for action in DEFAULT.of_pane(pane) for key in action.keys]
        assert sorted(keys) == sorted(set(keys)), pane


def test_keys_that_destroy_elsewhere_are_never_bound_and_all_others_are_keys() -> None:
    assert not set(DEFAULT.keys) & keymap.NEVER
    assert not {key for key in DEFAULT.keys if key.startswith("alt+")}
    # `ctrl+c` is the terminal's own way out; nobody binds it anew.
    assert [key for key in DEFAULT.keys if not keyboard.is_key(key)] == []


def test_action_ids_are_unique_and_every_action_explains_itself() -> None:
    ids = [action.id for action in DEFAULT.actions]
    assert len(ids) == len(set(ids))
    assert all(action.help and action.panes for action in DEFAULT.actions)
    panes = {pane for action in DEFAULT.actions for pane in action.panes}
    assert panes <= {keymap.EVERYWHERE, *keymap.PANE_NAMES}
    assert set(ids) >= keymap.VIEWS


def test_each_key_has_the_name_that_the_terminal_driver_gives_it() -> None:
    written = [chr(code) for code in range(0x21, 0x7F)] + ["é", "ß", "ж"]
    assert all(keyboard.is_key(char) for char in written)
    assert {char: keyboard.binding_key(char) for char in written} == {
        char: _character_to_key(char) for char in written
    }


def test_a_key_says_what_it_does_in_a_pane_and_where_else_it_would() -> None:
    take = DEFAULT.action_for("o", keymap.CONFLICTS)
    assert take is not None
    assert take.id == "take-left"
    assert DEFAULT.action_for("o", keymap.AGENTS) is None
    assert DEFAULT.panes_of("o") == (keymap.CONFLICTS,)
