"""Any run of publishing, leasing and ending, by several holders, against a model of the queue."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chores import MACHINES
from direct_store import DirectStore
from orc_storage import deliveries, queue
from orc_storage.database import Connection, Transaction
from orc_storage.deliveries import LeaseLost, Message, Stage

T = TypeVar("T")

TOPICS = ("agent:any:tasks", "agent:codex:tasks")
ATTEMPTS_MAX = 3
topics = st.sampled_from([TOPICS[:1], TOPICS[1:], TOPICS])
holders = st.sampled_from(["claude-1", "codex-1", "codex-2"])


@dataclass(frozen=True)
class Waiting:
    """What the model knows of a message; a token that is "" holds nothing."""

    topic: str
    priority: int
    odd: bool
    stage: Stage = Stage.READY
    attempts: int = 0
    fence: int = 0
    token: str = ""
    later: bool = False


class Queue(RuleBasedStateMachine):
    """`model` holds every message by its number, `spent` each token that was ever given out."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.db = DirectStore(self.folder)
        self.model: dict[int, Waiting] = {}
        self.spent: list[str] = []

    def run(self, work: Callable[[Transaction], T]) -> T:
        return self.runner.run(self.db.write(work))

    @initialize()
    def begin(self) -> None:
        self.run(lambda tx: queue.join(tx, TOPICS[0], "workers"))

    @rule(
        topic=st.sampled_from(TOPICS),
        priority=st.sampled_from([0, 5, 12]),
        later=st.sampled_from([False, False, False, True]),
    )
    def publish(self, topic: str, priority: int, later: bool) -> None:
        due_at = 2_000_000_000.0 if later else 0.0
        made = self.run(
            lambda tx: queue.publish(
                tx, topic, group="workers", actor="a", priority=priority, due_at=due_at
            )
        )
        self.model[made.seq] = Waiting(topic, priority, made.seq % 2 == 1, later=later)

    @rule(wanted=topics, holder=holders, picky=st.booleans())
    def lease(self, wanted: tuple[str, ...], holder: str, picky: bool) -> None:
        def fits(message: Message) -> bool:
            return not picky or self.model[message.seq].odd

        got = self.run(
            lambda tx: queue.lease(tx, wanted, group="workers", holder=holder, fits=fits)
        )
        due = [
            (-one.priority, seq)
            for seq, one in self.model.items()
            if one.stage is Stage.READY and not one.later and one.topic in wanted
            if one.odd or not picky
        ]
        if got is None:
            assert not due
            return
        assert (-got.message.priority, got.message.seq) == min(due)
        assert got.token not in self.spent
        self.spent.append(got.token)
        before = self.model[got.message.seq]
        after = replace(
            before,
            stage=Stage.LEASED,
            token=got.token,
            attempts=before.attempts + 1,
            fence=before.fence + 1,
        )
        self.model[got.message.seq] = after
        assert (got.holder, got.attempts, got.fence) == (holder, after.attempts, after.fence)

    @rule(which=st.integers(0, 40), end=st.sampled_from(["ack", "fail", "give back", "beat"]))
    def end(self, which: int, end: str) -> None:
        """Whatever is done with any token that was ever given out: only a held one moves."""
        if not self.spent:
            return
        held = [one.token for one in self.model.values() if one.token]
        tokens = [*held, *held, *self.spent[-3:]]
        token = tokens[which % len(tokens)]
        seq = next((seq for seq, one in self.model.items() if one.token == token), None)
        ways: dict[str, Callable[[Transaction], object]] = {
            "ack": lambda tx: queue.acknowledge(tx, token),
            "fail": lambda tx: queue.fail(
                tx, token, reason="no", attempts_max=ATTEMPTS_MAX, due_at=0.0
            ),
            "give back": lambda tx: queue.give_back(tx, token, reason="yielded"),
            "beat": lambda tx: queue.beat(tx, token, progress="half"),
        }
        if seq is None:
            try:
                self.run(ways[end])
            except LeaseLost:
                return
            raise AssertionError(f"{end} went by a token that holds nothing")
        self.run(ways[end])
        one = self.model[seq]
        if end == "ack":
            self.model[seq] = replace(one, stage=Stage.DONE, token="")
        elif end == "give back":
            self.model[seq] = replace(one, stage=Stage.READY, token="", attempts=one.attempts - 1)
        elif end == "fail":
            dead = one.attempts >= ATTEMPTS_MAX
            self.model[seq] = replace(one, stage=Stage.DEAD if dead else Stage.READY, token="")

    @rule(which=st.integers(0, 40))
    def replay(self, which: int) -> None:
        dead = [seq for seq, one in self.model.items() if one.stage is Stage.DEAD]
        if dead:
            seq = dead[which % len(dead)]
            self.run(lambda tx: queue.replay(tx, seq, "workers"))
            self.model[seq] = replace(self.model[seq], stage=Stage.READY, attempts=0)

    @invariant()
    def nothing_is_lost_and_none_is_held_twice(self) -> None:
        self.runner.run(self.db.read(self.compare))

    def compare(self, conn: Connection) -> None:
        for seq, one in self.model.items():
            found = deliveries.of(conn, seq, "workers")
            assert (found.stage, found.attempts, found.fence, found.token) == (
                one.stage,
                one.attempts,
                one.fence,
                one.token,
            )
        depths = {one.topic: one for one in deliveries.depths(conn)}
        for topic, depth in depths.items():
            stages = [one.stage for one in self.model.values() if one.topic == topic]
            assert (depth.ready, depth.leased, depth.dead) == (
                stages.count(Stage.READY),
                stages.count(Stage.LEASED),
                stages.count(Stage.DEAD),
            )

    def teardown(self) -> None:
        self.runner.run(self.db.close())
        self.runner.close()
        shutil.rmtree(self.folder)


Queue.TestCase.settings = settings(max_examples=4 * MACHINES, stateful_step_count=60, deadline=None)
test_the_queue_does_what_its_model_does = Queue.TestCase
