"""Seeded bodies and edits of them, drawn fast: 20,000 cases take seconds.

A case is a base and two edits of it, as people and agents make them: most change one or two
fields, some the same one, some the same lines. `case(seed)` gives the same case every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from orc_storage.records import Body, Json

WORDS: Final = ("a", "b", "c", "d", "e")
ATOMS: Final[tuple[Json, ...]] = (None, True, False, 0, 1, 1.0, 2, "", "x", "y")
LISTS: Final = ("labels", "needs", "depends_on")


@dataclass(frozen=True)
class Case:
    """A base and two edits of it."""

    seed: int
    base: Body
    ours: Body
    theirs: Body


def case(seed: int) -> Case:
    """Draw the case of one seed."""
    draw = Random(seed)
    base = _body(draw)
    fields = _OFTEN if draw.random() < 0.5 else tuple(draw.choices(_OFTEN, k=2))
    return Case(seed, base, edited(draw, base, fields), edited(draw, base, fields))


def edited(draw: Random, body: Body, fields: Sequence[str]) -> Body:
    """A body after none to four edits of some fields."""
    after: Body = dict(body)
    for _ in range(draw.choice((0, 1, 1, 2, 2, 3, 4))):
        field = draw.choice(fields)
        if field in after and draw.random() < 0.1:
            del after[field]
        else:
            after[field] = _EDITS[field](draw, after.get(field))
    return dict(draw.sample(list(after.items()), len(after))) if draw.random() < 0.2 else after


def _body(draw: Random) -> Body:
    body: Body = {"id": "T-1"}
    for field, edit in _EDITS.items():
        if draw.random() < 0.7:
            body[field] = edit(draw, None)
    return body


def _atom(draw: Random, _: Json) -> Json:
    return draw.choice(ATOMS)


def _set(draw: Random, value: Json) -> Json:
    words = [str(word) for word in value] if isinstance(value, list) else []
    word = draw.choice(WORDS)
    return [each for each in words if each != word] if word in words else [*words, word]


def _text(draw: Random, value: Json) -> Json:
    """Lines that repeat, so that edits meet and look alike."""
    lines = value.split("\n") if isinstance(value, str) else []
    if not lines or draw.random() < 0.05:
        return "\n".join(draw.choices(WORDS, k=draw.randint(1, 9)))
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(lines) + 1)
        lines[at : at + draw.randint(0, 2)] = draw.choices(WORDS, k=draw.randint(0, 2))
    return "\n".join(lines)


def _steps(draw: Random, value: Json) -> Json:
    steps: list[Any] = list(value) if isinstance(value, list) else []
    at = draw.randrange(len(steps) + 1)
    done: Json = draw.choice((True, False))
    free = [word for word in WORDS if word not in {step["id"] for step in steps}]
    doing = draw.random()
    if at < len(steps) and doing < 0.4:
        steps[at] = {**steps[at], "done": done}
    elif at < len(steps) and doing < 0.6:
        del steps[at]
    elif doing < 0.7:
        draw.shuffle(steps)
    elif free:
        steps.insert(at, {"id": draw.choice(free), "done": done})
    return steps


def _object(draw: Random, value: Json) -> Json:
    known = dict(value) if isinstance(value, dict) else {}
    key = draw.choice(WORDS)
    if key in known and draw.random() < 0.3:
        del known[key]
    elif draw.random() < 0.3:
        known[key] = {draw.choice(WORDS): draw.choice(ATOMS)}
    else:
        known[key] = draw.choice(ATOMS)
    return known


_EDITS: Final[dict[str, Callable[[Random, Json], Json]]] = {
    "title": _atom,
    "due": _atom,
    "text": _text,
    "notes": _text,
    "steps": _steps,
    "meta": _object,
    "a.b": _atom,
    "#1": _atom,
    "": _atom,
    **dict.fromkeys(LISTS, _set),
}
_OFTEN: Final = (*_EDITS, *("text", "notes", "steps", "title") * 3)
"""Fields as often as they are edited."""
