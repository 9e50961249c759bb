"""Typing into real panes: what is sent, what is refused, and what is reported afterwards."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest

from clocks import wait_for
from desk import PROGRAMS, Desk
from orc_core.agents.typing import NO_CHANGE, STOPPED, WENT_ON
from orc_core.model.agent import Choice, Outcome, Prompt, State
from private_tmux import PrivateTmux


@pytest.fixture
def desk(tmux: PrivateTmux) -> Desk:
    return Desk(tmux)


def choose(prompt: Prompt, meaning: str) -> Choice:
    return next(choice for choice in prompt.choices if choice.meaning == meaning)


async def test_an_answer_is_typed_and_seen_to_work(desk: Desk) -> None:
    agent = await desk.start("ask", "Esc to cancel")
    assert (agent.name, agent.state) == ("claude-1", State.WAITING)
    assert agent.does == "Bash  npm run migrate"
    prompt = desk.prompt(agent)
    report = await desk.typist.answer(agent, prompt, choose(prompt, "yes"))
    assert (report.outcome, report.text) == (Outcome.WENT_ON, WENT_ON)
    assert desk.keys() == ["'1'"]
    again = await desk.typist.answer(agent, prompt, choose(prompt, "yes"))
    assert (again.outcome, again.sent) == (Outcome.PROMPT_GONE, False)
    assert desk.keys() == ["'1'"]


async def test_two_answers_at_once_are_one(desk: Desk) -> None:
    agent = await desk.start("ask", "Esc to cancel")
    prompt = desk.prompt(agent)
    reports = await asyncio.gather(
        *(desk.typist.answer(agent, prompt, choose(prompt, "yes")) for _ in range(3))
    )
    assert sorted(report.sent for report in reports) == [False, False, True]
    assert desk.keys() == ["'1'"]


async def test_nothing_is_sent_at_another_prompt(desk: Desk) -> None:
    agent = await desk.start("ask", "Esc to cancel")
    prompt = desk.prompt(agent)
    desk.tmux.run("send-keys", "-t", desk.pane, "c")
    await wait_for(lambda: "something-else" in desk.tmux.run("capture-pane", "-p"))
    report = await desk.typist.answer(agent, prompt, choose(prompt, "yes"))
    assert (report.outcome, report.sent) == (Outcome.PROMPT_CHANGED, False)
    assert desk.keys() == ["'c'"]


async def test_an_answer_that_moves_nothing_is_reported_so(desk: Desk) -> None:
    agent = await desk.start("deaf", "Esc to cancel")
    prompt = desk.prompt(agent)
    report = await desk.typist.answer(agent, prompt, choose(prompt, "no"))
    assert (report.outcome, report.text) == (Outcome.NO_CHANGE, NO_CHANGE)
    assert report.sent
    assert desk.keys() == ["'2'"]


async def test_a_line_arrives_whole_as_one_paste_and_then_enter(desk: Desk) -> None:
    agent = await desk.start("idle", "for shortcuts")
    text = "run `make test`; then #{pane_id} $(echo no) “quoted”"
    report = await desk.typist.say(agent, text)
    assert (report.outcome, report.text) == (Outcome.WENT_ON, WENT_ON)
    assert desk.keys() == [repr(f"\x1b[200~{text}\x1b[201~"), repr("\r")]
    agent = await desk.look()
    assert (agent.state, agent.last_prompt) == (State.WORKING, text)


async def test_a_command_is_entered_when_the_list_below_it_has_caught_up(desk: Desk) -> None:
    agent = await desk.start("menu", "for shortcuts")
    report = await desk.typist.say(agent, "/compress")
    assert (report.outcome, report.text) == (Outcome.WENT_ON, WENT_ON)
    assert (await desk.look()).last_prompt == "/compress"


async def test_an_enter_that_is_lost_is_reported(desk: Desk) -> None:
    agent = await desk.start("ignore", "for shortcuts")
    report = await desk.typist.say(agent, "hello")
    assert (report.outcome, report.text) == (Outcome.NO_CHANGE, NO_CHANGE)


async def test_text_never_answers_a_prompt(desk: Desk) -> None:
    agent = await desk.start("ask", "Esc to cancel")
    report = await desk.typist.say(agent, "1")
    assert (report.outcome, report.sent) == (Outcome.REFUSED, False)
    assert "claude-1 shows a prompt (Bash command)" in report.text
    assert desk.keys() == []


async def test_text_is_not_put_behind_a_draft(desk: Desk) -> None:
    agent = await desk.start("idle", "for shortcuts")
    desk.tmux.run("send-keys", "-t", desk.pane, "-l", "half")
    await wait_for(lambda: "❯ half" in desk.tmux.run("capture-pane", "-p"))
    report = await desk.typist.say(agent, "hello")
    assert (report.outcome, report.sent) == (Outcome.REFUSED, False)
    assert "“half” stands in its input line" in report.text


async def test_an_interruption_is_escape_for_claude(desk: Desk) -> None:
    agent = await desk.start("busy", "Percolating")
    assert agent.state is State.WORKING
    report = await desk.typist.interrupt(agent)
    assert (report.outcome, report.text) == (Outcome.WENT_ON, STOPPED)
    assert desk.keys() == [repr("\x1b")]


Meddle = Callable[[Desk], None]


def copy_mode(desk: Desk) -> None:
    desk.tmux.run("copy-mode", "-t", desk.pane)


def input_off(desk: Desk) -> None:
    desk.tmux.run("select-pane", "-d", "-t", desk.pane)


def synchronized(desk: Desk) -> None:
    desk.tmux.run("split-window", "-t", desk.pane, "exec cat")
    desk.tmux.run("set-option", "-w", "-t", desk.pane, "synchronize-panes", "on")


def another_program(desk: Desk) -> None:
    desk.tmux.run("respawn-pane", "-k", "-t", desk.pane, "exec cat")


@pytest.mark.parametrize(
    ("meddle", "outcome", "word"),
    [
        (copy_mode, Outcome.REFUSED, "copy mode"),
        (input_off, Outcome.REFUSED, "takes no input"),
        (synchronized, Outcome.REFUSED, "synchronize-panes"),
        (another_program, Outcome.GONE, "gone from that pane"),
    ],
)
async def test_nothing_is_sent_where_keys_would_go_astray(
    desk: Desk, meddle: Meddle, outcome: Outcome, word: str
) -> None:
    agent = await desk.start("ask", "Esc to cancel")
    prompt = desk.prompt(agent)
    meddle(desk)
    for report in (
        await desk.typist.answer(agent, prompt, choose(prompt, "yes")),
        await desk.typist.say(agent, "hello"),
        await desk.typist.interrupt(agent),
    ):
        assert (report.outcome, report.sent) == (outcome, False)
        assert word in report.text
    assert desk.keys() == []


async def test_an_agent_that_ended_is_not_typed_at(desk: Desk) -> None:
    pane = desk.tmux.start("exec sh")
    desk.tmux.run("send-keys", "-t", pane, f"{sys.executable} {PROGRAMS / 'claude'} idle", "Enter")
    await wait_for(lambda: "for shortcuts" in desk.tmux.run("capture-pane", "-p"))
    agent = await desk.look()
    assert (agent.kind, agent.state) == ("claude", State.IDLE)
    desk.tmux.run("send-keys", "-t", pane, "C-c")
    shell = "#{pane_current_command}"
    await wait_for(lambda: desk.tmux.run("display-message", "-p", "-t", pane, shell) == "sh")
    report = await desk.typist.say(agent, "touch oops")
    assert (report.outcome, report.sent) == (Outcome.GONE, False)
    assert "sh is there now" in report.text


async def test_a_server_that_is_gone_is_a_report(desk: Desk) -> None:
    agent = await desk.start("idle", "for shortcuts")
    desk.tmux.run("kill-server")
    report = await desk.typist.say(agent, "hello")
    assert (report.outcome, report.sent) == (Outcome.GONE, False)
