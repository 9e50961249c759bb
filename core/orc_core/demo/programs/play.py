"""One scripted agent as a machine: steps and keys go in, a state to draw comes out.

Invariant: pure. Time is an argument, nothing is read or written, and every list has a bound.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orc_core.demo.programs.keys import Key, Paste
from orc_core.demo.programs.steps import (
    Ask,
    Crash,
    Done,
    Limit,
    Question,
    Say,
    Scene,
    Step,
    Think,
    Told,
    Use,
)

TRANSCRIPT_MAX: Final = 160
QUEUED_MAX: Final = 8
DRAFT_MAX: Final = 4_000
_AGAIN_S: Final = 2.0
_REPAINT_S: Final = 1.0


class Phase(StrEnum):
    """Where the play stands."""

    WORKING = "working"
    ASKING = "asking"
    READY = "ready"
    LIMITED = "limited"
    ENDED = "ended"


class Role(StrEnum):
    """What an entry of the transcript is."""

    USER = "user"
    SAY = "say"
    TOOL = "tool"
    RESULT = "result"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    LIMIT = "limit"
    TURN = "turn"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, for the transcript."""

    role: Role
    text: str
    tool: str = ""


class Play:
    """The state of one agent; the faces draw it, the run loop feeds it."""

    def __init__(
        self,
        scene: Scene,
        now: float,
        *,
        letters: Mapping[str, int],
        line_answers: bool = False,
    ) -> None:
        """Begin a scene; `letters` answer a request (0 yes, 1 always, 2 no).

        With `line_answers` a letter counts only with Enter behind it.
        """
        self.scene = scene
        self.transcript: deque[Entry] = deque(maxlen=TRANSCRIPT_MAX)
        self.phase = Phase.READY
        self.label = ""
        self.asked: Ask | Question | None = None
        self.cursor = 0
        self.draft = ""
        self.status = 0
        self.leaving = False
        self.turn_began = now
        self._letters = letters
        self._line_answers = line_answers
        self._steps: Iterator[Step] = itertools.chain(scene.steps, itertools.cycle(scene.again))
        self._queued: deque[str] = deque(maxlen=QUEUED_MAX)
        self._allowed: set[str] = set()
        self._result: Use | None = None
        self._step_ends: float | None = now
        self._left_at = float("-inf")

    @property
    def choices(self) -> int:
        """How many answers the question on the screen has."""
        if isinstance(self.asked, Question):
            return len(self.asked.options)
        return 0 if self.asked is None else 3

    @property
    def queued(self) -> tuple[str, ...]:
        """Lines typed while it worked, not taken up yet."""
        return tuple(self._queued)

    def due(self, now: float) -> float | None:
        """Return when `advance` is wanted next, a step's end or a full second; None is never."""
        if self.phase is not Phase.WORKING or self._step_ends is None:
            return None
        gone = now - self.turn_began
        repaint = self.turn_began + (gone // _REPAINT_S + 1) * _REPAINT_S
        return min(self._step_ends, repaint)

    def advance(self, now: float) -> None:
        """Take every step that is due."""
        while self._step_ends is not None and self._step_ends <= now:
            at = self._step_ends
            self._step_ends = None
            self._finish()
            if self._queued:
                self._hear(self._queued.popleft(), at, then_rest=False)
            else:
                self._begin(next(self._steps, None), at)

    def press(self, event: Key | Paste, now: float) -> None:
        """Take one key or one paste."""
        if self.phase is Phase.ENDED:
            return
        if isinstance(event, Paste):
            self._type(event.text)
        elif event.name == "ctrl+c":
            self._leave_or_stop(now)
        elif self.phase is Phase.ASKING:
            self._press_asked(event.name, now)
        elif event.name == "escape":
            self._stop(now)
        else:
            self._press_draft(event.name, now)

    # steps

    def _begin(self, step: Step | None, at: float) -> None:
        match step:
            case None | Done():
                self._rest(turn=at - self.turn_began if step else None)
            case Told(text):
                self._take_up(text, at)
            case Say(text):
                self._note(Role.SAY, text)
                self._step_ends = at
            case Think(label, seconds):
                self._work(label, at + seconds)
            case Use():
                self._use(step, at)
            case Ask(use=use, whole_kind=kind) if kind in self._allowed:
                self._use(use, at)
            case Ask() | Question():
                self.phase, self.asked, self.cursor = Phase.ASKING, step, 0
            case Limit(resets):
                self._note(Role.LIMIT, resets)
                self.phase = Phase.LIMITED
            case Crash(lines, status):
                for line in lines:
                    self._note(Role.LAST, line)
                self.phase, self.status = Phase.ENDED, status

    def _work(self, label: str, until: float) -> None:
        self.phase, self.label, self._step_ends = Phase.WORKING, label, until

    def _use(self, use: Use, at: float) -> None:
        self._note(Role.TOOL, use.subject, use.tool)
        self._result = use
        self._work(f"{use.tool} {use.subject}", at + use.seconds)

    def _finish(self) -> None:
        if self._result:
            self._note(Role.RESULT, "\n".join(self._result.result), self._result.tool)
            self._result = None

    def _take_up(self, line: str, at: float) -> None:
        self._note(Role.USER, line)
        self.turn_began = at
        self._work("Thinking", at + 2.0)

    def _hear(self, line: str, at: float, *, then_rest: bool) -> None:
        reply = (*_reply(line), Done()) if then_rest else _reply(line)
        self._steps = itertools.chain(reply, self._steps)
        self._take_up(line, at)

    def _rest(self, turn: float | None = None) -> None:
        self.phase, self.label, self._step_ends, self._result = Phase.READY, "", None, None
        if turn is not None:
            self._note(Role.TURN, str(int(turn)))

    def _note(self, role: Role, text: str, tool: str = "") -> None:
        self.transcript.append(Entry(role, text, tool))

    # keys

    def _press_draft(self, name: str, now: float) -> None:
        if name == "enter":
            line, self.draft = self.draft.strip(), ""
            if line:
                self._submit(line, now)
        elif name == "backspace":
            self.draft = self.draft[:-1]
        elif name == "ctrl+u":
            self.draft = ""
        elif name == "newline":
            self._type("\n")
        elif name == "ctrl+d":
            self.leaving = not self.draft
        elif len(name) == 1:
            self._type(name)

    def _type(self, text: str) -> None:
        if self.phase is not Phase.ASKING or self._line_answers:
            self.draft = (self.draft + text)[:DRAFT_MAX]

    def _submit(self, line: str, now: float) -> None:
        if line in ("/exit", "/quit"):
            self.leaving = True
        elif self.phase is Phase.WORKING:
            self._queued.append(line)
        elif self.phase is Phase.LIMITED:
            self._note(Role.USER, line)
            self._begin(self._limit(), now)
        else:
            self._hear(line, now, then_rest=True)

    def _limit(self) -> Limit:
        return next(step for step in self.scene.steps if isinstance(step, Limit))

    def _press_asked(self, name: str, now: float) -> None:
        if self._line_answers:
            self._press_line_answer(name, now)
        elif name in ("up", "down"):
            self.cursor = (self.cursor + (1 if name == "down" else -1)) % self.choices
        elif name == "enter":
            self.choose(self.cursor, now)
        elif name == "escape":
            self.refuse(now)
        elif name.isdigit() and 1 <= int(name) <= self.choices:
            self.choose(int(name) - 1, now)
        elif isinstance(self.asked, Ask) and name in self._letters:
            self.choose(self._letters[name], now)

    def _press_line_answer(self, name: str, now: float) -> None:
        if name != "enter":
            self._press_draft(name, now)
            return
        answer, self.draft = self.draft.strip().lower()[:1] or "y", ""
        if answer in self._letters:
            self.choose(self._letters[answer], now)

    def choose(self, index: int, now: float) -> None:
        """Answer what is asked with one of its choices, counted from 0."""
        asked = self.asked
        if isinstance(asked, Question):
            self._answered(now)
            self._note(Role.RESULT, f"{asked.topic}: {asked.options[index][0]}")
            self._note(Role.SAY, asked.options[index][2])
            self._work("Thinking", now + 3.0)
        elif isinstance(asked, Ask) and index < 2:
            self._answered(now)
            if index == 1:
                self._allowed.add(asked.whole_kind)
            self._use(asked.use, now)
        else:
            self.refuse(now)

    def refuse(self, now: float) -> None:
        """Say no to what is asked: the agent says what it does instead and waits."""
        asked = self.asked
        self._answered(now)
        if isinstance(asked, Ask):
            self._note(Role.TOOL, asked.use.subject, asked.use.tool)
            self._note(Role.REFUSED, asked.use.subject, asked.use.tool)
            self._note(Role.SAY, asked.instead)
        elif isinstance(asked, Question):
            self._note(Role.INTERRUPTED, "")
        self._rest()

    def _answered(self, now: float) -> None:
        self.asked, self.cursor, self.turn_began = None, 0, now

    def _stop(self, now: float) -> None:
        if self.phase is Phase.WORKING:
            self._note(Role.INTERRUPTED, "")
            self._queued.clear()
            self._rest()

    def _leave_or_stop(self, now: float) -> None:
        if self.phase is Phase.ASKING:
            self.refuse(now)
        elif self.phase is Phase.WORKING:
            self._stop(now)
        elif self.draft:
            self.draft = ""
        elif now - self._left_at < _AGAIN_S:
            self.leaving = True
        self._left_at = now


def _reply(line: str) -> tuple[Step, ...]:
    """Work on a line that somebody typed, in words that show that it was read."""
    words = " ".join(line.split())
    short = words if len(words) <= 60 else words[:59] + "…"
    return (
        Say(f"Understood: “{short}”. I look at what that touches first."),
        Use("Search", _pattern(words), ("Found 6 lines in 3 files",), 4.0),
        Think("Working it in", 5.0),
        Use("Bash", "npm test", ("41 passed, 0 failed (3.8 s)",), 5.0),
        Say("That is in, and the tests pass."),
    )


def _pattern(words: str) -> str:
    longest = max(words.split(), key=len, default="shop")
    return "".join(each for each in longest if each.isalnum())[:24] or "shop"
