"""Values in one line, for people."""

from __future__ import annotations

import pytest

from orc_core.sync.wording import BRIEF, brief
from orc_storage.records import Json


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Friday", "Friday"),
        ("one\ntwo\nthree\n", "a text of 3 lines"),
        (["a", "b"], '["a", "b"]'),
        ("x" * 100, "x" * (BRIEF - 1) + "…"),
    ],
)
def test_a_value_leaves_room_for_what_follows_it(value: Json, said: str) -> None:
    assert brief(value) == said
