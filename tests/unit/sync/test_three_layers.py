"""Any order of edits in the store and two layers ends with all equal, or a conflict open."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clocks import TurnedClock
from memory_layer import MemoryLayer
from orc_core.settings import Settings
from orc_core.sync.choices import Choices
from orc_core.sync.synchronizer import Synchronizer
from orc_core.sync.tally import Tally
from orc_core.tasks.desk import Tasks
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage import conflicts
from orc_storage.records import OPERATOR, Body, Conflict, ConflictState, Json
from stores import open_store

EXAMPLES = int(os.environ.get("ORC_EXAMPLES", "2000")) // 60
PLACES = ("store", "one", "two")
WAITING = {ConflictState.OPEN, ConflictState.DEFERRED}


class Leaping(TurnedClock):
    """A clock on which waiting takes no time."""

    async def sleep(self, delay_s: float) -> None:
        self.turn(delay_s)
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Edit:
    """Somebody sets a field somewhere; without a field they remove the copy."""

    place: str
    field: str
    value: Json


@dataclass(frozen=True)
class Sync:
    """One layer is brought in step, or all of them."""

    place: str


FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "title": st.sampled_from(["Cart", "Basket", "Trolley"]),
    "priority": st.integers(0, 3),
    "labels": st.lists(st.sampled_from(["a", "b", "c"]), unique=True).map(list),
    "text": st.sampled_from(["", "one\n", "one\ntwo\n", "zero\none\n"]),
    "assignee": st.sampled_from(["", "codex-1"]),
}
EDITS = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: st.builds(Edit, st.sampled_from(PLACES), st.just(name), FIELDS[name])
)
SYNCS = st.builds(Sync, st.sampled_from(("one", "two", "all")))
HISTORIES = st.lists(EDITS | SYNCS, max_size=12)


@dataclass
class World:
    """What was there at the end."""

    store: Body = field(default_factory=dict)
    layers: dict[str, Body] = field(default_factory=dict)
    waiting: list[Conflict] = field(default_factory=list)
    again: int = 0


async def _live(history: list[Edit | Sync], folder: Path) -> World:
    clock = Leaping()
    async with open_store(folder, clock) as db:
        layers = {name: MemoryLayer(name) for name in ("one", "two")}
        said = Settings.model_validate({"layers": {name: {"on": True} for name in layers}})
        rules = {KIND: TaskRules()}
        choices = Choices(db, said)
        sync = Synchronizer(db, list(layers.values()), clock, rules=rules, choices=choices)
        tasks = Tasks(db)
        await tasks.add("Cart", actor=OPERATOR, cause="")
        await sync.once()
        for step in history:
            if isinstance(step, Sync):
                every = [one for one in sync._followers if step.place in (one.name, "all")]
                for one in every:
                    await one.once(Tally())
            elif step.place == "store":
                await tasks.edit("T-1", {step.field: step.value}, actor=OPERATOR, cause="")
            else:
                layers[step.place].edit("T-1", **{step.field: step.value})
        await sync.once()
        await sync.once()
        before = [one.writes for one in layers.values()]
        rev = (await tasks.get("T-1")).rev
        again = await sync.once()
        found = World(waiting=await db.read(lambda conn: conflicts.listing(conn, states=WAITING)))
        found.again = again.imported + sum(one.writes for one in layers.values()) - sum(before)
        found.again += (await tasks.get("T-1")).rev - rev
        found.layers = {name: one.bodies["task", "T-1"] for name, one in layers.items()}
        task = await db.read(lambda conn: _body(conn))
        found.store = task
        sync.close()
        return found


def _body(conn: object) -> Body:
    from orc_storage import documents

    found = documents.get(conn, KIND, "T-1")  # type: ignore[arg-type]
    assert found is not None
    return found.body


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES)
def test_all_layers_end_equal_or_the_difference_is_an_open_conflict(
    history: list[Edit | Sync],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = asyncio.run(_live(history, Path(folder) / "ws"))
    for name, body in world.layers.items():
        contested = {one.path.partition(".")[0] for one in world.waiting if one.left.layer == name}
        contested = {path.partition("#")[0] for path in contested}
        differing = {
            path
            for path in body.keys() | world.store.keys()
            if body.get(path) != world.store.get(path)
        }
        assert differing <= contested, (name, world)
        for one in world.waiting:
            if one.left.layer == name and one.path in body:
                assert (one.left.value, one.right.value) == (body[one.path], world.store[one.path])
    # And it is at rest: one more sync does nothing.
    assert world.again == 0
