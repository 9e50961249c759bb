"""What is brought to the operator without a key of theirs: the terminal's title, notices, and
how things ended that were planned.

Invariant: each thing is told once, and what happened before the dashboard was opened is not news.
Nothing is written to a terminal that was handed to another program.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

from textual.app import App

from orc_core.later.times import named
from orc_core.model.agent import State
from orc_core.model.snapshot import Snapshot
from orc_core.notices import command, sequences
from orc_core.notices.bulletin import Bulletin, Notice
from orc_core.settings import NotifySettings
from orc_storage.laters import Later, Phase, What

HANDS_OFF_S: Final = 30.0
"""So long after a key somebody is here, where the terminal does not tell whether it has focus."""


class Outcomes:
    """Tells what became of what was planned; `tell` says a line, with its severity."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell
        self._known: frozenset[str] | None = None

    def look(self, laters: Sequence[Later], now: float) -> None:
        """Say what ended since the last look; `now` is seconds since the epoch."""
        ended = {one.id: one for one in laters if not one.is_open}
        known = frozenset(ended) if self._known is None else self._known
        self._known = frozenset(ended)
        for id in sorted(ended.keys() - known):
            one = ended[id]
            if one.what is What.LINE and one.phase is not Phase.CANCELLED:
                severity = "" if one.phase is Phase.SENT else "error"
                self._tell(
                    f"{one.agent}, planned for {named(one.at, now)}: {one.outcome}", severity
                )


class Terminal(Protocol):
    """What the dashboard runs in."""

    def write(self, text: str) -> None:
        """Write a sequence that draws nothing."""

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        """Do something later."""

    def start(self, work: Coroutine[Any, Any, str]) -> None:
        """Run something beside everything else, and say what went wrong with it."""


class OwnTerminal:
    """The terminal of an app; `tell` is told what went wrong with work that was started."""

    def __init__(
        self, app: App[Any], write: Callable[[str], None], tell: Callable[[str], None]
    ) -> None:
        self._app = app
        self._write = write
        self._tell = tell

    def write(self, text: str) -> None:
        self._write(text)

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        self._app.set_timer(seconds, then)

    def start(self, work: Coroutine[Any, Any, str]) -> None:
        self._app.run_worker(self._run(work), group="notice")

    async def _run(self, work: Coroutine[Any, Any, str]) -> None:
        if fault := await work:
            self._tell(f"notify: {fault}")


def title(snapshot: Snapshot) -> str:
    """The terminal's title: how many agents wait."""
    waiting = sum(
        one.state is State.WAITING and not one.is_other and not one.muted_until
        for one in snapshot.agents
    )
    return f"orc: {waiting} waiting" if waiting else "orc"


class Attention:
    """Keeps the title and gives notices, as a person set it."""

    def __init__(
        self,
        terminal: Terminal,
        settings: NotifySettings,
        *,
        in_tmux: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal = terminal
        self._settings = settings
        self._in_tmux = in_tmux
        self._monotonic = monotonic
        self._bulletin = Bulletin(settings.on, settings.every_s)
        self._snapshot = Snapshot(at=0.0)
        self._title = ""
        self._key_at = float("-inf")
        self._has_focus: bool | None = None
        self._is_lent = False
        self._waits = False

    def look(self, snapshot: Snapshot) -> None:
        """Take a snapshot; whether it is to be told shows when others were waited for."""
        self._snapshot = snapshot
        self._show_title()
        self._bulletin.take(snapshot.agents, self._monotonic())
        self._wait()

    def key(self) -> None:
        """The operator pressed a key."""
        self._key_at = self._monotonic()

    def focus(self, has_focus: bool) -> None:
        """The terminal said that it has the focus, or lost it."""
        self._has_focus = has_focus

    def lend(self, is_lent: bool) -> None:
        """The terminal is another program's from now on, or ours again."""
        self._is_lent = is_lent
        if not is_lent and self._title:
            self._write(sequences.title(self._title))

    def close(self) -> None:
        """Give the title back that was there before."""
        if self._title:
            self._write(sequences.title("") + sequences.POP_TITLE)
            self._title = ""

    @property
    def is_here(self) -> bool:
        """Whether the operator sees the dashboard, as far as that is known."""
        if self._settings.when == "always":
            return False
        if self._has_focus is not None:
            return self._has_focus and not self._is_lent
        pressed_lately = self._monotonic() - self._key_at < HANDS_OFF_S
        return pressed_lately or self._settings.unknown == "here"

    def _show_title(self) -> None:
        wanted = title(self._snapshot)
        if not self._settings.title or wanted == self._title:
            return
        begin = "" if self._title else sequences.PUSH_TITLE
        self._title = wanted
        self._write(begin + sequences.title(wanted))

    def _wait(self) -> None:
        due_s = self._bulletin.due_in_s(self._monotonic())
        if due_s is not None and not self._waits:
            self._waits = True
            self._terminal.after(due_s, self._tell)

    def _tell(self) -> None:
        self._waits = False
        now_s = self._monotonic()
        due_s = self._bulletin.due_in_s(now_s)
        if due_s is None or due_s > 0:
            self._wait()
        elif self.is_here:
            self._bulletin.forget()
        else:
            found = self._bulletin.notice(self._snapshot.agents, self._snapshot.workspace, now_s)
            if found is not None:
                self._give(found)

    def _give(self, notice: Notice) -> None:
        for how in self._settings.by:
            told = sequences.notice(how, notice.head, notice.text, in_tmux=self._in_tmux)
            self._write(told)
        if self._settings.command:
            self._terminal.start(command.run(self._settings.command, notice))

    def _write(self, text: str) -> None:
        if not self._is_lent:
            self._terminal.write(text)
