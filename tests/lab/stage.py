"""The stage of one scenario: a private tmux server, a fresh home, the agent, and orc watching.

Invariant: nothing of the user's is reachable: HOME, XDG folders and TMPDIR lie in the stage's
folder, no credential and no proxy is passed on, the tmux server has a socket of its own. What
was started is ended by its pid, known by a mark in its environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.lab.cleanup import MARK, end_marked
from tests.lab.hooking import Hooks
from tests.lab.lookout import Lookout
from tests.lab.roster import LabAgent, Place
from tests.lab.script import (
    Act,
    Answer,
    Forget,
    Heard,
    Interrupt,
    Keys,
    Measured,
    Model,
    Pause,
    Release,
    Resize,
    Say,
    Scenario,
    Send,
    ServerDown,
    ServerUp,
    Shell,
    Shot,
    Signal,
    Type,
    Until,
    Write,
)
from tests.lab.server import ModelServer
from tests.lab.story import Story, Taken, Verdict

from orc_core.agents.rules import RuleSet
from orc_core.agents.typing import Typist
from orc_core.clock import SystemClock
from orc_core.errors import TmuxError
from orc_core.model.agent import Choice, Delivery, Outcome, State
from orc_core.tmux.keys import send_keys, send_text
from orc_core.tmux.screen import clean_lines
from orc_core.tmux.server import Address, run

RC: Final = "export TERM=tmux-256color COLORTERM=truecolor\nPS1='lab$ '\nHISTFILE=\n"
"""What the shell of the pane is told."""
LOOK_EVERY_S: Final = 0.1
READS_S: Final = 1.0
"""How long a person reads a prompt: Claude Code 2.1.329 does not hear keys in its first moment."""
READ_WITHIN_S: Final = 6.0
SHELLS: Final = ("bash", "sh")
QUIET: Final = (State.IDLE, State.DONE)
BASE: Final = Path(tempfile.gettempdir())


class Stuck(Exception):
    """The agent did not do what the scenario waits for; the text says what, and the screen."""


class Stage:
    """One scenario on its stage; use `play`."""

    def __init__(
        self, agent: LabAgent, version: str, binary: Path, scenario: Scenario, rules: RuleSet
    ) -> None:
        self.agent = agent
        self.version = version
        self.scenario = scenario
        asks = any(isinstance(act, Answer) or _waits(act) for act in scenario.acts)
        meant = frozenset({State.WAITING} if asks else ())
        self.story = Story(agent.id, version, scenario.name, meant=meant)
        self.folder = Path(tempfile.mkdtemp(prefix="lab-", dir=BASE))
        self.server = ModelServer()
        self._binary = binary
        self._rules = rules
        self._clock = SystemClock()
        self._address = Address(str(self.folder / "s"))
        self._place = Place(self.folder, self.folder, 0, version)
        self._lookout: Lookout | None = None
        self._hooks: Hooks | None = None
        self._pane = "%0"
        self._began = time.monotonic()

    @property
    def _orc(self) -> Lookout:
        assert self._lookout is not None
        return self._lookout

    async def play(self) -> Story:
        """Do all acts in turn. A scenario that gets stuck says so in its story."""
        try:
            async with self.server.running():
                self._place = self._furnish()
                await self._open()
                self._lookout = Lookout(
                    self._address, self._rules, self._place.home, self._pane, self._hooks
                )
                async with self._lookout.watching(self.story.timeline, self._began):
                    for act in self.scenario.acts:
                        await self._do(act)
        except (Stuck, TmuxError, OSError) as error:
            self.story.trouble = f"{type(error).__name__}: {error}"
        finally:
            await self._close()
        self.story.took_s = time.monotonic() - self._began
        self.story.unscripted = sum(not one.scripted for one in self.server.seen)
        return self.story

    def _furnish(self) -> Place:
        """The folders: a home, and a repository in it to work in."""
        home = self.folder / "home"
        work = home / "shop"
        for path in (work, self.folder / "tmp", self.folder / "bin"):
            path.mkdir(parents=True)
        (self.folder / "bin" / self.agent.command).symlink_to(self._binary)
        (work / "README.md").write_text("# Shop\n\nA small shop.\n", encoding="utf-8")
        (work / "price.py").write_text("def price(net):\n    return net * 1.19\n", encoding="utf-8")
        subprocess.run(
            ["git", "init", "--quiet", "--initial-branch=main", str(work)],
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
            timeout=20.0,
            check=True,
        )
        return Place(home, work, self.server.port, self.version, self.scenario.setup)

    async def _open(self) -> None:
        launch = self.agent.prepare(self._place)
        home, path = self._place.home, f"{self.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        environ = {
            "PATH": path,
            "HOME": str(home),
            "USER": "lab",
            "SHELL": "/bin/bash",
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            MARK: str(self.folder),
            **launch.env,
        }
        if "hooks" in self.scenario.setup:
            self._hooks = Hooks(self.agent.id, self.version, environ, self._clock)
        width, height = self.scenario.size
        argv = ["tmux", "-u", "-f", "/dev/null", "-S", self._address.socket_path]
        argv += ["new-session", "-d", "-s", "lab", "-x", str(width), "-y", str(height)]
        (self._place.home / ".bashrc").write_text(RC, encoding="utf-8")
        argv += ["exec bash"]
        subprocess.run(argv, env=environ, cwd=self._place.work, timeout=20.0, check=True)
        await self._until(Until(shows=r"^lab\$"))
        if "no-launch" not in self.scenario.setup:
            words = (self.agent.command, *launch.argv, *self.scenario.argv)
            await self._type_line(shlex.join(words))

    async def _do(self, act: Act) -> None:
        if isinstance(act, (Model, Forget, Release, ServerDown, ServerUp)):
            await self._do_server(act)
        elif isinstance(act, (Answer, Say, Interrupt)):
            await self._do_through_orc(act)
        elif isinstance(act, Until):
            await self._until(act)
        elif isinstance(act, Heard):
            await self._hear(act)
        elif isinstance(act, Measured):
            await self._measure(act)
        elif isinstance(act, Shot):
            await self._shoot(act)
        elif isinstance(act, Pause):
            await asyncio.sleep(act.delay_s)
        elif isinstance(act, Write):
            path = self._place.work / act.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(act.text, encoding="utf-8")
        else:
            await self._do_keyboard(act)

    async def _do_server(self, act: Model | Forget | Release | ServerDown | ServerUp) -> None:
        if isinstance(act, Model):
            self.server.queue(act.turns)
        elif isinstance(act, Forget):
            self.server.forget()
            self.server.release()
        elif isinstance(act, Release):
            self.server.release()
        elif isinstance(act, ServerDown):
            await self.server.down()
        else:
            await self.server.up()

    async def _do_keyboard(self, act: Send | Type | Keys | Resize | Signal | Shell) -> None:
        if isinstance(act, (Send, Shell)):
            await self._type_line(act.text if isinstance(act, Send) else act.command)
        elif isinstance(act, Type):
            await send_text(self._address, self._pane, act.text)
        elif isinstance(act, Keys):
            await send_keys(self._address, self._pane, act.keys)
        elif isinstance(act, Resize):
            size = ("-x", str(act.width), "-y", str(act.height))
            await run(self._address, "resize-window", "-t", self._pane, *size)
        else:
            os.kill(await self._agent_pid(), act.number)

    async def _type_line(self, text: str) -> None:
        """Type a line as a person would: Enter comes when the text is seen."""
        await send_text(self._address, self._pane, text)
        start = re.escape(text.strip()[:12])
        await self._until(Until(shows=start, within_s=10.0))
        await asyncio.sleep(0.15)  # agents take an Enter that follows at once for pasted text
        await send_keys(self._address, self._pane, ("Enter",))

    async def _agent_pid(self) -> int:
        """The first process under the pane's shell."""
        shell = await run(self._address, "display-message", "-p", "-t", self._pane, "#{pane_pid}")
        told = Path(f"/proc/{shell.strip()}/task/{shell.strip()}/children").read_text()
        return int(told.split()[0])

    async def _do_through_orc(self, act: Answer | Say | Interrupt) -> None:
        typist = Typist(self._address, self._rules, self._clock)
        agent = self._orc.agent()
        if agent is None:
            raise Stuck("orc does not see the pane")
        if isinstance(act, Answer):
            delivery = await self._answer(typist, act)
        elif isinstance(act, Say):
            delivery = await typist.say(agent, act.text)
        else:
            delivery = await typist.interrupt(agent)
        if delivery.outcome is not Outcome.WENT_ON:
            raise Stuck(f"{act}: {delivery.outcome}: {delivery.text}\n{await self._screen()}")

    async def _answer(self, typist: Typist, act: Answer) -> Delivery:
        """Answer what stood there for as long as a person takes to read it."""
        deadline = time.monotonic() + READ_WITHIN_S
        read, since = "", time.monotonic()
        while True:
            agent, prompt = self._orc.agent(), self._orc.prompt()
            mark = prompt.fingerprint if prompt is not None else ""
            if mark != read:
                read, since = mark, time.monotonic()
            whole = prompt is not None and (prompt.whole or act.meaning != "yes")
            if whole and time.monotonic() - since >= READS_S:
                break
            if time.monotonic() > deadline:
                raise Stuck(f"{act}: orc reads no whole prompt\n{await self._screen()}")
            await asyncio.sleep(LOOK_EVERY_S)
        assert agent is not None and prompt is not None
        chosen = [one for one in prompt.choices if _chosen(one, act)]
        if not chosen:
            raise Stuck(f"{act}: no such choice in {prompt.choices}")
        delivery = await typist.answer(agent, prompt, chosen[0])
        if delivery.outcome is Outcome.PROMPT_CHANGED:
            delivery = replace(delivery, text=f"{delivery.text}; it was {prompt.lines}")
        return delivery

    async def _lines(self) -> tuple[str, ...]:
        raw = await run(self._address, "capture-pane", "-p", "-t", self._pane)
        return clean_lines(raw)

    async def _screen(self) -> str:
        try:
            return "\n".join(await self._lines()).rstrip()
        except TmuxError as error:
            return f"({error})"

    async def _title(self) -> tuple[str, str]:
        facts = "#{pane_current_command} #{pane_title}"
        told = await run(self._address, "display-message", "-p", "-t", self._pane, facts)
        command, _, title = told.rstrip("\n").partition(" ")
        return command, title

    async def _until(self, act: Until) -> None:
        deadline = time.monotonic() + act.within_s
        while True:
            text = await self._screen()
            missed = [
                (act.shows and not re.search(act.shows, text, re.MULTILINE), "shows"),
                (act.lacks and re.search(act.lacks, text, re.MULTILINE), "lacks"),
                (act.level and self.agent.level(self._place) != act.level, "level"),
                (act.title and not re.search(act.title, (await self._title())[1]), "title"),
            ]
            wrong = [name for missing, name in missed if missing]
            if not wrong:
                return
            if time.monotonic() > deadline:
                command, title = await self._title()
                level = self.agent.level(self._place)
                raise Stuck(
                    f"{act}: not so within {act.within_s:g} s ({', '.join(wrong)}); level "
                    f"{level!r}, title {title!r}, command {command!r}\n{text}"
                )
            await asyncio.sleep(LOOK_EVERY_S)

    async def _hear(self, act: Heard) -> None:
        """Wait for an event of a hook; what came instead is told."""
        if self._hooks is None:
            raise Stuck(f"{act}: no hooks on this stage")
        deadline = time.monotonic() + act.within_s
        while not self._hooks.heard(act, self._pane, self._address.socket_path):
            if time.monotonic() > deadline:
                came = [(one.what.value, one.name, one.does, one.prompt, one.said, one.pane)
                        for one in self._hooks.events]  # fmt: skip
                raise Stuck(f"{act}: not heard; unclaimed {came}\n{await self._screen()}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _measure(self, act: Measured) -> None:
        deadline = time.monotonic() + act.within_s
        while (agent := self._orc.agent()) is None or agent.usage.context is None:
            if time.monotonic() > deadline:
                raise Stuck(
                    f"{act}: nothing told within {act.within_s:g} s\n{await self._screen()}"
                )
            await asyncio.sleep(LOOK_EVERY_S)

    async def _shoot(self, shot: Shot) -> None:
        """Give orc its time to see it right, then keep the screen and what orc says."""
        began = time.monotonic()
        while True:
            verdict = self._orc.verdict()
            took_s = time.monotonic() - began
            if is_right(shot, verdict) or took_s > shot.within_s:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        command, title = await self._title()
        if (command in SHELLS) is not shot.shell:
            raise Stuck(f"{shot.name}: {command} has the terminal\n{await self._screen()}")
        self.story.shots.append(
            Taken(
                agent=self.agent.id,
                version=self.version,
                scenario=self.scenario.name,
                shot=shot,
                lines=await self._lines(),
                title=title,
                command=command,
                level=self.agent.level(self._place),
                live=self._orc.verdict(),
                took_s=took_s,
            )
        )

    async def _close(self) -> None:
        with contextlib.suppress(TmuxError):
            await run(self._address, "kill-server")
        await asyncio.to_thread(end_marked, str(self.folder))
        await asyncio.to_thread(shutil.rmtree, self.folder, True)


def is_right(shot: Shot, verdict: Verdict) -> bool:
    """Whether orc, watching, says what the shot's label says."""
    right = shot.live or (QUIET if shot.state in QUIET else (shot.state,))
    return (
        verdict.state in right
        and verdict.waiting is shot.waiting
        and shot.substate in (None, verdict.substate)
    )


def _waits(act: Act) -> bool:
    return isinstance(act, Until) and act.level == "waiting"


def _chosen(choice: Choice, act: Answer) -> bool:
    return choice.number == act.number if act.number else choice.meaning == act.meaning
