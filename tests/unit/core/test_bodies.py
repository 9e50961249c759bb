"""Bodies that are no valid documents: what is said of them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from orc_core.errors import UsageError
from orc_core.model.bodies import read_as


class Note(BaseModel):
    id: str
    text: str = Field(max_length=5)
    mark: int = 0


def test_a_valid_body_is_read() -> None:
    assert read_as(Note, {"id": "N-1", "text": "short"}, {}) == Note(id="N-1", text="short")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "N-1: text is missing; it takes at most 5 letters"),
        ({"text": "too long"}, "N-1: text is 'too long'; it takes at most 5 letters"),
        ({"text": "x" * 99}, f"N-1: text is '{'x' * 59}; it takes at most 5 letters"),
        ({"text": "", "mark": []}, "N-1: mark is []; it takes Input should be a valid integer"),
    ],
)
def test_what_does_not_fit_is_named_with_what_it_takes(
    fields: dict[str, str | list[str]], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        read_as(Note, {"id": "N-1", **fields}, {"text": "at most 5 letters"})
    assert str(refused.value) == said
