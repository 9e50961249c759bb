"""Names that mean something to a shell, a format, a target or a terminal, and are only names."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clocks import TurnedClock, wait_for
from orc_core.hub import Core, CoreOptions, open_core
from orc_core.model.agent import Agent, Outcome, State
from orc_core.model.attach import How
from orc_core.text import clean
from orc_core.tmux.link import Strategy
from orc_core.tmux.server import escape
from private_tmux import PrivateTmux
from users import at_terminal, clients
from watches import watching

PROGRAM = Path(__file__).with_name("programs") / "claude"

NAMES = (
    "two words  and  more",
    "a:b:0.1",
    "v1.2.3",
    "=exact",
    "-t",
    "--help",
    "@1",
    "%1",
    "$0",
    "!",
    "{last}",
    "~",
    "*",
    "#(touch P)",
    "#{pid} #S ##",
    "%H:%M",
    "; kill-server ;",
    "a\\;b;",
    "'one' \"two\" `touch P` $(touch P) $HOME",
    "back\\slash\\",
    "line\nbreak\ttab\rreturn",
    "\x1b[31mred\x1b]0;x\x07",
    "🎉 𓆏 漢字 e\u0301\u0301\u0301\u0301\u0301",
    "\u202eright to left\u2066",
    "x" * 200,
)
LOOP = "trap 'echo stopped' INT; while :; do cat; done"


def literal(name: str) -> str:
    """For commands that expand formats in what they are given, and end at a last `;`."""
    return escape(name.replace("#", "##"))


def build(tmux: PrivateTmux) -> dict[str, str]:
    """A session for each name, whose window and title have it, too; the name of each pane."""
    first = tmux.start(LOOP, size="90x24")
    tmux.run("set-option", "-gw", "automatic-rename", "off")
    panes = {first: NAMES[0]}
    for name in NAMES[1:]:
        argv = ("new-session", "-d", "-x", "90", "-y", "24", "-P", "-F", "#{pane_id}")
        panes[tmux.run(*argv, LOOP)] = name
    for pane, name in panes.items():
        for verb in ("rename-session", "rename-window"):
            # One that tmux itself refuses, or has already, stays as it was.
            tmux.run(verb, "-t", pane, "--", literal(name), check=False)
        tmux.write(pane, f"\x1b]2;{name.translate({7: None, 27: None})}\x07")
        tmux.write(pane, f"\x1b[2J\x1b[H{pane} is here")
    return panes


def told(tmux: PrivateTmux, pane: str, field: str) -> str:
    return tmux.run("display-message", "-p", "-t", pane, f"#{{{field}}}")


def untouched(tmux: PrivateTmux) -> bool:
    return not (tmux.folder / "P").exists() and not Path("P").exists()


@asynccontextmanager
async def core_at(tmux: PrivateTmux) -> AsyncIterator[Core]:
    options = CoreOptions(
        workspace=tmux.folder / "work",
        socket_paths=(tmux.socket_path,),
        home=tmux.folder,
        cwd=tmux.folder,
        environ={"PATH": os.environ["PATH"], "HOME": str(tmux.folder)},
    )
    async with open_core(options) as core:
        yield core


@pytest.mark.parametrize("strategy", ["async", "sync"])
async def test_they_are_shown_cleaned_and_belong_to_their_pane(
    tmux: PrivateTmux, clock: TurnedClock, strategy: Strategy
) -> None:
    panes = build(tmux)
    async with watching(tmux.address, clock, strategy=strategy) as watch:
        await watch.turn_until(lambda: all(watch.lines.get(p) == (f"{p} is here",) for p in panes))
        await watch.turn(2)
        infos = {one.info.pane.pane_id: one.info for one in watch.last.sightings}
        assert set(infos) == set(panes)
        for pane, info in infos.items():
            session, window = told(tmux, pane, "session_name"), told(tmux, pane, "window_name")
            assert info.session == clean(session, limit=400)
            assert info.window == clean(window, limit=400)
            assert info.where == f"{info.session}:0.0"
            for text in (info.session, info.window, info.title):
                assert text == clean(text) and "\n" not in text
        titles = {panes[pane]: info.title for pane, info in infos.items()}
        assert titles["#(touch P)"] == "#(touch P)"
        assert titles["#{pid} #S ##"] == "#{pid} #S ##"
        assert titles["a:b:0.1"] == "a:b:0.1"
        assert titles["; kill-server ;"] == "; kill-server ;"
        assert len(titles["x" * 200]) == 200
    assert untouched(tmux)


async def test_what_is_typed_goes_to_the_pane_that_is_meant(tmux: PrivateTmux) -> None:
    panes = build(tmux)
    async with core_at(tmux) as core:
        await wait_for(lambda: len(core.snapshot.agents) == len(panes), 10.0)
        agents = {one.pane.pane_id: one for one in core.snapshot.agents}
        for number, (pane, name) in enumerate(panes.items()):
            report = await core.agents.send(agents[pane].key, f"word {number};")
            assert report.outcome is Outcome.WENT_ON, (name, report)
        for number, pane in enumerate(panes):
            lines = [line.strip() for line in tmux.screen(pane).splitlines()]
            assert lines.count(f"word {number};") >= 1
            assert sum(line.startswith("word") for line in lines) <= 2  # its own, and its echo
        chosen = list(panes)[::4]
        for pane in chosen:
            await core.agents.interrupt(agents[pane].key)
        for pane in panes:
            assert ("stopped" in tmux.screen(pane)) is (pane in chosen), panes[pane]
        assert all(core.agents.find(f"{tmux.socket_path}:{pane}").pane.pane_id for pane in panes)
        assert {one.name for one in agents.values()} == {clean(a.name) for a in agents.values()}
    assert untouched(tmux)


async def test_attaching_leads_into_the_pane_that_is_meant(tmux: PrivateTmux) -> None:
    panes = build(tmux)
    async with core_at(tmux) as core:
        await wait_for(lambda: len(core.snapshot.agents) == len(panes), 10.0)
        agents = {one.pane.pane_id: one for one in core.snapshot.agents}
        for pane, name in panes.items():
            plan = await core.agents.attach_plan(agents[pane].key)
            assert plan.how is How.NEST
            after_socket = plan.argv[plan.argv.index("-S") + 2 :]
            with at_terminal(tmux, *after_socket):
                session = told(tmux, pane, "session_name")
                await wait_for(lambda: clients(tmux) == [session])  # noqa: B023
                assert told(tmux, pane, "session_attached") == "1", name
            await wait_for(lambda: clients(tmux) == [])
    assert untouched(tmux)


@pytest.mark.parametrize("name", ["#(touch P) ;", "a:b.c", "-t =%0 'q' \"", "🎉 é\\"])
async def test_an_answer_goes_to_the_pane_that_is_meant(tmux: PrivateTmux, name: str) -> None:
    decoy = tmux.start("exec cat", size="90x24")
    folder = tmux.folder / name.replace("/", "")
    folder.mkdir()
    argv = ("new-session", "-d", "-x", "90", "-y", "24", "-P", "-F", "#{pane_id}", "exec cat")
    pane = tmux.run(*argv)
    tmux.run("rename-session", "-t", pane, "--", literal(name))
    tmux.run("rename-window", "-t", pane, "--", literal(name))
    script = tmux.folder / "go"
    argv = (sys.executable, str(PROGRAM), "ask")
    script.write_text(f"import os\nos.chdir({str(folder)!r})\nos.execv({argv[0]!r}, {argv!r})\n")
    tmux.run("respawn-pane", "-k", "-t", pane, f"exec {sys.executable} {script}")

    def found(core: Core) -> Agent | None:
        return next((a for a in core.snapshot.agents if a.pane.pane_id == pane), None)

    async with core_at(tmux) as core:
        await wait_for(lambda: (a := found(core)) and a.state is State.WAITING, 10.0)
        agent = found(core)
        assert agent is not None and agent.kind == "claude"
        assert agent.cwd == str(folder)
        prompt = core.agents.prompt(agent.key)
        assert prompt is not None
        yes = next(choice for choice in prompt.choices if choice.meaning == "yes")
        report = await core.agents.answer(agent.key, prompt, yes)
        assert report.outcome is Outcome.WENT_ON
        assert "All done." in tmux.screen(pane) and tmux.screen(decoy) == ""
    assert untouched(tmux)
