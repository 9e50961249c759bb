"""Starting, ending, restarting and adopting agents.

Invariant: nothing ends and nothing is started before a dialog that names it was answered.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Final

from orc_core.lifecycle.wing import Wishes
from orc_core.model.agent import Agent
from orc_core.model.health import LinkState
from orc_core.model.life import Done, Known, Restart
from orc_core.text import clean
from orc_tui.messages import Act
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.menu import Menu
from orc_tui.screens.newagent import NewAgent
from orc_tui.verbs.verb import Verb

ARGV_SHOWN_MAX: Final = 200
ENDS: Final = (
    Option("interrupt", "interrupt", "i"),
    Option("stop", "stop", "s"),
    Option("forget", "forget", "f"),
)
END_NOTES: Final = (
    "it leaves what it does and stays at its prompt",
    "asked to end, by force after 5 s; its pane stays",
    "it is known no more; nothing ends",
)
POLICIES: Final = (
    Option(Restart.NEVER.value, "never", "n"),
    Option(Restart.ON_FAILURE.value, "on-failure", "f"),
    Option(Restart.ALWAYS.value, "always", "a"),
)
POLICY_NOTES: Final = (
    "it stays ended",
    "started again when it crashed",
    "started again whenever it ended and nobody stopped it",
)


def command_of(argv: tuple[str, ...]) -> str:
    """A command line as a person would type it, cut to what a dialog can hold."""
    return clean(shlex.join(argv), limit=ARGV_SHOWN_MAX)


GUESSED: Final = (
    "Which conversation was its own is not known:",
    "this continues the newest one of that folder.",
)


class Living(Verb):
    """The verbs of an agent's life."""

    async def spawn(self, act: Act) -> None:
        """Ask for a command, and start it in a window of its own."""
        at = next((one for one in self.snapshot.agents if one.key == act.row_key), None)
        folder = at.cwd if at is not None and at.cwd else str(self.core.options.cwd)
        wanted = await self.ask(NewAgent(folder, str(self.core.options.home)))
        if wanted is None:
            return
        done = await self.core.lifecycle.spawn(
            wanted.argv, wishes=Wishes(name=wanted.name), cwd=wanted.folder, taken=self._names()
        )
        self._told(done)

    async def restart(self, act: Act) -> None:
        """Ask, then start the agent again with what it was started with."""
        agent = self.agent(act)
        known = await self.known(agent)
        if known is None or not known.argv:
            self.tell(
                f"{agent.name} was not started from here, so it cannot be started again: "
                "adopt it by `:` first",
                severity="error",
            )
            return
        life = self.core.lifecycle
        lost = next(iter(await life.lost(known.name)), None)
        word = "Restart" if lost is None else "Resume"
        argv = known.argv if lost is None else lost.argv
        lines = [f"runs    {command_of(argv)}", f"in      {clean(known.cwd, limit=200)}"]
        if lost is None and not agent.has_ended:
            lines += ["", "It is ended first; what it was doing is lost."]
        if lost is not None and lost.is_guess:
            lines += ["", *GUESSED]
        dialog = Dialog(f"{word} {agent.name}", [Option("go", word)], lines=lines)
        if await self.ask(dialog) != "go":
            return
        self._told(await (life.restart if lost is None else life.resume)(known.name))

    async def end(self, act: Act) -> None:
        """Choose between interrupting, stopping and forgetting; the last two ask again."""
        agent = self.agent(act)
        if agent.is_lost:
            await self._forget(agent)
            return
        if agent.is_other and await self.known(agent) is None:
            self.tell(f"{agent.name} runs no agent that is known: adopt it by `:` first")
            return
        how = await self.ask(Menu(f"End {agent.name}", ENDS, END_NOTES))
        if how == "interrupt":
            delivery = await self.core.agents.interrupt(agent.key)
            text = f"{agent.name}: {delivery.text}"
            self.tell(text, severity="" if delivery.sent else "error")
        elif how == "stop":
            await self._stop(agent)
        elif how == "forget":
            await self._forget(agent)

    async def _stop(self, agent: Agent) -> None:
        known = await self.known(agent)
        task = f"It works on {agent.task}." if agent.task else ""
        back = "`r` starts it again." if known is not None and known.argv else "z does not undo it."
        lines = tuple(line for line in (f"1 agent, now {agent.state.value}.", task, back) if line)
        dialog = Dialog(f"Stop {agent.name}", [Option("go", "Stop it")], lines=lines)
        if await self.ask(dialog) == "go":
            self.tell(f"{agent.name}: stopping…")
            self._told(await self.core.lifecycle.stop(known or agent))

    async def _forget(self, agent: Agent) -> None:
        known = await self.known(agent)
        if known is None:
            self.tell(
                f"{agent.name} was never started or adopted from here: there is nothing to forget"
            )
            return
        lives = not agent.has_ended
        lines = ("It runs on, and is seen as before.",) if lives else ("1 agent that has ended.",)
        dialog = Dialog(f"Forget {agent.name}", [Option("go", "Forget it")], lines=lines)
        if await self.ask(dialog) == "go":
            self._told(await self.core.lifecycle.forget(known.name, living=lives))

    async def adopt(self, act: Act) -> None:
        """Put an agent that somebody else started among the crew."""
        agent = self.agent(act)
        self._told(await self.core.lifecycle.adopt(agent, Wishes(), taken=self._names()))

    async def supervise(self, act: Act) -> None:
        """Choose when the agent is started again."""
        agent = self.agent(act)
        known = await self.known(agent)
        if known is None:
            self.tell(f"{agent.name} was never started or adopted from here: adopt it by `:` first")
            return
        title = f"Supervise {agent.name} · now: {known.policy.restart.value}"
        chosen = await self.ask(Menu(title, POLICIES, POLICY_NOTES))
        if chosen is not None:
            policy = replace(known.policy, restart=Restart(chosen))
            self._told(await self.core.lifecycle.supervise(known.name, policy))

    async def listen(self, act: Act) -> None:
        """Hear the escape sequences of the agent, or stop hearing them."""
        agent = self.agent(act)
        if await self.core.agents.unlisten(agent.key):
            self.tell(f"{agent.name} is listened to no more")
        else:
            await self.core.agents.listen(agent.key)
            self.tell(f"{agent.name} is listened to, until its pane ends; again ends it")

    async def strategy(self, act: Act) -> None:
        """Watch by plain processes instead of a connection, or the other way round."""
        sync = self.snapshot.link.state is LinkState.SYNC
        self.core.agents.use_strategy("async" if sync else "sync")
        self.tell(f"watching by {'a connection' if sync else 'plain processes'} from now on")

    async def known(self, agent: Agent) -> Known | None:
        """The agent of the crew: by its pane, else by its name."""
        for known in await self.core.lifecycle.crew.listing():
            if known.pane == agent.pane:
                return known
        return await self.core.lifecycle.crew.find(agent.name) if not agent.is_other else None

    def _names(self) -> set[str]:
        return {agent.name for agent in self.snapshot.agents}

    def _told(self, done: Done) -> None:
        """Say what was done, and what takes it back."""
        text = done.text
        if not done.ok and done.steps:
            text = f"{text}: {done.steps[-1]}"
        self.tell(text, undoable=done.undoable, severity="" if done.ok else "error")
