"""One round of answers: the prompts that an opened card goes through, until a key closes it.

Invariant: one key answers one question, to those agents alone that the card named. The card
stays until it is closed by a key, so that no answer ever reaches what is under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from orc_core.model.agent import Agent, Choice, Delivery, Outcome, Prompt, State
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.answer import Answer, AnswerCard, Leave, Move, Skip
from orc_tui.verbs.verb import Verb
from orc_tui.view_models.card import Said
from orc_tui.view_models.questions import Asked, Question, counterpart, gather

if TYPE_CHECKING:
    from orc_tui.app import OrcApp

AT_ONCE: Final = 8
"""To so many agents one answer goes at a time."""
AGAIN_S: Final = 2.0
"""A prompt that went on and is seen so long after it is asked anew, however alike."""
LOOK_EVERY_S: Final = 1.0


class Lines(Protocol):
    """Asks for lines to agents and types them; a draft is kept until it was sent."""

    async def why_not(self, agent: Agent) -> str:
        """The line that says why not; "" where the operator thought better of it."""

    async def say(self, agent: Agent, text: str) -> Delivery:
        """Type it."""


def style_of(delivery: Delivery) -> str:
    """How the report of a delivery looks."""
    if delivery.outcome is Outcome.WENT_ON:
        return "done"
    return "waiting" if delivery.sent else "error"


class Round(Verb):
    """Shows prompt after prompt on one card; `only` are the agents it keeps to, all where empty."""

    def __init__(
        self, app: OrcApp, card: AnswerCard, lines: Lines, *, only: Collection[str] = ()
    ) -> None:
        super().__init__(app)
        self._card = card
        self._lines = lines
        self._only = frozenset(only)
        self._handled: dict[str, tuple[str, float]] = {}
        """What each agent was answered last: the fingerprint, and when it may come again."""
        self.answered: set[str] = set()
        """Whose prompts were answered, by their keys."""
        self._opened = ""
        self._count = 0
        self._last: Agent | None = None

    async def run(self, at: str) -> Act | None:
        """Go through the prompts, from that of the agent `at` on.

        Gives back what the card was left for.
        """
        self._opened = at
        index = 0
        while True:
            questions = self._questions()
            if not questions:
                move = await self._rest()
                if isinstance(move, Leave):
                    return self._act(move, self._last)
                continue
            keys = [{agent.key for agent in one.agents} for one in questions]
            index = next((n for n, own in enumerate(keys) if at in own), index % len(questions))
            question = questions[index]
            self._show(question, index, len(questions))
            move = await self._card.move()
            if isinstance(move, Leave):
                return self._act(move, question.agent)
            if isinstance(move, Skip):
                at = questions[(index + move.step) % len(questions)].agent.key
            else:
                at = await self._answer(question, move)

    def _act(self, move: Leave, agent: Agent | None) -> Act | None:
        return Act(move.to, keymap.AGENTS, agent.key) if move.to and agent is not None else None

    def _show(self, question: Question, index: int, count: int) -> None:
        self._card.show(
            question.prompt,
            question.agent,
            position=self._count + index + 1,
            total=self._count + count,
            now=self.snapshot.at,
            task_title=self.title(question.agent.task),
            others=question.agents[1:],
        )

    async def _rest(self) -> Move | None:
        """Keep the card until somebody asks (None), or until a key closes it.

        What is under it goes on meanwhile, since that may be long.
        """
        self._card.rest(self._count)
        drawn_at = float("-inf")
        moving = asyncio.ensure_future(self._card.move())
        try:
            while not moving.done() and not self._questions():
                if self._clock() - drawn_at >= LOOK_EVERY_S:
                    self.app.main.draw_all()
                    drawn_at = self._clock()
                self.app.heard.clear()
                hearing = asyncio.ensure_future(self.app.heard.wait())
                await asyncio.wait(
                    (moving, hearing), timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED
                )
                hearing.cancel()
            return moving.result() if moving.done() else None
        finally:
            moving.cancel()

    def _questions(self) -> list[Question]:
        """What is asked now, the oldest first, without what was answered just now."""
        asked: list[Asked] = []
        for agent in sorted(self.snapshot.agents, key=lambda one: (one.since, one.key)):
            if self._only and agent.key not in self._only:
                continue
            if agent.muted_until and agent.key not in (*self._only, self._opened):
                continue
            waits = agent.state is State.WAITING
            prompt = self.core.agents.prompt(agent.key) if waits else None
            if prompt is None:
                self._handled.pop(agent.key, None)
            elif not self._is_handled(agent.key, prompt):
                asked.append((agent, prompt))
        return gather(asked, alike=bool(self._only))

    def _is_handled(self, key: str, prompt: Prompt) -> bool:
        fingerprint, again_at = self._handled.get(key, ("", 0.0))
        return fingerprint == prompt.fingerprint and self._clock() < again_at

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def _answer(self, question: Question, move: Answer) -> str:
        """Send an answer to all who ask; gives back whose prompt comes next, "" for any."""
        line = await self._lines.why_not(question.agent) if move.because else ""
        if move.because and not line:
            return question.agent.key
        names = ", ".join(agent.name for agent in question.agents)
        self._card.report(f"{names}: sending {move.choice.number}…")
        gate = asyncio.Semaphore(AT_ONCE)
        sent = await asyncio.gather(
            *(
                self._send(gate, agent, prompt, move.choice, line)
                for agent, prompt in question.asked
            )
        )
        self._count += any(key in self._handled for key in (one.key for one in question.agents))
        self._last = question.agent
        self._tell(question.agents, sent)
        return ""

    async def _send(
        self, gate: asyncio.Semaphore, agent: Agent, prompt: Prompt, choice: Choice, line: str
    ) -> Delivery:
        own = counterpart(prompt, choice)
        async with gate:
            if own is None:
                return Delivery(Outcome.REFUSED, "not sent: that is no choice of this prompt")
            delivery = await self.core.agents.answer(agent.key, prompt, own)
            if delivery.outcome is Outcome.REFUSED:
                return delivery  # it still asks
            self.answered.add(agent.key)
            # One that moved nothing may have been taken all the same: it is not offered again.
            again_s = AGAIN_S if delivery.outcome is Outcome.WENT_ON else float("inf")
            self._handled[agent.key] = (prompt.fingerprint, self._clock() + again_s)
            if line and delivery.sent:
                return await self._say(agent, delivery, line)
        return delivery

    async def _say(self, agent: Agent, answered: Delivery, line: str) -> Delivery:
        """Type why not, after the no."""
        said = await self._lines.say(agent, line)
        if said.sent:
            return answered
        return Delivery(said.outcome, f"no was sent, your line was not: {said.text}")

    def _tell(self, agents: Sequence[Agent], sent: Sequence[Delivery]) -> None:
        """Say what became of it, agent by agent; those that fared alike on one line."""
        fared: dict[tuple[str, str], list[str]] = {}
        for agent, delivery in zip(agents, sent, strict=True):
            fared.setdefault((delivery.text, style_of(delivery)), []).append(agent.name)
            severity = "" if delivery.sent else "error"
            self.app.tell(f"{agent.name}: {delivery.text}", severity=severity)
        told = [Said(f"{', '.join(names)}: {text}", ink) for (text, ink), names in fared.items()]
        # What went wrong is read first.
        self._card.tell(sorted(told, key=lambda one: one.style == "done"))
