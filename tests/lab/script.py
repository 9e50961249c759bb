"""What a lab scenario is made of: what the model answers, what the operator does, what is so then.

Invariant: nothing here knows a protocol or an agent. A scenario names what it made the agent do;
its shots carry that as their label, and never what orc made of the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from orc_core.model.agent import State, Waiting

# What the model answers.


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Think:
    """Words of a thought, where the protocol has them; left out elsewhere."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one of the agent's tools."""

    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Slow:
    """A pause of that many seconds in the middle of the stream."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Hang:
    """The stream stays open and says no more, until `Release` or the agent leaves."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection is closed in the middle of the stream."""


@dataclass(frozen=True, slots=True)
class Fail:
    """An HTTP error instead of an answer; without a body the protocol's usual one."""

    status: int
    message: str = "the lab says no"
    kind: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


Part: TypeAlias = Text | Think | ToolCall | Slow | Hang | Disconnect | Fail


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the model.

    `when` is a text that the request must hold for this turn to be its answer; only such turns
    answer what an agent asks beside the conversation. `times` is how
    many requests it answers, 0 for all that come. `used` is how many tokens of context the answer
    says were used.
    """

    parts: tuple[Part, ...]
    when: str = ""
    times: int = 1
    used: int = 1200


def turn(*parts: Part, when: str = "", times: int = 1, used: int = 1200) -> Turn:
    return Turn(parts, when, times, used)


# What the operator does, and what the scenario waits for.


@dataclass(frozen=True, slots=True)
class Model:
    """Queue what the model answers next."""

    turns: tuple[Turn, ...]


def model(*parts: Part, when: str = "", times: int = 1, used: int = 1200) -> Model:
    """Queue one turn."""
    return Model((Turn(parts, when, times, used),))


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop what is queued, and release what hangs."""


@dataclass(frozen=True, slots=True)
class Release:
    """Let streams that hang end as if they were finished."""


@dataclass(frozen=True, slots=True)
class ServerDown:
    """Stop listening: a new connection is refused."""


@dataclass(frozen=True, slots=True)
class ServerUp:
    """Listen again, on the same port."""


@dataclass(frozen=True, slots=True)
class Send:
    """Type a line and press Enter, as a person would at the keyboard."""

    text: str


@dataclass(frozen=True, slots=True)
class Type:
    """Type text without Enter."""

    text: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Press keys by their tmux names."""

    keys: tuple[str, ...]


def keys(*names: str) -> Keys:
    return Keys(names)


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the prompt that stands there through orc's own typing, and see that it went on.

    `meaning` is `yes` or `no`; `number` chooses by number instead.
    """

    meaning: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Say:
    """Send a line through orc's own typing, and see that it was taken."""

    text: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Interrupt through orc's own typing, and see that it stopped."""


@dataclass(frozen=True, slots=True)
class Resize:
    """Give the window another size."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to the agent's own process, by its pid."""

    number: int


@dataclass(frozen=True, slots=True)
class Shell:
    """Type a command into the pane's shell, when no agent runs in it."""

    command: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write a file into the folder that the agent works in."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Until:
    """Wait until the screen matches `shows`, matches none of `lacks`, and the level is `level`.

    Patterns are searched in the whole screen with `^` and `$` at line ends.
    """

    shows: str = ""
    lacks: str = ""
    level: str = ""
    title: str = ""
    within_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Heard:
    """Wait until a hook told of `what` (a word of `Happening`), with `words` in what it told.

    Only on a stage with `hooks` in its setup; events are asked for in the order they came.
    """

    what: str
    words: str = ""
    within_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Wait until orc knows how much of the context is used, as the status line tells."""

    within_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; only where there is nothing to wait for."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Shot:
    """Take the screen and its label, and let orc say what it sees.

    `state` is what the agent does. `screen` is what the screen alone can tell where that is
    less or other than `state` (`UNKNOWN` where it tells nothing). `hold` is a view over the
    conversation. `live` names the states that are right while watching, where that is more than
    `state`: finished work that nobody has looked at is `done`. `shell` is True where the agent is
    gone or stopped and its shell has the terminal. `save` is False for screens that are not worth
    a place in the corpus.
    """

    name: str
    state: State
    waiting: Waiting = Waiting.NONE
    substate: str | None = None
    hold: bool = False
    decoy: bool = False
    screen: State | None = None
    live: tuple[State, ...] = ()
    level: str = ""
    shell: bool = False
    note: str = ""
    save: bool = True
    within_s: float = 6.0


Act: TypeAlias = (
    Model
    | Forget
    | Release
    | ServerDown
    | ServerUp
    | Send
    | Type
    | Keys
    | Answer
    | Say
    | Interrupt
    | Resize
    | Signal
    | Shell
    | Write
    | Until
    | Heard
    | Measured
    | Pause
    | Shot
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story: an agent is started in a fresh home and folder, then the acts are done in turn.

    `setup` is handed to the agent's module, which knows what its words mean (`no-key`,
    `untrusted`, …). `versions` limits the story to some of the pinned versions.
    """

    name: str
    acts: tuple[Act, ...]
    size: tuple[int, int] = (100, 30)
    setup: frozenset[str] = frozenset()
    argv: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()


def scenario(
    name: str,
    *acts: Act | Sequence[Act],
    size: tuple[int, int] = (100, 30),
    setup: str = "",
    argv: tuple[str, ...] = (),
    versions: str = "",
) -> Scenario:
    """A scenario from acts and lists of acts; `setup` and `versions` are words."""
    flat: list[Act] = []
    for act in acts:
        flat.extend(act if isinstance(act, Sequence) else (act,))
    words = frozenset(setup.split())
    return Scenario(name, tuple(flat), size, words, argv, frozenset(versions.split()))
