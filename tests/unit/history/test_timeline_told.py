"""The timeline: what a filter asks for, and pages that leave nothing out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import UsageError
from orc_core.history import timeline
from orc_core.history.checkpoints import Checkpoints
from orc_core.history.query import matches, parse
from orc_core.history.timeline import Timeline
from orc_core.model.history import Moment, Query
from orc_core.terms import moment
from orc_storage import live
from orc_storage.records import OPERATOR
from stores import Turned
from workspaces import Workspace, open_workspace

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
HOUR = 3600.0


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as opened:
        yield opened


async def step(ws: Workspace, name: str, state: str, evidence: str = "") -> None:
    at = ws.clock.now()
    await ws.db.write(lambda tx: live.transition(tx, name, at, state, evidence))


async def told(ws: Workspace, query: Query = Query(), limit: int = 100) -> list[str]:  # noqa: B008
    page = await Timeline(ws.db).page(query, limit=limit)
    return [
        f"{one.actor} {one.action} {one.id}" + (f"@{one.rev}" if one.rev else "")
        for one in page.moments
    ]


async def story(ws: Workspace) -> None:
    await ws.add()
    ws.clock.turn(60)
    await step(ws, "codex-1", "working", "hook PreToolUse")
    ws.clock.turn(60)
    await ws.edit(title="Basket")
    await Checkpoints(ws.db).create("before", note="calm", actor=OPERATOR)
    ws.clock.turn(60)
    await step(ws, "codex-1", "waiting", "permission")
    await step(ws, "claude-2", "idle")
    await ws.add("Search")


async def test_the_journal_and_the_states_are_one_story(ws: Workspace) -> None:
    await story(ws)
    assert await told(ws) == [
        "operator add T-2@1",
        "claude-2 idle claude-2",
        "codex-1 waiting codex-1",
        "operator checkpoint before",
        "codex-1 edit T-1@2",
        "codex-1 working codex-1",
        "operator add T-1@1",
    ]
    page = await Timeline(ws.db).page(Query())
    assert [one.text for one in page.moments][2:5] == ["permission", "calm", "orc task edit"]
    assert [one.now_rev for one in page.moments if one.id == "T-1"] == [2, 2]
    assert len({one.key for one in page.moments}) == 7


async def test_what_a_file_and_a_conflict_did_is_told(ws: Workspace) -> None:
    await ws.add()
    await ws.sync()
    await ws.edit(title="Basket")
    ws.change(title="Trolley")
    await ws.sync()
    await ws.conflicts.resolve("C-1", "left", actor=OPERATOR)
    assert (await told(ws, Query(doc_kind="task", doc="t-1")))[:2] == [
        "operator resolve T-1@3",
        "file conflict T-1",
    ]
    decided, opened = (await Timeline(ws.db).page(Query(kind="Conflict"))).moments
    assert (decided.action, decided.text) == ("resolve", "conflict C-1")
    assert (opened.action, opened.text) == ("conflict", "C-1 title")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(doc_kind="task", doc="t-1"), ["codex-1 edit T-1@2", "operator add T-1@1"]),
        (Query(actor="OPERATOR", kind="task"), ["operator add T-2@1", "operator add T-1@1"]),
        (Query(kind="checkpoint"), ["operator checkpoint before"]),
        (Query(kind="state", actor="claude-2"), ["claude-2 idle claude-2"]),
        (Query(state="waiting"), ["codex-1 waiting codex-1"]),
        (
            Query(agent="codex-1"),
            ["codex-1 waiting codex-1", "codex-1 edit T-1@2", "codex-1 working codex-1"],
        ),
        (Query(words=("calm",)), ["operator checkpoint before"]),
        (Query(words=("codex", "permission")), ["codex-1 waiting codex-1"]),
        (Query(first=2, last=3), ["operator checkpoint before", "codex-1 edit T-1@2"]),
        (Query(doc="nothing"), []),
    ],
    ids=str,
)
async def test_a_filter_leaves_what_it_asks_for(
    ws: Workspace, query: Query, expected: list[str]
) -> None:
    await story(ws)
    assert await told(ws, query) == expected


async def test_since_and_until_cut_the_time(ws: Workspace, clock: Turned) -> None:
    await story(ws)
    now = clock.now()
    assert len(await told(ws, Query(since=now))) == 3
    assert await told(ws, Query(since=now - 120, until=now - 60)) == ["codex-1 working codex-1"]
    assert await told(ws, Query(until=now - 120)) == ["operator add T-1@1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_tell_everything_once(ws: Workspace, limit: int) -> None:
    await story(ws)
    everything = (await Timeline(ws.db).page(Query())).moments
    found: list[Moment] = []
    page = await Timeline(ws.db).page(Query(), limit=limit)
    found += page.moments
    while page.next is not None:
        await step(ws, "new-1", "idle")  # what comes meanwhile does not shift the pages
        page = await Timeline(ws.db).page(Query(), after=page.next, limit=limit)
        assert len(page.moments) <= limit
        found += page.moments
    assert tuple(found) == everything


async def test_a_clock_that_was_set_back_changes_no_order(ws: Workspace, clock: Turned) -> None:
    await ws.add()
    clock.turn(-500)
    await ws.edit(title="Basket")
    await step(ws, "codex-1", "idle")
    clock.turn(-500)
    await ws.edit(title="Trolley")
    found = await told(ws)
    assert [one for one in found if "T-1" in one] == [
        "codex-1 edit T-1@3",
        "codex-1 edit T-1@2",
        "operator add T-1@1",
    ]


async def test_a_page_looks_through_a_bounded_number_of_rows(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "LOOKED_AT_MAX", 2)
    await story(ws)
    page = await Timeline(ws.db).page(Query(doc_kind="task", doc="T-1", actor=OPERATOR))
    assert [one.rev for one in page.moments] == [1]
    page = await Timeline(ws.db).page(Query(words=("cart",)))
    assert page.moments == () and page.next is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOON - 2 * HOUR),
        ("90M", NOON - 1.5 * HOUR),
        ("3d", NOON - 72 * HOUR),
        ("11:30", NOON - HOUR / 2),
        ("11:30:30", NOON - HOUR / 2 + 30),
        ("12:00", NOON),
        ("13:00", NOON - 23 * HOUR),
        ("2026-11-19", NOON - 36 * HOUR),
        ("2026-11-20T10:00", NOON - 2 * HOUR),
        ("2026-11-20T10:00+01:00", NOON - 3 * HOUR),
    ],
)
def test_a_time_is_the_last_one_that_is_over(text: str, expected: float) -> None:
    assert moment(text, NOON) == expected


@pytest.mark.parametrize("text", ["", "noon", "25:00", "12:61", "-2h", "2026-13-01", "2y"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="is no time: give one such as 13:00, 2h"):
        moment(text, NOON)


def test_a_filter_is_read_as_it_is_typed() -> None:
    assert parse("since:2h actor:you KIND:conflict cart state: x:y", NOON) == Query(
        since=NOON - 2 * HOUR, actor=OPERATOR, kind="conflict", words=("cart", "x:y")
    )
    assert parse("task:T-14 agent:codex-1", NOON) == Query(
        doc_kind="task", doc="T-14", agent="codex-1"
    )


def test_the_query_is_pure() -> None:
    one = Moment(3, NOON, "codex-1", "edit", "task", "T-1", 2, 2, "orc task edit")
    assert matches(Query(), one)
    assert matches(parse("since:12:00 until:13:00 id:t-1 TASK edit", NOON + HOUR), one)
    assert not matches(Query(until=NOON), one)
    assert not matches(Query(state="edit"), one)
