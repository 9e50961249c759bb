"""Answering, typing to, interrupting and attaching to agents.

Invariant: what was typed into a pane is reported; what was refused says why nothing was sent.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from orc_core.model.agent import Agent, Delivery, Outcome, Prompt, State
from orc_core.model.attach import How
from orc_tui import keymap
from orc_tui.attach import attach
from orc_tui.messages import Act
from orc_tui.screens.answer import Answer, AnswerCard, Leave, Skip
from orc_tui.screens.line import LineInput
from orc_tui.verbs.verb import Verb

if TYPE_CHECKING:
    from orc_tui.app import OrcApp

DRAFTS_MAX: Final = 64
SENT_MAX: Final = 50


def style_of(delivery: Delivery) -> str:
    """How the report of a delivery looks."""
    if delivery.outcome is Outcome.WENT_ON:
        return "done"
    return "waiting" if delivery.sent else "error"


class Answering(Verb):
    """The verbs of agents."""

    def __init__(self, app: OrcApp) -> None:
        super().__init__(app)
        self._drafts: dict[str, str] = {}
        self._sent: deque[str] = deque(maxlen=SENT_MAX)

    async def answer(self, act: Act) -> None:
        """Open the card on a prompt and go on to the next ones, until none is left."""
        agent = self.agent(act)
        if agent.state is not State.WAITING:
            self.tell(f"{agent.name} is {agent.state.value}: it asks nothing")
            return
        if self.core.agents.prompt(agent.key) is None:
            self.tell(f"{agent.name} waits, but its prompt cannot be read from here: a attaches")
            return
        card = AnswerCard(home=str(self.core.options.home))
        await self.app.push_screen(card)
        try:
            left = await self._go_through(card, agent.key)
        finally:
            card.close()
        if left is not None and left.action_id == "attach":
            await self.attach(left)
        elif left is not None:
            self.why(left)

    async def _go_through(self, card: AnswerCard, at: str) -> Act | None:
        """Show prompt after prompt; one that was answered is not shown again.

        Gives back what the card was left for.
        """
        answered: dict[str, str] = {}
        index = 0
        while prompts := self._prompts(answered):
            keys = [agent.key for agent, _ in prompts]
            index = keys.index(at) if at in keys else min(index, len(prompts) - 1)
            agent, prompt = prompts[index]
            card.show(
                prompt,
                agent,
                position=len(answered) + index + 1,
                total=len(answered) + len(prompts),
                now=self.snapshot.at,
                task_title=self.title(agent.task),
            )
            move = await card.move()
            if isinstance(move, Leave):
                return Act(move.to, keymap.AGENTS, agent.key) if move.to else None
            if isinstance(move, Skip):
                at = keys[(index + move.step) % len(keys)]
                continue
            delivery = await self._send(card, agent, prompt, move)
            answered[agent.key] = prompt.fingerprint
            at = ""
            if move.because and delivery.sent:
                await self._line(agent, note="why not")
        return None

    def _prompts(self, answered: dict[str, str]) -> list[tuple[Agent, Prompt]]:
        """Every prompt that waits, the oldest first, without those just answered."""
        found: list[tuple[Agent, Prompt]] = []
        for agent in sorted(self.snapshot.agents, key=lambda one: (one.since, one.key)):
            if agent.state is not State.WAITING:
                continue
            prompt = self.core.agents.prompt(agent.key)
            if prompt is not None and answered.get(agent.key) != prompt.fingerprint:
                found.append((agent, prompt))
        return found

    async def _send(self, card: AnswerCard, agent: Agent, prompt: Prompt, move: Answer) -> Delivery:
        card.report(f"{agent.name}: sending {move.choice.number}…")
        delivery = await self.core.agents.answer(agent.key, prompt, move.choice)
        line = f"{agent.name}: {delivery.text}"
        card.report(line, style=style_of(delivery))
        self.app.tell(line, severity="" if delivery.sent else "error")
        return delivery

    def why(self, act: Act) -> None:
        """Show the reasons of an agent's state in Live."""
        main = self.app.main
        main.lists[keymap.AGENTS].roll.go(act.row_key)
        main.live.show_tab("Why")
        main.focus_pane(keymap.AGENTS)
        main.want_why()

    async def type(self, act: Act) -> None:
        """Open the line to an agent."""
        await self._line(self.agent(act))

    async def _line(self, agent: Agent, note: str = "") -> None:
        title = f"{agent.task} {self.title(agent.task)}".strip()
        line = LineInput(
            agent.name,
            draft=self._drafts.get(agent.key, ""),
            recall=tuple(self._sent),
            note=note or title,
        )
        typed = await self.ask(line)
        if typed is None:
            return
        self._keep(agent.key, typed.text)
        if not typed.send:
            if typed.text.strip():
                self.tell(f"{agent.name}: nothing sent, the line is kept")
            return
        delivery = await self.core.agents.send(agent.key, typed.text)
        if delivery.sent:
            self._keep(agent.key, "")
            self._sent.append(typed.text)
        self._report(agent, delivery)

    def _keep(self, key: str, text: str) -> None:
        """Keep what was typed until it is sent; the oldest draft goes when there are many."""
        self._drafts.pop(key, None)
        if text.strip():
            while len(self._drafts) >= DRAFTS_MAX:
                self._drafts.pop(next(iter(self._drafts)))
            self._drafts[key] = text

    async def interrupt(self, act: Act) -> None:
        agent = self.agent(act)
        self._report(agent, await self.core.agents.interrupt(agent.key))

    def _report(self, agent: Agent, delivery: Delivery) -> None:
        severity = "" if delivery.sent else "error"
        self.tell(f"{agent.name}: {delivery.text}", severity=severity)

    async def attach(self, act: Act) -> None:
        """Go to the agent's pane; the way back is shown first."""
        agent = self.agent(act)
        plan = await self.core.agents.attach_plan(agent.key)
        self.tell(f"{agent.name}: {plan.way_back} comes back here")
        await attach(self.app, plan, agent.name)
        self.core.agents.seen(agent.key)
        if plan.how is How.NEST:
            self.tell(f"back from {agent.name}")
