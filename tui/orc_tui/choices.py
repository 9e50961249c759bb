"""What a person chose in the conflict view and has not written yet, kept until they do.

Invariant: a choice counts for the conflict it was made on and no other: where a side, the base or
the place is another by now, it is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from orc_storage.records import Conflict
from orc_tui.memory import Choice
from orc_tui.view_models.conflict_parts import Taken

CHOICES_MAX: Final = 200
BYTES_MAX: Final = 32 * 1024
"""So many choices of one workspace outlive a run, the newest ones, and so much typed text."""


def digest(conflict: Conflict) -> str:
    """What a choice on this conflict was made on, in 32 hexadecimal digits."""
    left, right = conflict.left, conflict.right
    seen = (
        *(conflict.doc_kind, conflict.doc, conflict.path, conflict.line),
        *(conflict.base, conflict.base_present),
        *(left.value, left.present, right.value, right.present),
    )
    text = json.dumps(seen, ensure_ascii=False, sort_keys=True)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def made(taken: Mapping[str, Taken], conflicts: Iterable[Conflict]) -> dict[str, Choice]:
    """What was taken for these conflicts as choices to be kept."""
    known = {conflict.id: conflict for conflict in conflicts}
    return {
        id: Choice(each.take, each.value, digest(known[id]))
        for id, each in taken.items()
        if id in known
    }


def counting(choices: Mapping[str, Choice], conflicts: Iterable[Conflict]) -> dict[str, Taken]:
    """What of the choices counts for these conflicts as they are now."""
    return {
        conflict.id: Taken(choice.take, choice.value)
        for conflict in conflicts
        if (choice := choices.get(conflict.id)) and choice.of == digest(conflict)
    }


def lasting(choices: Mapping[str, Choice]) -> dict[str, Choice]:
    """The choices that outlive the run: the newest, as far as what was typed has room."""
    kept: dict[str, Choice] = {}
    room = BYTES_MAX
    for id, choice in reversed(list(choices.items())[-CHOICES_MAX:]):
        typed = json.dumps(choice.value, ensure_ascii=False)
        size = len(typed.encode("utf-8", "surrogatepass")) if choice.take == "value" else 0
        if size <= room:
            kept[id] = choice
            room -= size
    return dict(reversed(kept.items()))
