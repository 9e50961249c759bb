"""The answer card: no key answers what nobody could have read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from dialog_scenes import AGENT, NOW, PROMPT, RISKY
from dialog_stage import Stage, Ticks, until
from orc_core.model.agent import Prompt
from orc_tui.screens.answer import (
    GUARD_SLOW_S,
    HELD_S,
    Answer,
    AnswerCard,
    Leave,
    Move,
    Skip,
)


class Table:
    """A card that is open, and the moves it made so far."""

    def __init__(self, card: AnswerCard, stage: Stage, pilot: Pilot[None], ticks: Ticks) -> None:
        self.card, self.stage, self.pilot, self.ticks = card, stage, pilot, ticks
        self.moves: list[Move] = []
        self._listening: asyncio.Task[None] | None = None

    async def deal(self, prompt: Prompt = PROMPT) -> None:
        """Show a prompt and listen, with the guard still up."""
        await self.close()
        self.card.show(prompt, AGENT, position=1, total=2, now=NOW)
        self._listening = asyncio.create_task(self._listen())
        await until(lambda: self.card._seen_at is not None and self.card._wanted is not None)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, as a person does, and let each one count."""
        for key in keys:
            self.ticks.now += HELD_S
            await self.pilot.press(key)
            await until(lambda: self.card._pressed is None)
            await self.pilot.pause()

    async def hold(self, key: str, times: int) -> None:
        """Hold a key down: it comes again and again, each time sooner than a finger could."""
        for _ in range(times):
            self.ticks.now += 0.03
            await self.pilot.press(key)
        await until(lambda: self.card._pressed is None)

    async def ready(self, prompt: Prompt = PROMPT) -> None:
        """Show a prompt for long enough that keys count."""
        await self.deal(prompt)
        self.ticks.now += 0.5

    async def _listen(self) -> None:
        self.moves.append(await self.card.move())

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    ticks = Ticks()
    card = AnswerCard(monotonic=ticks)
    stage = Stage(card)
    async with stage.run_test(size=(80, 24)) as pilot:
        table = Table(card, stage, pilot, ticks)
        yield table
        await table.close()


@pytest.mark.parametrize(("key", "number"), [("y", 1), ("n", 3), ("1", 1), ("2", 2), ("3", 3)])
async def test_one_key_answers(table: Table, key: str, number: int) -> None:
    await table.ready()
    await table.press(key)
    assert table.moves == [Answer(PROMPT.choices[number - 1])]


async def test_keys_of_the_first_300_ms_are_dropped(table: Table) -> None:
    await table.deal()
    await table.press("y")
    table.ticks.now -= 0.01
    await table.press("n")
    assert table.moves == []
    await table.press("1")
    assert table.moves == [Answer(PROMPT.choices[0])]


async def test_a_key_counts_from_when_it_was_pressed_however_long_it_waited(table: Table) -> None:
    await table.deal()
    table.ticks.now += 0.4
    table.stage.turned_late_s = 0.3
    await table.press("y")
    assert table.moves == [], "the prompt was on the screen for 250 ms as it was pressed"
    table.ticks.now += 0.1
    await table.press("1")
    assert table.moves == [Answer(PROMPT.choices[0])]


async def test_every_new_prompt_has_its_own_300_ms(table: Table) -> None:
    await table.ready()
    await table.press("y")
    await table.deal(replace(PROMPT, fingerprint="f9"))
    await table.press("y")
    assert len(table.moves) == 1


async def test_on_a_slow_link_it_is_a_second(table: Table) -> None:
    table.card._guard_s = GUARD_SLOW_S
    await table.deal()
    table.ticks.now += 0.8
    await table.press("y")
    assert table.moves == []
    await table.press("y")
    assert table.moves == [Answer(PROMPT.choices[0])]


async def test_a_key_that_is_held_down_answers_nothing(table: Table) -> None:
    await table.ready()
    await table.hold("y", 40)
    assert table.moves == []
    assert "held answers nothing" in table.stage.text
    await table.deal(replace(PROMPT, fingerprint="f9"))
    await table.hold("y", 40)
    assert table.moves == [], "it is held still"
    await table.press("y")
    assert len(table.moves) == 1


async def test_a_risk_is_not_confirmed_by_a_held_key(table: Table) -> None:
    await table.ready(RISKY)
    await table.press("y")
    table.ticks.now += 0.5
    await table.hold("y", 20)
    assert table.moves == []


async def test_without_a_prompt_the_card_stays_and_takes_no_answer(table: Table) -> None:
    await table.ready()
    await table.press("y")
    table.card.report("claude-2: sent, went on", style="done")
    table.card.rest(6)
    table._listening = asyncio.create_task(table._listen())
    await until(lambda: "6 answered" in table.stage.text)
    await table.press("y", "n", "1", "i", "enter", "full_stop")
    assert len(table.moves) == 1 and table.card.open
    assert "claude-2: sent, went on" in table.stage.text
    await table.press("q")
    assert table.moves[-1] == Leave("") and not table.card.open


