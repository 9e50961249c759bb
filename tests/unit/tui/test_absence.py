"""What the rule over Agents tells of the time since the last key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import scene
from clocks import TurnedClock
from orc_core.history.timeline import Timeline
from orc_core.model.agent import OTHER
from orc_core.model.history import Digest
from orc_core.model.task import Status
from orc_storage import live
from orc_storage.database import Transaction
from orc_tui.messages import DigestWanted
from orc_tui.screens.absence import Absence
from orc_tui.view_models.agents import AWAY_S, since
from stage import Stage
from stores import open_store

NOW, LAST = scene.AT, scene.AT - AWAY_S


def test_ten_minutes_without_a_key_are_an_absence() -> None:
    absence = Absence()
    assert absence.to_ask(LAST + 1, NOW) == 0.0
    assert absence.to_ask(LAST, NOW) == LAST
    assert absence.to_ask(LAST, NOW + 59) == 0.0, "once a minute"
    assert absence.to_ask(LAST, NOW + 60) == LAST
    absence.take(Digest(LAST, {"done": frozenset({"a"})}))
    assert absence.told(scene.snapshot(), LAST, NOW) != ""
    assert absence.told(scene.snapshot(), NOW, NOW) == "", "a key was pressed a moment ago"


def test_once_back_it_stands_until_it_is_cleared() -> None:
    absence = Absence()
    assert absence.to_ask(LAST, NOW) == LAST
    absence.note_key(LAST, NOW)
    assert absence.began == LAST
    assert [absence.to_ask(NOW, NOW), absence.to_ask(NOW, NOW + 3600)] == [LAST, 0.0]
    absence.take(Digest(LAST, {"done": frozenset({"a"})}))
    absence.note_key(NOW, NOW + 1)
    assert absence.told(scene.snapshot(), NOW + 1, NOW + 1) != ""
    assert absence.clear() and not absence.clear()
    assert absence.told(scene.snapshot(), NOW + 1, NOW + 1) == ""


def test_agents_that_finished_and_tasks_that_others_did_are_counted_once() -> None:
    snapshot = scene.snapshot()
    worker = next(one for one in snapshot.agents if one.task)
    stranger = replace(worker, key="o", name="node-1", kind=OTHER)
    own, other = (
        replace(snapshot.tasks[0], id=id, status=Status.DONE, since=NOW, assignee=who)
        for id, who in ((worker.task, worker.name), ("T-99", "ada"))
    )
    told = since(
        Digest(LAST, {"done": frozenset({worker.name, "node-1"}), "error": frozenset({"b"})}, 1),
        replace(snapshot, agents=(*snapshot.agents, stranger), tasks=(own, other)),
    )
    assert told.endswith(": 2 done, 1 crashed, 1 conflict")
    assert since(Digest(LAST, {"working": frozenset({"a"})}), snapshot) == ""


async def test_one_that_crashed_and_works_again_is_told(tmp_path: Path, clock: TurnedClock) -> None:
    async with open_store(tmp_path, clock) as db:
        at = clock.now()

        def work(tx: Transaction) -> None:
            for name, when, state in (
                ("a", at - 5, "done"),
                ("a", at + 1, "crashed"),
                ("a", at + 2, "starting"),
                ("a", at + 3, "crashed"),
                ("b", at + 4, "crashed"),
            ):
                live.transition(tx, name, when, state, "")

        await db.write(work)
        digest = await Timeline(db).digest(at)
    assert digest.since == at
    assert digest.states["crashed"] == {"a", "b"} and "done" not in digest.states


@pytest.mark.parametrize("key", ["j", "full_stop"])
async def test_the_first_key_asks_and_esc_clears(key: str) -> None:
    stage = Stage()
    async with stage.run_test(size=(80, 24)) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        stage.main._last_key_at = stage.time - 3600
        asked_before = len([one for one in stage.said if isinstance(one, DigestWanted)])
        await pilot.press(key)
        asked = [one for one in stage.said if isinstance(one, DigestWanted)][asked_before:]
        assert [one.since for one in asked] == [stage.time - 3600]
        stage.main.take_digest(replace(scene.digest(), since=stage.time - 3600))
        await stage.settled(pilot)
        assert "2 done, 1 crashed, 2 limited, 3 conflicts" in stage.lines()[1]
        await pilot.press("escape")
        await stage.settled(pilot)
        assert "crashed" not in stage.lines()[1]
