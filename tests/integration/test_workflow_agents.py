"""Steps that start and end agents, on a real tmux server."""

from __future__ import annotations

from pathlib import Path

from lives_on_stage import living
from orc_core.clock import SystemClock
from orc_core.model.agent import Agent, Delivery
from orc_core.saga import effects
from orc_core.saga.calls import Call
from orc_core.saga.definition import Definition, Prompt, Spawn, Step, Stop
from orc_core.workflows import CrewHands, Workflows
from orc_storage.sagas import State, Wish
from private_tmux import PrivateTmux

ENVIRON = {"PATH": "/usr/bin:/bin"}


class Nobody:
    """No agents are seen, so nothing can be typed to any."""

    async def scan(self, *, must_answer: bool = True) -> None:
        raise NotImplementedError

    def find(self, name: str) -> Agent:
        raise NotImplementedError

    async def send(self, key: str, text: str) -> Delivery:
        raise NotImplementedError


async def test_agents_come_and_go_with_their_workflow(tmux: PrivateTmux, tmp_path: Path) -> None:
    async with living(tmux, tmp_path) as life:
        hands = CrewHands(life.wing, Nobody())
        wing = Workflows.of(life.db, SystemClock(), ENVIRON, "me", hands)
        spawn = Step(name="s", spawn=Spawn(name="rev", argv=["sleep", "300"]), retries=0)
        fails = Step(name="f", run=["test", "-e", "may"], retries=0)
        begun = await wing.begin(Definition(name="x", step=[spawn, fails]), tmp_path)
        ended = await wing.wait(begun.id)
        life.note_server()
        assert ended.state is State.ROLLED_BACK, ended.reason
        assert await life.wing.crew.find("rev") is None and not await hands.is_there("rev")

        (tmp_path / "may").touch()
        await wing.retry(begun.id)
        ended = await wing.wait(begun.id)
        assert ended.state is State.COMPLETED and await hands.is_there("rev")
        call = Call(ended, spawn, 0, str(tmp_path))
        assert await effects.took_effect(wing.outside, call), "it is not started a second time"

        stop = Step(name="t", stop=Stop(agent="rev"), retries=0)
        other = await wing.begin(Definition(name="y", step=[stop]), tmp_path)
        assert (await wing.wait(other.id)).state is State.COMPLETED
        assert not await hands.is_there("rev")
        await wing.ask(other.id, Wish.ROLLBACK)
        assert (await wing.wait(other.id)).state is State.ROLLED_BACK
        assert await hands.is_there("rev"), "undoing an end is starting it again"
        say = Step(name="p", prompt=Prompt(agent="rev", text="hi"))
        assert await effects.took_effect(wing.outside, Call(ended, say, 0, "/")) is None
        await wing.ask(begun.id, Wish.ROLLBACK)
        assert (await wing.wait(begun.id)).state is State.ROLLED_BACK
        assert not await hands.is_there("rev")
