"""Tasks are typed only to agents that a rule names, once, and never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from clocks import TurnedClock
from dialog_scenes import AGENT
from orc_core.errors import OrcError
from orc_core.model.agent import Agent, Delivery, Outcome, State, Waiting
from orc_core.model.task import Status
from orc_core.model.work import Holder, Queued
from orc_core.tasks.desk import Tasks
from orc_core.tasks.dispatch import Dispatch
from orc_core.tasks.feeding import RETRY_S, TYPING_MAX_S, Feeder
from orc_storage.database import Database
from orc_storage.deliveries import Stage
from orc_storage.records import OPERATOR
from stores import open_store

SINCE = 1_799_999_900.0
IDLE = replace(AGENT, state=State.IDLE, waiting=Waiting.NONE, since=SINCE, name="codex-1")


@dataclass
class Crew:
    """Agents as the leader sees them, and what was typed to them."""

    seen: list[Agent] = field(default_factory=lambda: [IDLE])
    typed: list[tuple[str, str]] = field(default_factory=list)
    outcome: Delivery | Exception = field(
        default_factory=lambda: Delivery(Outcome.WENT_ON, "sent, went on")
    )

    def agents(self) -> tuple[Agent, ...]:
        return tuple(self.seen)

    async def send(self, key: str, text: str, /) -> Delivery:
        self.typed.append((key, text))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def get(self, name: str) -> Holder:
        return Holder(name, "codex", frozenset({"python"}))


class Scene:
    """A queue, a crew and a leader that feeds it."""

    def __init__(self, db: Database, clock: TurnedClock) -> None:
        self.db, self.clock, self.crew = db, clock, Crew()
        self.tasks, self.dispatch = Tasks(db), Dispatch(db)
        self.leads = True
        self.feeder = self.another()

    def another(self) -> Feeder:
        """A feeder as a process has it that has just come to lead."""
        return Feeder(
            self.db,
            self.clock,
            self.crew,
            self.crew,
            ["Codex-*", "planner"],
            leads=lambda: self.leads,
        )

    async def queue(self, title: str = "Cart", **fields: str | list[str]) -> None:
        task = await self.tasks.add(title, actor=OPERATOR, cause="x", **fields)
        await self.dispatch.enqueue(task.id, kind="codex", actor=OPERATOR, cause="x")

    async def after(self, seconds: float) -> list[Queued]:
        """Let time pass and the leader look; what is held then."""
        self.clock.turn(seconds)
        await self.feeder.look()
        return list(await self.dispatch.listing(Stage.LEASED))


@pytest.fixture
async def scene(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Scene]:
    async with open_store(tmp_path, clock) as db:
        yield Scene(db, clock)


async def test_an_agent_at_rest_gets_its_task_once(scene: Scene) -> None:
    await scene.queue("Invoices", text="One page.", needs=["python"])
    await scene.queue("Mails")
    (held,) = await scene.after(1)
    assert (held.task, held.holder, held.progress) == ("T-1", "codex-1", "sent, went on")
    ((key, text),) = scene.crew.typed
    assert key == IDLE.key
    assert text.startswith("T-1: Invoices\n\nOne page.\n\nWhen it is done, run: orc task ack ")
    await scene.after(600)
    assert len(scene.crew.typed) == 1, "it holds a task"
    await scene.dispatch.acknowledge(text.split("ack ")[1].split()[0], cause="x")
    (next_,) = await scene.after(1)
    assert next_.task == "T-2" and len(scene.crew.typed) == 2


@pytest.mark.parametrize(
    "agent",
    [
        replace(IDLE, name="claude-1"),
        replace(IDLE, state=State.WORKING),
        replace(IDLE, state=State.WAITING, waiting=Waiting.PERMISSION),
        replace(IDLE, state=State.LIMITED),
        replace(IDLE, kind="other"),
        replace(IDLE, evidence=replace(IDLE.evidence, rule="shell-left")),
        replace(IDLE, stale_since=SINCE),
        replace(IDLE, line_at=SINCE + 900),
        replace(IDLE, since=1_799_999_999.0),
    ],
)
async def test_nobody_else_is_typed_to(scene: Scene, agent: Agent) -> None:
    await scene.queue()
    scene.crew.seen = [agent]
    assert not await scene.after(1) and not scene.crew.typed
    scene.crew.seen, scene.leads = [IDLE], False
    assert not await scene.after(1), "this process does not lead"


@pytest.mark.parametrize(
    "outcome",
    [Delivery(Outcome.PROMPT_CHANGED, "a prompt is in the way"), OrcError("tmux is gone")],
)
async def test_what_could_not_be_typed_goes_back_untried(
    scene: Scene, outcome: Delivery | OrcError
) -> None:
    await scene.queue()
    (lease,) = [await scene.dispatch.take(Holder("codex-7", "codex"), cause="x")]
    assert lease is not None
    await scene.dispatch.step_aside(lease.token, checkpoint="half", cause="x")
    scene.crew.outcome = outcome
    assert not await scene.after(1) and len(scene.crew.typed) == 1
    assert "It was begun before: half" in scene.crew.typed[0][1]
    (left,) = await scene.dispatch.listing(Stage.READY)
    assert (left.attempts, (await scene.tasks.get("T-1")).status) == (0, Status.READY)
    scene.crew.outcome = Delivery(Outcome.WENT_ON, "sent, went on")
    assert not await scene.after(RETRY_S - 1) and len(scene.crew.typed) == 1
    assert len(await scene.after(1)) == 1
    assert "It was begun before: half" in scene.crew.typed[1][1]


async def test_what_nobody_knows_the_end_of_counts_as_tried(scene: Scene) -> None:
    await scene.queue()
    scene.crew.outcome = RuntimeError("this process ends amid the typing")
    with pytest.raises(ExceptionGroup):
        await scene.after(1)
    scene.crew = Crew()
    scene.feeder = scene.another()
    assert len(await scene.after(TYPING_MAX_S)) == 1
    assert not await scene.after(1) and not scene.crew.typed
    (left,) = await scene.dispatch.listing(Stage.READY)
    assert left.attempts == 1 and left.reason.startswith("nobody knows whether it was typed")
    assert len(await scene.after(6)) == 1 and len(scene.crew.typed) == 1


async def test_what_is_taken_back_amid_the_typing_ends_nothing(scene: Scene) -> None:
    await scene.queue()
    sending = scene.crew.send

    async def send(key: str, text: str, /) -> Delivery:
        await scene.tasks.set_status("T-1", Status.CANCELLED, actor=OPERATOR, cause="x")
        return await sending(key, text)

    scene.crew.send = send  # type: ignore[method-assign]
    assert not await scene.after(1) and len(scene.crew.typed) == 1
    assert (await scene.tasks.get("T-1")).status is Status.CANCELLED


async def test_who_pulls_by_itself_is_left_with_its_task(scene: Scene) -> None:
    await scene.queue()
    await scene.dispatch.take(Holder("codex-1", "codex"), cause="x")
    assert len(await scene.after(600)) == 1 and not scene.crew.typed
