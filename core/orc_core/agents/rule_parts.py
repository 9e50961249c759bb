"""How a rule file is written: its tables, and what each field takes.

Invariant: nothing is converted and unknown names are refused; a pattern that repeats what varies
is no pattern, but in the files that ship, which were looked at when they were written.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from orc_core.agents.patterns import safe_pattern
from orc_core.model.agent import State, Waiting
from orc_core.model.substates import SUBSTATES

PATTERN_MAX: Final = 300

SHIPPED: Final[dict[str, str]] = {}
"""The context in which the rule files that ship are read."""


def _pattern(text: str, info: ValidationInfo) -> str:
    """A pattern that may be searched; those that ship were looked at when they were written."""
    return text if info.context is SHIPPED else safe_pattern(text)


Pattern: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=PATTERN_MAX),
    AfterValidator(_pattern),
]


def _known_substate(name: str) -> str:
    if name and name not in SUBSTATES:
        raise ValueError(f"no substate {name!r}: it is one of {', '.join(SUBSTATES)}")
    return name


Substate: TypeAlias = Annotated[str, AfterValidator(_known_substate)]
Key: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=20)]
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AgentPart(_Part):
    """Who the agent is and how its process is recognised.

    `commands` match the whole name of a program, `scripts` any part of the path of a script
    or module that an interpreter runs, `titles` the pane's title. `marks` are what its screens
    alone show: by them a saved screen is told apart, of which nothing else is known.
    """

    id: Name
    label: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    commands: list[Pattern] = []
    scripts: list[Pattern] = []
    titles: list[Pattern] = []
    marks: list[Pattern] = []
    level: Literal["", "claude-sessions"] = ""
    interrupt: list[Key] = ["C-c"]
    stop: list[Literal["INT", "TERM", "HUP", "QUIT"]] = ["TERM"]
    """The signals that ask its process group to end, one after the other."""
    resume: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = []
    """The arguments that take up its last conversation in the same folder, if it has any."""
    resume_by: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = []
    """The arguments that take up the conversation whose id comes after them."""


class ReadsPart(_Part):
    """What is read off the screen beside the state, each from the bottom up.

    `activity` says what it does: the groups `tool` and `does`. `last_prompt` is what it was
    told last, `input` the line it is typed into: its group `text` is what stands there.
    """

    activity: list[Pattern] = []
    last_prompt: list[Pattern] = []
    input: list[Pattern] = []


class SubjectPart(_Part):
    """A name for a prompt one of whose lines matches, where its first line is no name."""

    line: Pattern
    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]


class PromptPart(_Part):
    """How one kind of prompt is laid out and answered.

    `top` is the line it begins at, part of it where `top_included`; `question` is the line that
    asks; `footer` matches what may stand below the choices. `above` is how what the prompt is
    about begins, such as a diff, where that stands right over it. `keys` says what chooses: the
    choice's digit, alone, with Enter, or with Enter where it means yes; the letter of `(Y)es`
    and Enter; or, among `buttons` on one row or `entries` below each other (the pattern of one),
    moving there and Enter.
    `cursor` is False where only a colour tells which of the numbered choices is under it.
    `rows` is how many rows of the screen it takes at most, from `top` on: one that fills them all
    may be longer. `about_last` says that what it is about stands right over the question.
    """

    id: Name
    waiting: Annotated[Waiting, Field(strict=False)]
    top: Pattern
    top_included: bool = False
    above: Pattern | None = None
    question: Pattern
    footer: Pattern
    yes: Pattern
    no: Pattern
    keys: Literal["digit", "digit-enter", "digit-enter-yes", "letter-enter", "move-enter"] = "digit"
    buttons: Pattern | None = None
    entries: Pattern | None = None
    cursor: bool = True
    rows: Annotated[int, Field(ge=0, le=200)] = 0
    about_last: bool = False
    cut: Pattern | None = None
    """A line that says that something of the prompt is not shown."""
    subjects: list[SubjectPart] = []
    substate: Substate = ""

    @model_validator(mode="after")
    def _is_sound(self) -> PromptPart:
        moved = [one for one in (self.buttons, self.entries) if one is not None]
        if len(moved) != int(self.keys == "move-enter"):
            raise ValueError(
                '`keys = "move-enter"` goes with either `buttons` or `entries`, which go only there'
            )
        return self


class RulePart(_Part):
    """One rule: patterns over the lines of a region, and the state they mean.

    `screen` is all of it, `bottom` the last twelve non-empty lines, `tail` the last four and
    `last` the last one;
    `turn` is what of the bottom came after the last thing the agent was told, and `prompt` the
    prompt that stands there.

    `substate` tells the state more exactly, by a name of SUBSTATES. `hold` marks a view over the
    conversation, behind which the state stays what it was. `expires_s` is how long an unchanged
    title or screen is believed; 0 leaves it to the table of freshness. `attended` marks something
    that a person brought about.
    """

    id: Name
    source: Literal["title", "screen"]
    region: Literal["title", "prompt", "last", "tail", "turn", "bottom", "screen"] = "bottom"
    priority: Annotated[int, Field(ge=0, le=100)] = 50
    any: list[Pattern] = []
    all: list[Pattern] = []
    not_: Annotated[list[Pattern], Field(alias="not")] = []
    state: Annotated[State, Field(strict=False)] = State.UNKNOWN
    waiting: Annotated[Waiting, Field(strict=False)] = Waiting.NONE
    substate: Substate = ""
    does: Pattern | None = None
    hold: bool = False
    attended: bool = False
    expires_s: Annotated[float, Field(ge=0, strict=False)] = 0.0

    @model_validator(mode="after")
    def _is_sound(self) -> RulePart:
        if not self.any and not self.all:
            raise ValueError("give it a pattern in `any` or `all`: it would match everything")
        if (self.source == "title") != (self.region == "title"):
            raise ValueError('`region = "title"` goes with `source = "title"`, and only there')
        if (self.state is State.WAITING) != (self.waiting is not Waiting.NONE):
            raise ValueError("`waiting` names what a waiting agent waits for, and only then")
        if self.hold != (self.state is State.UNKNOWN):
            raise ValueError("a rule either names a `state` or says `hold = true`")
        if self.hold and self.substate:
            raise ValueError("`substate` tells a `state` more exactly: a rule that holds has none")
        if self.does is not None and "does" not in re.compile(self.does).groupindex:
            raise ValueError("`does` needs a group (?P<does>…)")
        return self


class RuleFile(_Part):
    """One rule file as it is written."""

    agent: AgentPart
    reads: ReadsPart = ReadsPart()
    prompt: list[PromptPart] = []
    rule: list[RulePart] = []
