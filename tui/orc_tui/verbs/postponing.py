"""What is put off: agents muted for a while, lines typed at a time or when a limit ends.

Invariant: nothing is planned before a person said what, when and for whom; what is planned for
several is confirmed once, by their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from orc_core.later.times import coming, named
from orc_core.model.agent import Agent, State
from orc_storage.laters import Later, Phase, What
from orc_tui.messages import Act
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.later import LaterForm, Wanted
from orc_tui.screens.menu import Menu
from orc_tui.verbs.verb import Verb
from orc_tui.view_models.limits import same_limit

if TYPE_CHECKING:
    pass

HOUR_S: Final = 3600.0
GO_ON: Final = "continue"
CANCEL: Final = "cancel:"


class Postponing(Verb):
    """The verb `later` of agents."""

    async def later(self, act: Act) -> None:
        """Choose what is put off: to hear of it, or a line to it."""
        agent = self.agent(act)
        planned = [one for one in self.snapshot.laters if _is_of(one, agent)]
        options, notes = self._choices(agent, planned)
        chosen = await self.ask(Menu(f"Later: {agent.name}", options, notes))
        if chosen is None:
            return
        if chosen.startswith(CANCEL):
            await self._cancel(chosen.removeprefix(CANCEL))
        elif chosen in ("reset", "line"):
            await self._line(agent, at_reset=chosen == "reset")
        else:
            await self._mute(agent, chosen)

    def _choices(self, agent: Agent, planned: Sequence[Later]) -> tuple[list[Option], list[str]]:
        now = self.app.now()
        options, notes = list[Option](), list[str]()

        def offer(id: str, word: str, key: str, note: str) -> None:
            options.append(Option(id, word, key))
            notes.append(note)

        if agent.state is State.LIMITED and agent.resets_at:
            when = named(self.core.later.reset_of(agent), now)
            offer("reset", "goes on", "g", f"at {when}, when its limit has ended: type a line then")
        offer("line", "line", "l", "type a line to it at a time")
        hour, day = named(now + HOUR_S, now), named(coming("tomorrow", now), now)
        offer("hour", "mute", "m", f"for an hour, until {hour}: it is not counted as waiting")
        offer("tomorrow", "mute", "t", f"until tomorrow, {day}")
        offer("until", "mute", "u", "until a time that you say")
        for one in planned:
            word = "unmute" if one.what is What.MUTE else "cancel"
            told = one.text if one.what is What.LINE else "muted until then"
            offer(f"{CANCEL}{one.id}", word, "", f"{one.id}, {named(one.at, now)}: {told}")
        return options, notes

    async def _cancel(self, id: str) -> None:
        found = await self.core.later.cancel(id)
        told = (
            f"{found.agent} is told of again" if found.what is What.MUTE else f"{id} is cancelled"
        )
        self.tell(told)

    async def _mute(self, agent: Agent, how: str) -> None:
        now = self.app.now()
        until = now + HOUR_S if how == "hour" else coming("tomorrow", now)
        if how == "until":
            form = LaterForm(f"Mute {agent.name} until", self.app.now, with_text=False)
            wanted = await self.ask(form)
            if wanted is None:
                return
            until = wanted.at
        await self.core.later.mute(agent, until)
        self.tell(f"{agent.name} is muted until {named(until, now)}: L tells of it again")

    async def _line(self, agent: Agent, *, at_reset: bool) -> None:
        at = self.core.later.reset_of(agent) if at_reset else 0.0
        when = f" at {named(at, self.app.now())}" if at else ""
        form = LaterForm(
            f"Type to {agent.name}{when}", self.app.now, text=GO_ON if at else "", at=at
        )
        wanted = await self.ask(form)
        if wanted is None:
            return
        group = [agent]
        if at_reset:
            under = same_limit(agent, self.snapshot.agents)
            group = await self._which(agent, [one for one in under if not one.line_at], wanted)
        for one in group:
            await self.core.later.line(one, wanted.text, wanted.at)
        if group:
            names = ", ".join(one.name for one in group)
            self.tell(f"{names}: a line at {named(wanted.at, self.app.now())}; L takes it back")

    async def _which(self, agent: Agent, group: Sequence[Agent], wanted: Wanted) -> list[Agent]:
        """Ask whether all under the same limit are to go on."""
        if not [one for one in group if one.key != agent.key]:
            return [agent]
        names = ", ".join(one.name for one in group)
        when = named(wanted.at, self.app.now())
        dialog = Dialog(
            f"{len(group)} agents are under that limit",
            [Option("all", f"All {len(group)}"), Option("one", f"{agent.name} alone")],
            lines=(f"At {when} this is typed to {names}:", wanted.text),
        )
        chosen = await self.ask(dialog)
        return list(group) if chosen == "all" else [agent] if chosen == "one" else []


def _is_of(one: Later, agent: Agent) -> bool:
    return one.phase is Phase.WAITING and one.agent.casefold() == agent.name.casefold()