async def test_one_answer_for_several_names_them(table: Table) -> None:
    await table.close()
    others = [replace(AGENT, key="b", name="claude-4"), replace(AGENT, key="c", name="claude-9")]
    table.card.show(PROMPT, AGENT, position=1, total=1, now=NOW, others=others)
    await until(lambda: "3 agents ask the same" in table.stage.text)
    assert "one answer for claude-2, claude-4, claude-9" in table.stage.text


async def test_enter_and_other_keys_do_nothing(table: Table) -> None:
    await table.ready()
    await table.press("enter", "space", "9", "x", "o")
    assert table.moves == []
    assert "no answer for 9" in table.stage.text


async def test_keys_pressed_while_an_answer_is_on_its_way_are_dropped(table: Table) -> None:
    await table.ready()
    await table.press("y", "y", "n", "a")
    assert table.moves == [Answer(PROMPT.choices[0])]
    assert table.card.open


async def test_a_risk_wants_yes_twice(table: Table) -> None:
    await table.ready(RISKY)
    await table.press("y")
    assert table.moves == []
    assert "▲ 1 again to answer: Yes, proceed" in table.stage.text
    await table.press("y")
    assert table.moves == [Answer(RISKY.choices[0])]


async def test_a_risk_pressed_for_another_choice_starts_again(table: Table) -> None:
    two = replace(PROMPT, risks=("force push",))
    await table.ready(two)
    await table.press("y", "2")
    assert table.moves == []
    await table.press("n")
    assert table.moves == [Answer(two.choices[2])]


async def test_what_was_not_seen_whole_is_not_answered_yes(table: Table) -> None:
    await table.ready(replace(PROMPT, whole=False))
    await table.press("y", "y", "1", "2")
    assert table.moves == []
    assert "can only be refused here" in table.stage.text
    await table.press("n")
    assert table.moves == [Answer(PROMPT.choices[2])]


async def test_no_because_is_no_with_a_line_after_it(table: Table) -> None:
    await table.ready()
    await table.press("i")
    assert table.moves == [Answer(PROMPT.choices[2], because=True)]


@pytest.mark.parametrize(("key", "step"), [("full_stop", 1), ("comma", -1)])
async def test_another_prompt(table: Table, key: str, step: int) -> None:
    await table.ready()
    await table.press(key)
    assert table.moves == [Skip(step)]


@pytest.mark.parametrize(("key", "to"), [("escape", ""), ("q", ""), ("a", "attach"), ("w", "why")])
async def test_leaving_closes_the_card(table: Table, key: str, to: str) -> None:
    await table.deal()
    await table.press(key)
    assert table.moves == [Leave(to)]
    await until(lambda: table.stage.screen is not table.card)
    assert await table.card.move() == Leave(to)
    assert not table.card.open


async def test_leaving_works_while_an_answer_is_on_its_way(table: Table) -> None:
    await table.ready()
    await table.press("y", "escape")
    assert not table.card.open
    table.card.report("claude-2: sent, went on")


async def test_a_long_prompt_scrolls_to_its_end_and_no_further(table: Table) -> None:
    await table.ready(replace(PROMPT, lines=tuple(f"line {n}" for n in range(30))))
    assert "line 29" not in table.stage.text
    await table.press(*["J"] * 40)
    assert "line 29" in table.stage.text
    await table.press("K")
    assert "line 29" not in table.stage.text


async def test_a_prompt_that_fits_the_screen_is_shown_whole(table: Table) -> None:
    await table.ready(replace(PROMPT, lines=tuple(f"line {n}" for n in range(11))))
    assert "line 0" in table.stage.text and "line 10" in table.stage.text
    await table.press("y")
    assert table.moves == [Answer(PROMPT.choices[0])]


async def test_yes_is_off_until_the_end_of_the_prompt_was_read(table: Table) -> None:
    await table.ready(replace(PROMPT, lines=tuple(f"line {n}" for n in range(30))))
    await table.press("y", "1", "2", *["J"] * 5, "y")
    assert table.moves == []
    assert "read it with J first" in table.stage.text
    await table.press(*["J"] * 40, "K", "y")
    assert table.moves == [Answer(PROMPT.choices[0])]


async def test_a_prompt_of_which_the_end_is_unread_can_be_refused(table: Table) -> None:
    await table.ready(replace(PROMPT, lines=tuple(f"line {n}" for n in range(30))))
    await table.press("n")
    assert table.moves == [Answer(PROMPT.choices[2])]


async def test_a_report_stays_above_the_next_prompt(table: Table) -> None:
    await table.ready()
    table.card.report("claude-2: sent, went on", style="done")
    await table.ready(RISKY)
    assert "claude-2: sent, went on" in table.stage.text
    assert "rm -rf build/" in table.stage.text


async def test_a_click_on_a_choice_is_its_key(table: Table) -> None:
    await table.ready()
    row = next(n for n, line in enumerate(table.stage.text.split("\n")) if "  1  Yes" in line)
    top = 24 - len(table.stage.text.split("\n"))
    await table.pilot.click(offset=(9, top + row))
    await until(lambda: table.moves)
    assert table.moves == [Answer(PROMPT.choices[0])]
