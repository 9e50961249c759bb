"""Keys go on one at a time, whatever hangs; what does not fit is dropped and told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from textual import events
from textual.app import ComposeResult
from textual.widgets import Input

from dialog_stage import until
from orc_tui.themes import ThemedApp
from orc_tui.typeahead import KEYS_MAX, ROOM_S, SETTLE_S, TypeAhead, Work, resting


class Field(Input):
    """Takes text, but for `!`, at which it hangs until it is let go."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, select_on_focus=False)
        self.can_go = asyncio.Event()
        self.got: list[str] = []

    async def on_key(self, event: events.Key) -> None:
        self.got.append(event.character or event.key)
        if event.character == "!":
            await self.can_go.wait()


class Two(ThemedApp[None]):
    """Two fields; Enter in one goes on to the other, by way of a message to the screen."""

    AUTO_FOCUS = "#one"

    def __init__(self) -> None:
        super().__init__()
        self.fields = (Field("one"), Field("two"))
        self.left = 0
        self.told = 0

    def compose(self) -> ComposeResult:
        yield from self.fields

    def on_input_submitted(self, event: Input.Submitted) -> None:
        other = next(one for one in self.fields if one is not event.input)
        self.set_focus(other)

    def action_leave(self) -> None:
        self.left += 1

    def keys_dropped(self) -> None:
        self.told += 1

    def type(self, text: str) -> None:
        """Type all at once, as one packet brings it."""
        for letter in text:
            self.post_message(key(letter))

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(field.value for field in self.fields)


def key(letter: str) -> events.Key:
    named = {"\r": "enter", "\x03": "ctrl+c", "!": "exclamation_mark"}
    return events.Key(named.get(letter, letter), letter)


@pytest.fixture
async def two() -> AsyncIterator[Two]:
    app = Two()
    async with app.run_test():
        yield app
        for field in app.fields:
            field.can_go.set()


async def test_each_key_reaches_what_has_the_focus_after_the_one_before_it(two: Two) -> None:
    two.type("one\rtwo\ragain\ronce more\r")
    await until(lambda: two.values == ("oneagain", "twoonce more"))
    await until(lambda: two.typeahead.is_idle)
    assert two.typeahead.dropped == 0


async def test_a_paste_keeps_its_place_among_the_keys(two: Two) -> None:
    two.type("a\r")
    two.post_message(events.Paste("pasted"))
    two.type("b")
    await until(lambda: two.values == ("a", "pastedb"))


async def test_a_field_that_hangs_keeps_no_other_from_its_keys(two: Two) -> None:
    two.type("a!")
    await until(lambda: two.fields[0].got == ["a", "!"])
    two.set_focus(two.fields[1])
    began = asyncio.get_running_loop().time()
    two.type("later")
    assert two.values == ("a", "")
    await until(lambda: two.values == ("a", "later"))
    assert asyncio.get_running_loop().time() - began < 8 * SETTLE_S


async def test_ctrl_c_goes_first_whatever_hangs(two: Two) -> None:
    two.type("!")
    await until(lambda: two.fields[0].got == ["!"])
    two.type("waits\x03")
    await until(lambda: two.left == 1)
    assert two.fields[0].got == ["!"]


async def test_what_does_not_fit_is_dropped_to_its_end_and_told_once(two: Two) -> None:
    two.type("!")
    await until(lambda: two.fields[0].got == ["!"])
    two.set_focus(two.fields[1])
    two.type("x" * KEYS_MAX + "yz")
    assert (two.typeahead.dropped, two.told) == (2, 1)
    await until(lambda: two.values[1] == "x" * KEYS_MAX)
    two.type("taken again")
    await until(lambda: two.values[1].endswith("xtaken again"))
    assert two.told == 1


async def test_who_reads_the_terminal_waits_for_room(two: Two) -> None:
    text = "0123456789" * (KEYS_MAX // 4)
    loop = asyncio.get_running_loop()

    def read() -> None:
        for letter in text:
            two.typeahead.send(key(letter), loop, lambda: False)

    reader = threading.Thread(target=read)
    reader.start()
    await until(lambda: two.values[0] == text, 25.0)
    reader.join()
    assert two.typeahead.dropped == 0


async def test_who_reads_the_terminal_does_not_wait_for_a_key_that_hangs(two: Two) -> None:
    two.type("!" * 3 + "x" * (KEYS_MAX - 1))
    loop = asyncio.get_running_loop()
    began = loop.time()

    def read() -> None:
        for letter in "y" * 40 + "\x03":
            two.typeahead.send(key(letter), loop, lambda: False)

    await asyncio.to_thread(read)
    await until(lambda: two.left == 1)
    assert loop.time() - began < 8 * SETTLE_S
    assert two.told == 1


async def test_who_reads_the_terminal_waits_no_more_when_it_is_over(two: Two) -> None:
    two.type("!")
    await until(lambda: two.fields[0].got == ["!"])
    two.type("x" * KEYS_MAX)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.to_thread(two.typeahead.send, key("y"), loop, lambda: True)
    assert loop.time() - began < ROOM_S / 2
    await until(lambda: two.typeahead.dropped == 1)


async def test_keys_wait_for_what_one_of_them_began_until_it_waits_for_a_person() -> None:
    begun: list[Work] = []
    app = Two()
    async with app.run_test():
        ahead = TypeAhead(app, hand_on=lambda typed: begun.append(Work(ahead)), full=app.bell)
        ahead.put(key("a"))
        ahead.put(key("b"))
        ahead.handled(app)
        work = begun[0]
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(begun) == 1
        with work.under_way(), resting():
            await until(lambda: len(begun) == 2)
