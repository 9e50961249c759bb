"""Answers by a letter, by a row of buttons and by a list, typed into real panes."""

from __future__ import annotations

import pytest

from clocks import wait_for
from desk import Desk
from orc_core.agents.typing import WENT_ON
from orc_core.model.agent import Agent, Outcome, State, Waiting
from private_tmux import PrivateTmux


@pytest.fixture
def desk(tmux: PrivateTmux) -> Desk:
    return Desk(tmux)


def shown(desk: Desk) -> str:
    return str(desk.tmux.run("capture-pane", "-p", "-t", desk.pane))


async def start_opencode(desk: Desk, mode: str) -> Agent:
    return await desk.start(mode, "enter confirm", "opencode")


@pytest.mark.parametrize(
    ("number", "label"), [(1, "Allow once"), (2, "Allow always"), (3, "Reject")]
)
@pytest.mark.parametrize("moved", [0, 1, 2])
async def test_a_button_is_pressed_wherever_the_choice_stood(
    desk: Desk, number: int, label: str, moved: int
) -> None:
    agent = await start_opencode(desk, "ask")
    assert (agent.state, agent.waiting) == (State.WAITING, Waiting.PERMISSION)
    assert agent.does == "Shell  git push --force"
    prompt = desk.prompt(agent)
    for presses in range(1, moved + 1):
        desk.tmux.run("send-keys", "-t", desk.pane, "Right")
        await wait_for(lambda presses=presses: len(desk.keys()) == presses)
    report = await desk.typist.answer(agent, prompt, prompt.choices[number - 1])
    assert (report.outcome, report.text) == (Outcome.WENT_ON, WENT_ON)
    assert f"took {label}" in shown(desk)


async def test_no_button_is_pressed_where_none_is_seen_to_be_chosen(desk: Desk) -> None:
    agent = await start_opencode(desk, "plain")
    prompt = desk.prompt(agent)
    report = await desk.typist.answer(agent, prompt, prompt.choices[0])
    assert (report.outcome, report.sent) == (Outcome.REFUSED, False)
    assert "cannot be told" in report.text
    assert desk.keys() == []


async def test_enter_is_not_pressed_at_another_button(desk: Desk) -> None:
    agent = await start_opencode(desk, "stuck")
    prompt = desk.prompt(agent)
    report = await desk.typist.answer(agent, prompt, prompt.choices[2])
    assert report.outcome is Outcome.NO_CHANGE
    assert "Enter was not pressed" in report.text
    assert "took" not in shown(desk)


@pytest.mark.parametrize(("number", "letter"), [(1, "y"), (2, "n"), (3, "d")])
async def test_a_letter_is_typed_and_entered(desk: Desk, number: int, letter: str) -> None:
    agent = await desk.start("'Run shell command?'", "[Yes]:", "aider")
    assert (agent.state, agent.waiting) == (State.WAITING, Waiting.PERMISSION)
    assert agent.does == "Shell command  make test"
    prompt = desk.prompt(agent)
    report = await desk.typist.answer(agent, prompt, prompt.choices[number - 1])
    assert (report.outcome, report.text) == (Outcome.WENT_ON, WENT_ON)
    await wait_for(lambda: desk.keys() == [repr(letter)])
    await desk.look()
    assert desk.observer.prompt(agent.key) is None


async def test_a_letter_is_not_put_behind_a_draft(desk: Desk) -> None:
    agent = await desk.start("'Run shell command?'", "[Yes]:", "aider")
    prompt = desk.prompt(agent)
    desk.tmux.run("send-keys", "-t", desk.pane, "-l", "no, bec")
    await wait_for(lambda: "no, bec" in shown(desk))
    report = await desk.typist.answer(agent, prompt, prompt.choices[0])
    assert (report.outcome, report.sent) == (Outcome.REFUSED, False)
    assert "“no, bec” stands there as an answer already" in report.text
    assert (await desk.look()).state is State.WAITING


@pytest.mark.parametrize(
    ("meaning", "taken"), [("yes", "Yes, I trust this folder"), ("no", "No, e")]
)
@pytest.mark.parametrize("moved", [False, True])
async def test_an_entry_is_taken_wherever_the_cursor_stood(
    desk: Desk, meaning: str, taken: str, moved: bool
) -> None:
    agent = await desk.start("trust", "Enter to confirm")
    assert (agent.state, agent.waiting) == (State.WAITING, Waiting.TRUST)
    prompt = desk.prompt(agent)
    assert [choice.meaning for choice in prompt.choices] == ["no", "yes"]
    if moved:
        desk.tmux.run("send-keys", "-t", desk.pane, "Down")
        await wait_for(lambda: "❯ Yes" in shown(desk))
    choice = next(choice for choice in prompt.choices if choice.meaning == meaning)
    report = await desk.typist.answer(agent, prompt, choice)
    assert (report.outcome, report.text) == (Outcome.WENT_ON, WENT_ON)
    assert (await desk.look()).last_prompt.startswith(taken)


async def test_enter_is_not_pressed_at_another_entry(desk: Desk) -> None:
    agent = await desk.start("stuck", "Enter to confirm")
    prompt = desk.prompt(agent)
    report = await desk.typist.answer(agent, prompt, prompt.choices[1])
    assert report.outcome is Outcome.NO_CHANGE
    assert "Enter was not pressed" in report.text
    assert desk.keys() == [repr("\x1b[B")]
