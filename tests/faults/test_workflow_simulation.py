"""Stalls, deaths and wrong takeovers of workflows in simulated time, by seeds.

Whoever runs a workflow may stop at any moment and go on long after another took it on. Completed
means that every effect is there, rolled back that none is, also after the last of them woke up.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import replace

from chores import MACHINES
from orc_core.saga import machine
from orc_core.saga.machine import Broke, Do, Ended, Event, Rest, Taken, Undo
from orc_storage.sagas import ENDED, Phase, Saga, State, Step, Wish

SEEDS = MACHINES * 25
STEPS = 4
TURNS = 60


class World:
    """One workflow, the store that knows how far it is, and what its effects change."""

    def __init__(self, seed: int, *, is_fenced: bool) -> None:
        self.chance = random.Random(seed)
        self.is_fenced = is_fenced
        steps = tuple(Step(n, f"s{n}", "run", 2, undoable=True) for n in range(STEPS))
        self.saga = Saga(
            "S-1", "x", {}, State.PENDING, Wish.NONE, "", "", 0, 1, 0.0, 0.0, "me", 0.0, steps
        )
        self.effects: set[int] = set()
        self.seen = 0
        self.refused = 0
        self.fails_at = self.chance.choice([None, None, 1, 2, 3])

    def worker(self) -> Generator[None, None, None]:
        """Take it on and carry it; at each yield it may stand still for ever."""
        fence = self.saga.fence + 1
        self.saga = replace(self.saga, fence=fence, owner=str(fence))
        event: Event = Taken()
        while True:
            yield
            if self.saga.fence != fence:
                return  # its write is refused
            if self.saga.state in ENDED:
                return
            outcome = machine.advance(self.saga, event, 0.0)
            self.saga = outcome.saga
            if isinstance(outcome.move, Rest):
                return
            yield
            event = self.perform(outcome.move, fence)

    def perform(self, move: Do | Undo, fence: int) -> Event:
        """What becomes of an effect that carries a fence."""
        if self.is_fenced and fence < self.seen:
            self.refused += 1
            return Broke(move.number, "refused", is_unsure=True, is_final=True)
        self.seen = max(self.seen, fence)
        if isinstance(move, Undo):
            if self.chance.random() < 0.1:
                return Broke(move.number, "not this time")
            self.effects.discard(move.number)
            return Ended(move.number)
        if move.number == self.fails_at:
            return Broke(move.number, "no", is_clean=True)
        self.effects.add(move.number)
        return Ended(move.number)

    def run(self) -> None:
        """Let workers come, stall and die; in the end one is left alone, then the others wake."""
        workers = [self.worker()]
        for _ in range(TURNS):
            dice = self.chance.random()
            if dice < 0.08 and self.saga.state not in ENDED:
                workers.append(self.worker())
            elif dice < 0.12 and workers:
                workers.pop(self.chance.randrange(len(workers)))
            elif workers:
                _step(self.chance.choice(workers))
        if self.saga.state not in ENDED:
            last = self.worker()
            while _step(last):
                pass
        for one in workers:
            while _step(one):
                pass

    def is_sound(self) -> bool:
        if self.saga.state is State.COMPLETED:
            return self.effects == set(range(STEPS))
        left = {one.number for one in self.saga.steps if one.phase is Phase.UNDO_FAILED}
        return self.saga.state in ENDED and self.effects <= left


def _step(worker: Generator[None, None, None]) -> bool:
    """Let a worker go on until it may stall again; False where it is done."""
    return next(worker, "over") is None


def test_no_effect_of_a_stalled_process_outlives_a_rollback() -> None:
    refused, ends = 0, set[State]()
    for seed in range(SEEDS):
        world = World(seed, is_fenced=True)
        world.run()
        assert world.is_sound(), f"seed {seed}: {world.saga.state}, {world.effects}"
        refused += world.refused
        ends.add(world.saga.state)
    assert refused > 0 and ends >= {State.COMPLETED, State.ROLLED_BACK}


def test_the_same_runs_break_where_effects_do_not_ask_for_the_fence() -> None:
    broken = 0
    for seed in range(SEEDS):
        world = World(seed, is_fenced=False)
        world.run()
        broken += not world.is_sound()
    assert broken > 0, "the simulation finds nothing, so it proves nothing"
