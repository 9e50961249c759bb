"""Typing into agents: answers, lines and interruptions, each verified.

Invariant: the pane is read again right before anything is typed, one act at a time per pane.
Nothing is sent into another process than the one that was meant, into a pane that would not
take it as keys, or at a prompt other than the one that a person saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from orc_core.agents.choices import pressed
from orc_core.agents.processes import is_shell
from orc_core.agents.prompts import (
    ENTRY_BEFORE,
    LINES_MAX,
    NEXT_BUTTON,
    NEXT_ENTRY,
    Layout,
    find_layout,
    fingerprint,
    read_prompt,
)
from orc_core.agents.rules import Kind, RuleSet
from orc_core.agents.signals import input_at, input_text, states
from orc_core.clock import Clock
from orc_core.errors import TmuxError, TmuxGone, UsageError
from orc_core.model.agent import (
    OTHER,
    Agent,
    Choice,
    Delivery,
    Evidence,
    Outcome,
    Prompt,
    Source,
    State,
    Waiting,
)
from orc_core.text import clean
from orc_core.tmux.keys import capture, send_keys, send_text
from orc_core.tmux.screen import clean_lines, parse_lines, plain
from orc_core.tmux.server import Address, run

WATCH_S: Final = 3.0
PASTE_WATCH_S: Final = 1.0
SETTLE_S: Final = 2.0
STILL_LOOKS: Final = 4
"""So many looks that are alike say that a list of commands or files has caught up."""
LOOK_EVERY_S: Final = 0.1
BETWEEN_KEYS_S: Final = 0.25
TIMEOUT_S: Final = 5.0
PANES_MAX: Final = 1024

_FACTS: Final = (
    "#{pane_pid} #{pane_dead} #{pane_in_mode} #{pane_input_off} #{pane_synchronized}"
    " #{pane_current_command}"
)
NO_CHANGE: Final = f"sent, no change in {WATCH_S:.0f} s"
WENT_ON: Final = "sent, went on"
STOPPED: Final = "interrupted, it stopped"
NOTHING_SENT: Final = Delivery(Outcome.REFUSED, "nothing sent")


@dataclass(frozen=True, slots=True)
class _Pane:
    """What tmux says of a pane right before typing."""

    pid: int
    dead: bool
    in_mode: bool
    input_off: bool
    synchronized: bool
    command: str


class _Refused(Exception):
    """Nothing was typed; carries the report."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        super().__init__(text)
        self.delivery = Delivery(outcome, text)


@dataclass(slots=True)
class _Say:
    """Where an act puts its report."""

    delivery: Delivery = NOTHING_SENT


_Check = Callable[[], Awaitable[bool]]


