"""A thousand tasks that both sides edited at once: how much of it takes a person.

Each side changes one field or two, drawn as often as people and agents change them: mostly the
text, a plan of forty lines, and the status. What is one value and changed twice waits.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest

from orc_core.sync.conflicts import Conflicts
from orc_core.sync.copies import Copy
from orc_core.sync.policies import Policy
from orc_core.sync.rules import Rules, govern
from orc_core.sync.settlement import settle
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage import documents
from orc_storage.database import Transaction
from orc_storage.records import Body, Json
from stores import Turned, open_store

TASKS = 1000
LINES = 40
OFTEN = {
    "text": 40,
    "status": 20,
    "labels": 12,
    "needs": 6,
    "depends_on": 0,
    "priority": 6,
    "assignee": 6,
    "due": 4,
    "title": 6,
}


def _edited(draw: Random, body: Body) -> Body:
    after = dict(body)
    for field in draw.choices(list(OFTEN), list(OFTEN.values()), k=draw.choice((1, 1, 2))):
        after[field] = _value(draw, field, after[field])
    return after


def _value(draw: Random, field: str, value: Json) -> Json:
    if field == "text":
        lines = str(value).split("\n")
        lines[draw.randrange(len(lines))] = f"changed {draw.random()}"
        return "\n".join(lines)
    if isinstance(value, list):
        return [*value, draw.choice("abcdefgh")] if len(value) < 3 else value[1:]
    if field == "status":
        # Legal on either side whatever the other did: what is not is a fault and no conflict.
        return "running"
    if field == "priority":
        return draw.randrange(16)
    return f"{field} {draw.randrange(100)}"


def _play(tx: Transaction, seed: int, rules: Rules) -> None:
    draw = Random(seed)
    for number in range(1, TASKS + 1):
        id = f"T-{number}"
        body: Body = {
            "id": id,
            "title": "Cart",
            "text": "\n".join(f"line {line}" for line in range(LINES)),
            "status": "ready",
            "priority": 5,
            "needs": [],
            "labels": ["a"],
            "depends_on": [],
            "assignee": "",
            "due": "",
        }
        documents.put(tx, KIND, id, body, rev=0, actor="ana", cause="")
        settle(tx, _copy(body, "first"), rules)
        documents.put(tx, KIND, id, _edited(draw, body), rev=1, actor="codex-1", cause="")
        settle(tx, _copy(_edited(draw, body), "second"), rules)


def _copy(body: Body, sha256: str) -> Copy:
    return Copy("file", KIND, str(body["id"]), body, 1, sha256, 0.0, "a file")


@pytest.mark.parametrize(
    ("strategies", "share"), [({}, 0.95), ({"task": "LAST_WRITE"}, 1.0)], ids=["default", "last"]
)
async def test_most_of_it_takes_no_person(
    tmp_path: Path, clock: Turned, strategies: dict[str, str], share: float
) -> None:
    rules = govern({KIND: TaskRules()}, Policy.of(strategies, {}))
    async with open_store(tmp_path / "ws", clock) as db:
        await db.write(partial(_play, seed=20, rules=rules[KIND]), timeout_s=60)
        found = await Conflicts(db, clock, rules).figures()
    assert found.detected >= TASKS
    assert found.automatic > share or found.automatic == share == 1.0, found
    assert found.open == round(found.detected * (1 - found.automatic))
    assert found.open > 20 or share == 1.0, "some of them need a person"
