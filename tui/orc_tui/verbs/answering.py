"""Answering, typing to, interrupting and attaching to agents.

Invariant: what was typed into a pane is reported; what was refused says why nothing was sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from orc_core.errors import OrcError
from orc_core.model.agent import Agent, Delivery, State
from orc_core.model.attach import How
from orc_storage.records import Conflict
from orc_tui import keymap
from orc_tui.attach import attach
from orc_tui.messages import Act
from orc_tui.screens.answer import GUARD_S, GUARD_SLOW_S, AnswerCard
from orc_tui.screens.dialog import Option
from orc_tui.screens.line import LineInput, Typed
from orc_tui.screens.menu import Menu
from orc_tui.verbs.rounds import Round
from orc_tui.verbs.verb import Verb

if TYPE_CHECKING:
    from orc_tui.app import OrcApp

DRAFTS_MAX: Final = 64
SENT_MAX: Final = 50
BOTH: Final = "both"


def writers(conflict: Conflict, agents: Sequence[Agent]) -> tuple[Agent, ...]:
    """The agents that wrote the sides of a conflict and run now, the left one first."""
    names = dict.fromkeys((conflict.left.writer, conflict.right.writer))
    return tuple(one for name in names if name for one in agents if one.name == name)


class Answering(Verb):
    """The verbs of agents."""

    def __init__(self, app: OrcApp) -> None:
        super().__init__(app)
        self._drafts: dict[str, str] = {}
        self._sent: deque[str] = deque(maxlen=SENT_MAX)

    async def answer(self, act: Act) -> None:
        """Open the card on a prompt and go on to the next ones, until a key closes it.

        With marks it keeps to the marked agents.
        """
        if act.marked:
            await self._answer_marked(act)
            return
        agent = self.agent(act)
        if agent.state is not State.WAITING:
            self.tell(f"{agent.name} is {agent.state.value}: it asks nothing")
            return
        if self.core.agents.prompt(agent.key) is None:
            self.tell(f"{agent.name} waits, but its prompt cannot be read from here: a attaches")
            return
        await self._round(agent.key)

    async def _answer_marked(self, act: Act) -> None:
        asking = [
            agent.key
            for agent in self.snapshot.agents
            if agent.key in act.marked and self.core.agents.prompt(agent.key) is not None
        ]
        if not asking:
            self.tell(f"none of the {len(act.marked)} marked asks what can be answered from here")
            return
        await self._round(act.row_key if act.row_key in asking else "", act.marked)

    async def _round(self, at: str, only: Collection[str] = ()) -> None:
        guard_s = GUARD_SLOW_S if self.app.pace.is_slow else GUARD_S
        card = AnswerCard(home=str(self.core.options.home), guard_s=guard_s)
        await self.app.push_screen(card)
        try:
            answers = Round(self.app, card, self, only=only)
            left = await answers.run(at)
        finally:
            card.close()
        if only:
            self.app.main.unmark(keymap.AGENTS, answers.answered)
        if left is not None and left.action_id == "attach":
            await self.attach(left)
        elif left is not None:
            self.why(left)

    async def why_not(self, agent: Agent) -> str:
        """Ask for the line that goes after a no; "" keeps the prompt as it is."""
        typed = await self._ask_line(agent, note="no, because")
        return typed.text if typed is not None and typed.send else ""

    async def say(self, agent: Agent, text: str) -> Delivery:
        """Type a line; what was sent is no draft any more, and can be recalled."""
        delivery = await self.core.agents.send(agent.key, text)
        if delivery.sent:
            self._keep(agent.key, "")
            self._sent.append(text)
        return delivery

    def why(self, act: Act) -> None:
        """Show the reasons of an agent's state in Live."""
        main = self.app.main
        main.lists[keymap.AGENTS].roll.go(act.row_key)
        main.live.show_tab("Why")
        main.focus_pane(keymap.AGENTS)
        main.want_why()

    async def type(self, act: Act) -> None:
        """Open the line to an agent, or to both writers of a conflict."""
        agents = await self._meant(act, "Type a line to", both=True)
        if len(agents) == 1:
            await self._line(agents[0])
        elif agents:
            await self._line_to_all(agents)

    async def _line_to_all(self, agents: Sequence[Agent]) -> None:
        """Open one line whose text goes to several agents, one after the other."""
        names = " and ".join(agent.name for agent in agents)
        typed = await self.ask(LineInput(names, draft="", recall=tuple(self._sent), note=""))
        if typed is None or not typed.send:
            return
        for agent in agents:
            self._report(agent, await self.say(agent, typed.text))

    async def _meant(self, act: Act, title: str, *, both: bool = False) -> tuple[Agent, ...]:
        """The agent of a row; of a conflict the writer that is chosen, or with `both` both."""
        if act.pane != keymap.CONFLICTS:
            return (self.agent(act),)
        conflict = self.conflict(act)
        agents = writers(conflict, self.snapshot.agents)
        if not agents:
            raise OrcError(f"no side of {conflict.id} was written by an agent that runs now")
        if len(agents) == 1:
            return agents
        options = [Option(one.key, one.name, str(at)) for at, one in enumerate(agents, 1)]
        notes = [f"{one.state.value}  {one.task}".rstrip() for one in agents]
        if both:
            options.append(Option(BOTH, "both", "b"))
            notes.append("the same line, one after the other")
        chosen = await self.ask(Menu(title, options, notes))
        return tuple(one for one in agents if chosen in (one.key, BOTH))

    async def _line(self, agent: Agent) -> None:
        typed = await self._ask_line(agent)
        if typed is None or not typed.send:
            return
        self._report(agent, await self.say(agent, typed.text))

    async def _ask_line(self, agent: Agent, note: str = "") -> Typed | None:
        """Ask for a line; what was typed is a draft until it was sent."""
        title = f"{agent.task} {self.title(agent.task)}".strip()
        line = LineInput(
            agent.name,
            draft=self._drafts.get(agent.key, ""),
            recall=tuple(self._sent),
            note=note or title,
        )
        typed = await self.ask(line)
        if typed is not None:
            self._keep(agent.key, typed.text)
            if not typed.send and typed.text.strip():
                self.tell(f"{agent.name}: nothing sent, the line is kept")
        return typed

    def _keep(self, key: str, text: str) -> None:
        """Keep what was typed until it is sent; the oldest draft goes when there are many."""
        self._drafts.pop(key, None)
        if text.strip():
            while len(self._drafts) >= DRAFTS_MAX:
                self._drafts.pop(next(iter(self._drafts)))
            self._drafts[key] = text

    async def interrupt(self, act: Act) -> None:
        """Interrupt an agent, or the writer of a conflict that is chosen."""
        for agent in await self._meant(act, "Interrupt"):
            self._report(agent, await self.core.agents.interrupt(agent.key))

    def _report(self, agent: Agent, delivery: Delivery) -> None:
        severity = "" if delivery.sent else "error"
        self.tell(f"{agent.name}: {delivery.text}", severity=severity)

    async def attach(self, act: Act) -> None:
        """Go to the agent's pane; the way back is shown first."""
        agents = await self._meant(act, "Attach to")
        if not agents:
            return
        agent = agents[0]
        plan = await self.core.agents.attach_plan(agent.key)
        self.tell(f"{agent.name}: {plan.way_back} comes back here")
        await attach(self.app, plan, agent.name)
        self.core.agents.seen(agent.key)
        if plan.how is How.NEST:
            self.tell(f"back from {agent.name}")
