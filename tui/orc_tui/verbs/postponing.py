"""What is put off: agents muted for a while, lines typed at a time or when a limit ends.

Invariant: nothing is planned before a person said what, when and for whom; what is planned for
several is confirmed once, by their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from orc_core.errors import OrcError
from orc_core.later.times import coming, named
from orc_core.model.agent import Agent, State
from orc_core.model.history import Tally, spelled
from orc_storage.laters import Later, Phase, What
from orc_tui import keymap
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
        """Choose what is put off: to hear of it, or a line to it; with marks for all of them."""
        agents = self._agents(act)
        planned = [one for one in self.snapshot.laters if any(_is_of(one, who) for who in agents)]
        options, notes = self._choices(agents, planned if len(agents) == 1 else ())
        title = f"Later: {spelled([one.name for one in agents])}"
        chosen = await self.ask(Menu(title, options, notes))
        if chosen is None:
            return
        if chosen.startswith(CANCEL):
            await self._cancel(chosen.removeprefix(CANCEL))
        elif chosen == "clear":
            for one in planned:
                await self._cancel(one.id)
        elif chosen in ("reset", "line"):
            await self._line(agents, at_reset=chosen == "reset")
        else:
            await self._mute(agents, chosen)
        self.app.main.unmark(keymap.AGENTS, act.marked)

    def _agents(self, act: Act) -> list[Agent]:
        if not act.marked:
            return [self.agent(act)]
        marked = [one for one in self.snapshot.agents if one.key in act.marked]
        if known := [one for one in marked if not one.is_other]:
            return known
        raise OrcError("none of the marked is an agent that is known")

    def _choices(
        self, agents: Sequence[Agent], planned: Sequence[Later]
    ) -> tuple[list[Option], list[str]]:
        now = self.app.now()
        options, notes = list[Option](), list[str]()

        def offer(id: str, word: str, key: str, note: str) -> None:
            options.append(Option(id, word, key))
            notes.append(note)

        if ends := {self.core.later.reset_of(one) for one in agents if _tells_reset(one)}:
            when = named(min(ends), now) + (" and later" if len(ends) > 1 else "")
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
        if len(agents) > 1:
            offer("clear", "cancel", "c", "all that is planned for them")
        return options, notes

    async def _cancel(self, id: str) -> None:
        found = await self.core.later.cancel(id)
        if found.what is What.MUTE:
            self.tell(f"{found.agent} is told of again")
        else:
            self.tell(f"{id} is cancelled: nothing is typed to {found.agent}")

    async def _mute(self, agents: Sequence[Agent], how: str) -> None:
        now = self.app.now()
        names = spelled([one.name for one in agents])
        until = now + HOUR_S if how == "hour" else coming("tomorrow", now)
        if how == "until":
            form = LaterForm(f"Mute {names} until", self.app.now, with_text=False)
            wanted = await self.ask(form)
            if wanted is None:
                return
            until = wanted.at
        for one in agents:
            await self.core.later.mute(one, until)
        verb = "is" if len(agents) == 1 else "are"
        self.tell(f"{names} {verb} muted until {named(until, now)}: L tells again")

    async def _line(self, agents: Sequence[Agent], *, at_reset: bool) -> None:
        now = self.app.now()
        if at_reset:
            agents = [one for one in agents if _tells_reset(one)]
        at = self.core.later.reset_of(agents[0]) if at_reset else 0.0
        title = f"Type to {spelled([one.name for one in agents])}"
        if at:
            title += f" at {named(at, now)}" if len(agents) == 1 else " when their limits end"
        form = LaterForm(title, self.app.now, text=GO_ON if at else "", at=at)
        wanted = await self.ask(form)
        if wanted is None:
            return
        group = await self._which(agents, wanted, at_reset=at_reset)
        done, refused = list[str](), list[str]()
        for one in group:
            try:
                when = self.core.later.reset_of(one) if at_reset else wanted.at
                await self.core.later.line(one, wanted.text, when)
                done.append(one.name)
            except OrcError as error:
                refused.append(str(error))
        if refused:
            self.tell(Tally(tuple(done), tuple(refused), "planned").text, severity="error")
        elif done:
            self.tell(f"{spelled(done)}: a line at {named(wanted.at, now)}; L takes it back")

    async def _which(
        self, agents: Sequence[Agent], wanted: Wanted, *, at_reset: bool
    ) -> Sequence[Agent]:
        """Ask once, where a line is for several, or others are under the same limit."""
        group = list(agents)
        if at_reset and len(agents) == 1:
            under = same_limit(agents[0], self.snapshot.agents)
            group += [one for one in under if one.key != agents[0].key and not one.line_at]
        if len(group) == 1:
            return group
        when = "when their limits have ended" if at_reset else named(wanted.at, self.app.now())
        options = [Option("all", f"All {len(group)}")]
        if len(agents) == 1:
            options.append(Option("one", f"{agents[0].name} alone"))
        lines = (spelled([one.name for one in group]), "", f"This is typed {when}:", wanted.text)
        title = "They are under one limit" if len(agents) == 1 else f"A line to {len(group)} agents"
        chosen = await self.ask(Dialog(title, options, lines=lines))
        return group if chosen == "all" else agents if chosen == "one" else ()


def _tells_reset(agent: Agent) -> bool:
    return agent.state is State.LIMITED and bool(agent.resets_at)


def _is_of(one: Later, agent: Agent) -> bool:
    return one.phase is Phase.WAITING and one.agent.casefold() == agent.name.casefold()
