"""Both strategies watch one fleet through a life that chance wrote, and see the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from clocks import TurnedClock, wait_for
from corpus_screens import read_screen
from orc_core.agents.observer import Observer
from orc_core.agents.rules import load
from orc_core.model.agent import OTHER
from orc_core.model.snapshot import Screen
from orc_core.tmux.screen import clean_lines
from orc_core.tmux.watcher import PaneInfo, Strategy, Tick, Watcher
from private_tmux import PrivateTmux

STEPS = 28
PANES_MAX = 14
PROGRAMS = ("claude", "codex", "gemini", "other")
CORPUS = Path(__file__).parents[1] / "corpus"
TITLES = ("✳ Ready", "⠐ Fix the build", "✋ Action required", "plain", "a | b: c.d #{pid}")


class Side:
    """One strategy: its watcher, what it saw, and the agents made of that."""

    def __init__(self, tmux: PrivateTmux, clock: TurnedClock, strategy: Strategy) -> None:
        self.strategy = strategy
        self.watcher = Watcher(tmux.address, clock, strategy=strategy)
        self.observer = Observer(load(), clock, tmux.folder)
        self.ticks: list[Tick] = []
        self.infos: dict[str, PaneInfo] = {}
        self.lines: dict[str, tuple[str, ...]] = {}
        self.screen: Screen | None = None

    async def gather(self) -> None:
        async with aclosing(self.watcher.ticks()) as ticks:
            async for tick in ticks:
                self.ticks.append(tick)
                self.observer.apply(tick)
                self.infos = {one.info.pane.pane_id: one.info for one in tick.sightings}
                for sighting in tick.sightings:
                    pane_id = sighting.info.pane.pane_id
                    if sighting.lines is not None:
                        self.lines[pane_id] = sighting.lines
                    self.screen = sighting.screen or self.screen
                self.lines = {one: self.lines.get(one, ()) for one in self.infos}

    def picture(self) -> dict[str, object]:
        """All that is known of each pane, but for when it came to be known."""
        agents = {one.pane.pane_id: one for one in self.observer.agents()}
        shown: dict[str, object] = {}
        for pane_id, info in self.infos.items():
            agent = agents[pane_id]
            evidence = (agent.evidence.source, agent.evidence.rule)
            state = (agent.name, agent.kind, agent.state, agent.waiting, evidence)
            shown[pane_id] = (info, self.lines[pane_id], state)
        if self.screen is not None:
            shown["selected"] = replace(self.screen, taken_at=0.0)
        return shown


class Life:
    """A fleet to which things happen; every step is drawn from one seed."""

    def __init__(self, tmux: PrivateTmux, seed: int) -> None:
        self.tmux = tmux
        self.chance = random.Random(seed)
        self.count = 0
        for name in PROGRAMS:
            (tmux.folder / name).symlink_to("/bin/cat")
        tmux.start(f"exec {tmux.folder / 'claude'}", size="90x26")
        tmux.run("set-option", "-g", "remain-on-exit", "on")
        tmux.run("set-option", "-g", "renumber-windows", "on")
        self.acts: list[tuple[int, Callable[[], None]]] = [
            (4, self.create),
            (6, self.paint),
            (3, self.write),
            (2, self.title),
            (2, self.split),
            (2, self.die),
            (2, self.respawn),
            (1, self.kill),
            (2, self.rename),
            (1, self.rename_session),
            (2, self.alternate),
            (1, self.resize),
            (1, self.focus),
            (1, self.mode),
            (1, self.session),
        ]

    def step(self) -> str:
        """Let one thing happen and say which."""
        weights = [weight for weight, _ in self.acts]
        ((_, act),) = self.chance.choices(self.acts, weights)
        self.count += 1
        act()
        return act.__name__

    def panes(self, *, dead: bool = False) -> list[str]:
        told = self.tmux.run("list-panes", "-a", "-F", "#{pane_id} #{pane_dead} #{session_name}")
        rows = [line.split(" ", 2) for line in told.splitlines()]
        return [one for one, ended, name in rows if (ended == "1") is dead and name[0] != "_"]

    def some(self, *, dead: bool = False) -> str | None:
        panes = self.panes(dead=dead)
        return self.chance.choice(panes) if panes else None

    def program(self) -> str:
        return f"exec {self.tmux.folder / self.chance.choice(PROGRAMS)}"

    def create(self) -> None:
        if len(self.panes()) < PANES_MAX:
            self.tmux.run("new-window", "-d", "-n", f"w{self.count}", self.program())

    def session(self) -> None:
        if len(self.panes()) < PANES_MAX:
            self.tmux.run("new-session", "-d", "-s", f"s{self.count}", self.program())

    def split(self) -> None:
        pane = self.some()
        if pane and len(self.panes()) < PANES_MAX:
            self.tmux.run("split-window", "-d", "-t", pane, self.program(), check=False)

    def paint(self) -> None:
        pane = self.some()
        agent = self.chance.choice(("claude", "codex", "gemini"))
        names = sorted(path.stem for path in (CORPUS / agent).glob("*.txt"))
        if pane and names:
            lines = read_screen(f"{agent}/{self.chance.choice(names)}")
            self.tmux.write(pane, "\x1b[2J\x1b[H" + "\r\n".join(lines[-24:]))

    def write(self) -> None:
        if pane := self.some():
            self.tmux.write(pane, f"\r\n\x1b[3{self.count % 8}mline {self.count} é 🎉\x1b[0m")

    def title(self) -> None:
        if pane := self.some():
            self.tmux.write(pane, f"\x1b]2;{self.chance.choice(TITLES)}\x07")

    def alternate(self) -> None:
        if pane := self.some():
            self.tmux.write(pane, self.chance.choice(("\x1b[?1049hinside", "\x1b[?1049l")))

    def die(self) -> None:
        if pane := self.some():
            pid = self.tmux.run("display-message", "-p", "-t", pane, "#{pane_pid}")
            number = self.chance.choice((signal.SIGTERM, signal.SIGKILL, signal.SIGINT))
            os.kill(int(pid), number)

    def respawn(self) -> None:
        if pane := self.some(dead=True):
            self.tmux.run("respawn-pane", "-t", pane, self.program())

    def kill(self) -> None:
        if len(panes := self.panes()) > 2:
            self.tmux.run("kill-window", "-t", self.chance.choice(panes))

    def rename(self) -> None:
        if pane := self.some():
            self.tmux.run("rename-window", "-t", pane, f"n {self.count}: #x.y;")

    def rename_session(self) -> None:
        if pane := self.some():
            self.tmux.run("rename-session", "-t", pane, f"name {self.count}")

    def resize(self) -> None:
        if pane := self.some():
            width = str(self.chance.randint(60, 110))
            self.tmux.run("resize-window", "-t", pane, "-x", width, "-y", "30")

    def focus(self) -> None:
        if pane := self.some():
            self.tmux.run("select-window", "-t", pane)
            self.tmux.run("select-pane", "-t", pane)

    def mode(self) -> None:
        if pane := self.some():
            self.tmux.run("copy-mode", "-t", pane)


class Pair:
    """Both sides on one clock, turned in step."""

    def __init__(self, tmux: PrivateTmux, clock: TurnedClock, sides: tuple[Side, Side]) -> None:
        self.tmux = tmux
        self.clock = clock
        self.sides = sides

    async def turn(self) -> None:
        await wait_for(lambda: self.clock.sleepers == 2, 8.0)
        seen = [len(side.ticks) for side in self.sides]
        self.clock.turn(1.0)
        await wait_for(
            lambda: all(len(s.ticks) > n for s, n in zip(self.sides, seen, strict=True)), 8.0
        )

    async def agree(self, after: str) -> None:
        """Turn the clock until both see the same and it is what is there."""
        await self.turn()
        for _ in range(12):
            await self.turn()
            one, two = (side.picture() for side in self.sides)
            if one == two and not self.untrue():
                return
        one, two = (side.picture() for side in self.sides)
        differ = [(key, one.get(key), two.get(key)) for key in {**one, **two}]
        told = "\n".join(f"{key}\n  {a}\n  {b}" for key, a, b in differ if a != b)
        told += "".join(f"\nuntrue: {one}" for one in self.untrue())
        pytest.fail(f"after {after} they differ from each other, or from tmux:\n{told}")

    def untrue(self) -> list[object]:
        """Where what they agree on is not what tmux shows: the pane, seen, shown."""
        fields = "#{pane_id}\x1f#{pane_dead}\x1f#{window_name}\x1f#{pane_width}\x1f#{session_name}"
        told = self.tmux.run("list-panes", "-a", "-F", fields)
        rows = [line.split("\x1f") for line in told.splitlines()]
        there = {row[0]: row[1:4] for row in rows if not row[4].startswith("_orc-")}
        infos, lines = self.sides[0].infos, self.sides[0].lines
        seen = {
            key: [str(int(info.dead)), info.window, str(info.width)] for key, info in infos.items()
        }
        wrong: list[object] = [
            (key, seen.get(key), there.get(key))
            for key in {*seen, *there}
            if seen.get(key) != there.get(key)
        ]
        for pane in lines:
            shown = clean_lines(self.tmux.run("capture-pane", "-p", "-t", pane, check=False))
            if shown != lines[pane] and not infos[pane].in_mode:
                wrong.append((pane, lines[pane], shown))
        return wrong


@asynccontextmanager
async def pair(tmux: PrivateTmux, clock: TurnedClock) -> AsyncIterator[Pair]:
    sides = Side(tmux, clock, "async"), Side(tmux, clock, "sync")
    tasks = [asyncio.ensure_future(side.gather()) for side in sides]
    try:
        await wait_for(lambda: all(side.ticks for side in sides), 8.0)
        yield Pair(tmux, clock, sides)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_both_strategies_see_the_same_life(
    tmux: PrivateTmux, clock: TurnedClock, seed: int
) -> None:
    life = Life(tmux, seed)
    async with pair(tmux, clock) as both:
        await both.agree("the start")
        happened = set()
        for number in range(STEPS):
            act = life.step()
            happened.add(act)
            if number % 7 == 3:
                chosen = f"{tmux.socket_path}:{life.some()}"
                for side in both.sides:
                    side.watcher.select(chosen)
            await both.agree(f"step {number} of seed {seed}: {act}")
        first, second = both.sides
        assert len(happened) >= 8
        assert any(agent.kind != OTHER for agent in first.observer.agents())
        assert {tick.state for tick in first.ticks} != {tick.state for tick in second.ticks}