class Typist:
    """The only one who types into agents. Every method reports and none of them raises."""

    def __init__(self, address: Address, rules: RuleSet, clock: Clock) -> None:
        self._address = address
        self._rules = rules
        self._clock = clock
        self._locks: dict[str, asyncio.Lock] = {}

    async def answer(self, agent: Agent, prompt: Prompt, choice: Choice) -> Delivery:
        """Type the keys of one choice, if the pane still shows the very same prompt."""
        async with self._turn(agent) as say:
            if choice not in prompt.choices:
                raise _Refused(Outcome.REFUSED, "not sent: that is no choice of this prompt")
            if choice.meaning == "yes" and not prompt.whole:
                raise _Refused(
                    Outcome.REFUSED,
                    "not sent: part of the prompt is not on screen; attach (a) and read it whole",
                )
            await self._check_pane(agent)
            layout = await self._layout(agent)
            if layout is None:
                raise _Refused(Outcome.PROMPT_GONE, "nothing sent: the prompt is gone")
            if layout.draft:
                raise _Refused(
                    Outcome.REFUSED,
                    f"not sent: “{layout.draft}” stands there as an answer already; attach (a)",
                )
            if fingerprint(agent.kind, layout) != prompt.fingerprint:
                raise _Refused(Outcome.PROMPT_CHANGED, "nothing sent: the prompt has changed")
            if layout.part.keys != "move-enter":
                await self._press(agent, choice.keys)
            else:
                await self._move(agent, layout, choice)
                await self._press(agent, ("Enter",))

            async def went_on() -> bool:
                return await self._fingerprint(agent) != prompt.fingerprint

            say.delivery = await self._watch(went_on)
        return say.delivery

    async def say(self, agent: Agent, text: str) -> Delivery:
        """Paste a text and press Enter, unless a prompt is in the way.

        The Enter goes only after the text was seen to arrive, where the agent shows its input.
        """
        async with self._turn(agent) as say:
            if not clean(text, newlines=True).strip():
                raise _Refused(Outcome.REFUSED, "not sent: there is no text to send")
            await self._check_pane(agent)
            kind = self._rules.kind(agent.kind)
            before = await self._lines(agent)
            self._refuse_at_prompt(agent, before)
            draft = await self._draft(agent, kind) if kind else ""
            if draft:
                raise _Refused(
                    Outcome.REFUSED,
                    f"not sent: “{draft}” stands in its input line already; attach (a) and send"
                    " or clear it",
                )
            await send_text(self._address, agent.pane.pane_id, text, timeout_s=TIMEOUT_S)

            async def arrived() -> bool:
                return await self._lines(agent) != before

            if not await self._until(arrived, PASTE_WATCH_S):
                raise _Refused(
                    Outcome.NO_CHANGE,
                    "pasted, but the pane did not show it: Enter was not pressed; attach (a)",
                )
            if _opens_list(text):
                await self._settle(agent)
            pasted = await self._lines(agent)
            self._refuse_at_prompt(agent, pasted)
            await self._press(agent, ("Enter",))

            async def taken() -> bool:
                return _was_taken(kind, pasted, await self._lines(agent))

            say.delivery = await self._watch(taken)
        return say.delivery

    async def interrupt(self, agent: Agent) -> Delivery:
        """Press what interrupts this kind of agent: Escape for most, C-c for the others."""
        async with self._turn(agent) as say:
            await self._check_pane(agent)
            kind = self._rules.kind(agent.kind)
            before = await self._lines(agent)
            for number, key in enumerate(kind.agent.interrupt if kind else ["C-c"]):
                if number:
                    # Two Escapes at once are one key to a program that reads escape sequences.
                    await self._clock.sleep(BETWEEN_KEYS_S)
                await self._press(agent, (key,))

            async def stopped() -> bool:
                now = await self._lines(agent)
                return now != before and not self._is_busy(kind, now)

            say.delivery = await self._watch(stopped)
            if say.delivery.outcome is Outcome.WENT_ON:
                say.delivery = replace(say.delivery, text=STOPPED)
        return say.delivery

    def _is_busy(self, kind: Kind | None, lines: tuple[str, ...]) -> bool:
        """Whether the screen says that the agent works or waits."""
        if kind is None:
            return False
        return any(state in (State.WORKING, State.WAITING) for state in states(kind, lines))

    @asynccontextmanager
    async def _turn(self, agent: Agent) -> AsyncIterator[_Say]:
        """One act at a time per pane; turns every refusal and tmux failure into a report."""
        lock = self._locks.setdefault(agent.key, asyncio.Lock())
        say = _Say()
        try:
            async with lock:
                yield say
        except _Refused as refused:
            say.delivery = refused.delivery
        except TmuxGone as error:
            say.delivery = Delivery(Outcome.GONE, f"nothing more sent: {error}")
        except (TmuxError, UsageError) as error:
            say.delivery = Delivery(Outcome.REFUSED, f"tmux did not take it: {error}")
        finally:
            if len(self._locks) > PANES_MAX:
                self._locks = {key: one for key, one in self._locks.items() if one.locked()}

    async def _check_pane(self, agent: Agent) -> None:
        """Refuse where keys would not reach the process that is meant, or others as well."""
        pane = await self._pane(agent)
        if pane is None or pane.pid != agent.pane.pid or pane.dead:
            raise _Refused(Outcome.GONE, f"nothing sent: {agent.name} is gone from that pane")
        if agent.kind != OTHER and is_shell(pane.command) and not is_shell(agent.command):
            raise _Refused(
                Outcome.GONE, f"nothing sent: {agent.name} ended and {pane.command} is there now"
            )
        if pane.in_mode:
            raise _Refused(
                Outcome.REFUSED, "nothing sent: the pane is in copy mode; leave it with q first"
            )
        if pane.input_off:
            raise _Refused(
                Outcome.REFUSED, "nothing sent: the pane takes no input (select-pane -e)"
            )
        if pane.synchronized:
            raise _Refused(
                Outcome.REFUSED,
                "nothing sent: synchronize-panes is on, so that others would get it as well",
            )

    async def _pane(self, agent: Agent) -> _Pane | None:
        try:
            told = await run(
                self._address,
                *("display-message", "-p", "-t", agent.pane.pane_id, _FACTS),
                timeout_s=TIMEOUT_S,
            )
        except TmuxGone:
            raise
        except TmuxError:
            return None
        words = told.strip().split(" ", 5)
        if len(words) < 5 or not words[0].isdecimal():
            return None
        dead, mode, off, synced = (word == "1" for word in words[1:5])
        return _Pane(int(words[0]), dead, mode, off, synced, clean("".join(words[5:]), limit=60))

    async def _lines(self, agent: Agent) -> tuple[str, ...]:
        raw = await capture(self._address, agent.pane.pane_id, timeout_s=TIMEOUT_S)
        return clean_lines(raw)

    async def _draft(self, agent: Agent, kind: Kind) -> str:
        """What someone has begun to type there; a dim placeholder is nobody's text."""
        raw = await capture(self._address, agent.pane.pane_id, colour=True, timeout_s=TIMEOUT_S)
        rows = parse_lines(raw)
        at = input_at(kind, plain(rows))
        if at is None:
            return ""
        typed = [span.text for span in rows[at] if not (span.style.dim or span.style.reverse)]
        return input_text(kind, ("".join(typed).rstrip(),)) or ""

    async def _layout(self, agent: Agent) -> Layout | None:
        kind = self._rules.kind(agent.kind)
        return find_layout(kind, await self._lines(agent)) if kind else None

    async def _fingerprint(self, agent: Agent) -> str | None:
        layout = await self._layout(agent)
        return fingerprint(agent.kind, layout) if layout else None

    async def _move(self, agent: Agent, layout: Layout, choice: Choice) -> None:
        """Bring buttons or a list to one of its choices, and see that it is there."""
        now = await self._chosen(agent, layout)
        if now is None:
            raise _Refused(
                Outcome.REFUSED, "not sent: which choice is marked cannot be told; attach (a)"
            )
        steps = _steps(layout, now, choice.number)
        if not steps:
            return
        await self._press(agent, steps)

        async def there() -> bool:
            return await self._chosen(agent, layout) == choice.number

        if not await self._until(there, PASTE_WATCH_S):
            raise _Refused(
                Outcome.NO_CHANGE,
                f"“{choice.label}” could not be chosen: Enter was not pressed; attach (a)",
            )

    async def _chosen(self, agent: Agent, layout: Layout) -> int | None:
        """The number of what is marked now, while the pane shows the very same prompt.

        A colour tells the button, a cursor the entry of a list.
        """
        raw = await capture(self._address, agent.pane.pane_id, colour=True, timeout_s=TIMEOUT_S)
        rows = parse_lines(raw)
        kind = self._rules.kind(agent.kind)
        lines = plain(rows)
        now = find_layout(kind, lines) if kind else None
        if now is None or fingerprint(agent.kind, now) != fingerprint(agent.kind, layout):
            return None
        if now.part.entries is not None:
            return next(option.number for option in now.options if option.cursor)
        above = max(0, len(lines) - LINES_MAX)
        chosen = pressed(now.options, rows[above + now.options[0].at])
        return chosen.number if chosen else None

    def _refuse_at_prompt(self, agent: Agent, lines: tuple[str, ...]) -> None:
        evidence = Evidence(Source.SCREEN, "before typing", self._clock.now())
        prompt = read_prompt(self._rules, agent.kind, agent.name, lines, Waiting.NONE, evidence)
        if prompt is not None:
            raise _Refused(
                Outcome.REFUSED,
                f"not sent: {agent.name} shows a prompt ({prompt.subject}), which the text would"
                " answer; answer it first (y, n)",
            )

    async def _press(self, agent: Agent, keys: tuple[str, ...]) -> None:
        await send_keys(self._address, agent.pane.pane_id, keys, timeout_s=TIMEOUT_S)

    async def _settle(self, agent: Agent) -> None:
        """Wait until the pane stands still, for as long as is reasonable."""
        last, still = await self._lines(agent), 0

        async def stands_still() -> bool:
            nonlocal last, still
            now = await self._lines(agent)
            last, still = now, still + 1 if now == last else 0
            return still >= STILL_LOOKS

        await self._until(stands_still, SETTLE_S)

    async def _watch(self, changed: _Check) -> Delivery:
        if await self._until(changed, WATCH_S):
            return Delivery(Outcome.WENT_ON, WENT_ON)
        return Delivery(Outcome.NO_CHANGE, NO_CHANGE)

    async def _until(self, true: _Check, within_s: float) -> bool:
        """Look until it is so, at least twice; False when the time is over."""
        deadline = self._clock.monotonic() + within_s
        while not await true():
            if self._clock.monotonic() >= deadline:
                return False
            await self._clock.sleep(LOOK_EVERY_S)
        return True


def _steps(layout: Layout, now: int, wanted: int) -> tuple[str, ...]:
    """The keys that lead from one choice to another; a list may end where buttons go round."""
    if layout.part.entries is None:
        return (NEXT_BUTTON,) * ((wanted - now) % len(layout.options))
    return (NEXT_ENTRY if wanted > now else ENTRY_BEFORE,) * abs(wanted - now)


def _opens_list(text: str) -> bool:
    """Whether agents offer commands or files for a text, of which Enter would take one."""
    return text.lstrip().startswith("/") or "@" in text


def _was_taken(kind: Kind | None, pasted: tuple[str, ...], now: tuple[str, ...]) -> bool:
    """Whether Enter took the text out of the input line, where the agent shows one."""
    stood = input_text(kind, pasted) if kind else None
    if kind is None or not stood:
        return now != pasted
    return input_text(kind, now) != stood
