"""The registry of actions: no key has two meanings in one pane, and none is forbidden."""

import pytest
from textual.binding import Binding

from orc_tui import keymap

PANES = (
    keymap.AGENTS,
    keymap.LIVE,
    keymap.TASKS,
    keymap.CONFLICTS,
    keymap.SYNC,
    keymap.TIMELINE,
)


@pytest.mark.parametrize("pane", PANES)
def test_no_key_has_two_meanings_in_one_pane(pane: str) -> None:
    keys = [key for action in keymap.of_pane(pane) for key in action.keys]
    assert sorted(keys) == sorted(set(keys))


def test_keys_that_destroy_elsewhere_are_never_bound() -> None:
    keys = {key for action in keymap.ACTIONS for key in action.keys}
    assert not keys & keymap.NEVER
    assert not {key for key in keys if key.startswith("alt+")}


def test_action_ids_are_unique_and_every_action_explains_itself() -> None:
    assert len(keymap.BY_ID) == len(keymap.ACTIONS)
    assert all(action.help and action.panes for action in keymap.ACTIONS)


def test_every_key_becomes_one_binding_under_the_drivers_name() -> None:
    bindings = keymap.bindings()
    assert all(isinstance(binding, Binding) for binding in bindings)
    names = [binding.key for binding in bindings]
    assert len(names) == len(set(names))
    assert {"full_stop", "comma", "slash", "less_than_sign", "I", "ctrl+d"} <= set(names)


def test_a_key_says_what_it_does_in_a_pane_and_where_else_it_would() -> None:
    take = keymap.action_for("o", keymap.CONFLICTS)
    assert take is not None
    assert take.id == "take-left"
    assert keymap.action_for("o", keymap.AGENTS) is None
    assert keymap.panes_of("o") == (keymap.CONFLICTS,)
