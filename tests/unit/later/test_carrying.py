"""What was planned is typed once or not at all, and only where all is as it was then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from clocks import TurnedClock
from dialog_scenes import AGENT
from orc_core import board
from orc_core.errors import OrcError, UnknownName, UsageError
from orc_core.later.carrying import LATE_MAX_S, SENDING_MAX_S, Carrier
from orc_core.later.plans import GRACE_S, Plans
from orc_core.model.agent import Agent, Delivery, Outcome, State, Waiting
from orc_storage import journal, laters
from orc_storage.database import Database
from orc_storage.laters import Later, Phase
from stores import open_store

IDLE = replace(AGENT, state=State.IDLE, waiting=Waiting.NONE)
LIMITED = replace(IDLE, state=State.LIMITED, resets_at=1_800_003_600.0)


@dataclass
class Crew:
    """Agents as a process sees them, and what was typed to them."""

    seen: list[Agent] = field(default_factory=lambda: [IDLE])
    typed: list[tuple[str, str]] = field(default_factory=list)
    outcome: Delivery = field(default_factory=lambda: Delivery(Outcome.WENT_ON, "sent, went on"))

    def agents(self) -> tuple[Agent, ...]:
        return tuple(self.seen)

    async def send(self, key: str, text: str, /) -> Delivery:
        self.typed.append((key, text))
        return self.outcome


class Desk:
    """A store, who plans in it, and two processes that carry out what is planned."""

    def __init__(self, db: Database, clock: TurnedClock) -> None:
        self.db, self.clock, self.crew = db, clock, Crew()
        self.laters: Sequence[Later] = ()
        self.plans = Plans(db, clock, "operator")
        self.first, self.second = (
            Carrier(Plans(db, clock, name), self.crew, self) for name in "ab"
        )

    async def read(self) -> Sequence[Later]:
        self.laters = await self.db.read(lambda conn: laters.listing(conn, ended_since=1.0))
        return self.laters

    async def later(self, seconds: float) -> Later:
        """Let time pass, let both processes look, and give back the one that was planned."""
        await self.read()
        self.clock.turn(seconds)
        await self.first.look()
        await self.second.look()
        (found, *_) = await self.read()
        return found

    async def journalled(self) -> list[tuple[str, str]]:
        entries = await self.db.read(lambda conn: journal.page(conn))
        return [(one.action, one.actor) for one in reversed(entries) if one.kind == laters.KIND]


@pytest.fixture
async def desk(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Desk]:
    async with open_store(tmp_path, clock) as db:
        yield Desk(db, clock)


async def test_a_line_is_typed_once_when_its_time_has_come(desk: Desk) -> None:
    made = await desk.plans.line(IDLE, "run the tests\x1b[31m", desk.clock.now() + 600)
    assert made.id == "L-1" and made.text == "run the tests"
    assert (await desk.later(599)).phase is Phase.WAITING and not desk.crew.typed
    done = await desk.later(1)
    assert desk.crew.typed == [(IDLE.key, "run the tests")]
    assert (done.phase, done.outcome) == (Phase.SENT, "sent, went on")
    await desk.later(5)
    assert len(desk.crew.typed) == 1
    assert await desk.journalled() == [("line", "operator"), ("sending", "a"), ("sent", "a")]


async def test_two_processes_that_know_the_same_type_it_once(desk: Desk) -> None:
    await desk.plans.line(IDLE, "go on", desk.clock.now() + 1)
    await desk.read()
    desk.clock.turn(1)
    await desk.first.look()
    await desk.second.look()
    await desk.first.look()
    assert len(desk.crew.typed) == 1


@pytest.mark.parametrize(
    ("planned", "now", "typed"),
    [
        (IDLE, IDLE, True),
        (IDLE, replace(IDLE, state=State.DONE), True),
        (IDLE, replace(IDLE, state=State.WORKING), False),
        (IDLE, replace(IDLE, state=State.WAITING), False),
        (replace(IDLE, state=State.WORKING), replace(IDLE, state=State.WORKING), True),
        (replace(IDLE, state=State.WORKING), IDLE, True),
        (replace(IDLE, state=State.WORKING), LIMITED, False),
        (LIMITED, LIMITED, True),
        (LIMITED, IDLE, False),
        (IDLE, replace(IDLE, evidence=replace(IDLE.evidence, rule="shell-left")), False),
        (IDLE, replace(IDLE, pane=replace(IDLE.pane, pid=9)), False),
        (IDLE, replace(IDLE, pane=replace(IDLE.pane, pane_id="%9")), False),
    ],
)
async def test_only_as_it_was_planned(desk: Desk, planned: Agent, now: Agent, typed: bool) -> None:
    await desk.plans.line(planned, "go on", desk.clock.now() + 1)
    desk.crew.seen = [now]
    done = await desk.later(2)
    assert bool(desk.crew.typed) is typed
    assert done.phase is (Phase.SENT if typed else Phase.FAILED)
    assert typed or done.outcome.startswith("not typed: ")


async def test_a_server_that_is_not_seen_or_does_not_answer_is_waited_for(desk: Desk) -> None:
    await desk.plans.line(IDLE, "go on", desk.clock.now() + 1)
    desk.crew.seen = []
    assert (await desk.later(2)).phase is Phase.WAITING
    desk.crew.seen = [replace(IDLE, stale_since=5.0)]
    assert (await desk.later(2)).phase is Phase.WAITING
    desk.crew.seen = [IDLE]
    assert (await desk.later(2)).phase is Phase.SENT


async def test_what_is_an_hour_late_is_not_typed(desk: Desk) -> None:
    await desk.plans.line(IDLE, "go on", desk.clock.now() + 1)
    done = await desk.later(LATE_MAX_S + 61)
    assert done.phase is Phase.FAILED and "nobody was there to do it" in done.outcome
    assert not desk.crew.typed


async def test_one_that_was_taken_on_cannot_be_taken_on_again(desk: Desk) -> None:
    await desk.plans.line(IDLE, "go on", desk.clock.now() + 1)
    claims = [
        await desk.db.write(lambda tx, name=name: laters.claim(tx, "L-1", actor=name))  # type: ignore[misc]
        for name in ("a", "b")
    ]
    assert claims == [True, False]


async def test_one_that_was_taken_on_by_who_died_is_never_typed_again(desk: Desk) -> None:
    await desk.plans.line(IDLE, "go on", desk.clock.now() + 1)
    await desk.db.write(lambda tx: laters.claim(tx, "L-1", actor="dead"))
    assert (await desk.later(2)).phase is Phase.SENDING
    done = await desk.later(SENDING_MAX_S + 1)
    assert (done.phase, desk.crew.typed) == (Phase.FAILED, [])
    assert "nobody knows whether it was typed" in done.outcome


async def test_a_refusal_is_told_and_not_tried_again(desk: Desk) -> None:
    desk.crew.outcome = Delivery(Outcome.REFUSED, "not sent: claude-2 shows a prompt")
    await desk.plans.line(IDLE, "go on", desk.clock.now() + 1)
    done = await desk.later(2)
    assert (done.phase, done.outcome) == (Phase.FAILED, "not sent: claude-2 shows a prompt")
    await desk.later(5)
    assert len(desk.crew.typed) == 1


async def test_at_the_end_of_a_limit_it_goes_on_a_minute_later(desk: Desk) -> None:
    desk.crew.seen = [LIMITED]
    made = await desk.plans.at_reset(LIMITED, "continue")
    assert made.at == LIMITED.resets_at + GRACE_S
    (shown,) = board.join_laters([LIMITED], await desk.read(), desk.clock.now())
    assert shown.line_at == made.at
    assert (await desk.later(3660)).phase is Phase.SENT
    with pytest.raises(OrcError, match="does not say when its limit ends"):
        await desk.plans.at_reset(IDLE, "continue")


async def test_a_mute_holds_until_its_time_and_one_at_a_time(desk: Desk) -> None:
    until = desk.clock.now() + 600
    await desk.plans.mute(IDLE, until - 300)
    await desk.plans.mute(IDLE, until)
    open_ones = [one for one in await desk.read() if one.is_open]
    assert [one.at for one in open_ones] == [until]
    (shown,) = board.join_laters([IDLE], desk.laters, until - 1)
    assert shown.muted_until == until
    assert board.join_laters([IDLE], desk.laters, until) == (IDLE,)
    assert (await desk.later(601)).phase is Phase.OVER
    assert not desk.crew.typed


async def test_what_waits_is_taken_back_and_what_is_over_is_not(desk: Desk) -> None:
    await desk.plans.line(IDLE, "go on", desk.clock.now() + 1)
    assert (await desk.plans.cancel("l-1")).id == "L-1"
    assert (await desk.later(2)).phase is Phase.CANCELLED and not desk.crew.typed
    with pytest.raises(OrcError, match="L-1 is cancelled"):
        await desk.plans.cancel("L-1")
    with pytest.raises(UnknownName, match="see `orc later list`"):
        await desk.plans.cancel("L-9")


async def test_what_could_not_be_carried_out_is_not_planned(desk: Desk) -> None:
    soon = desk.clock.now() + 60
    for state in (State.WAITING, State.CRASHED, State.GONE, State.UNKNOWN):
        with pytest.raises(OrcError, match=f"claude-2 is {state.value}"):
            await desk.plans.line(replace(IDLE, state=state), "go on", soon)
    with pytest.raises(UsageError, match="no text to type"):
        await desk.plans.line(IDLE, " \x07\n", soon)
    with pytest.raises(UsageError, match="that time is over"):
        await desk.plans.line(IDLE, "go on", desk.clock.now())
    assert await desk.read() == []


async def test_what_is_planned_outlives_the_process(tmp_path: Path, clock: TurnedClock) -> None:
    async with open_store(tmp_path, clock) as db:
        await Desk(db, clock).plans.line(IDLE, "go on", clock.now() + 60)
    async with open_store(tmp_path, clock) as db:
        desk = Desk(db, clock)
        assert (await desk.later(61)).phase is Phase.SENT
        assert desk.crew.typed == [(IDLE.key, "go on")]
