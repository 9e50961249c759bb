"""Rule files: how each kind of agent is told apart, read and answered.

Invariant: a rule set is checked whole before it is used. A pattern that could take more than
linear time on a line is refused, and a fault names the file, the field and the remedy.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from orc_core.errors import OrcError
from orc_core.model.agent import OTHER, State, Waiting
from orc_core.model.substates import SUBSTATES

BUILT_IN: Final = Path(__file__).with_name("rules")
BOTTOM_LINES: Final = 12
TAIL_LINES: Final = 4
LINE_MAX: Final = 400
LINES_KEPT: Final = 4096
PATTERN_MAX: Final = 300
FILE_MAX_BYTES: Final = 256 * 1024


class RuleFault(OrcError):
    """A rule file that cannot be used; the text names file, field and remedy."""


def _safe_pattern(text: str) -> str:
    """Refuse what does not compile, and repetitions inside repetitions."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if _nests_repetition(text):
        raise ValueError(
            "a repetition inside a repeated group can take for ever: repeat only one of them"
        )
    return text


def _nests_repetition(text: str) -> bool:
    """Whether a group that holds an unbounded repetition is itself repeated without bound."""
    groups = [False]
    at = 0
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 2
            continue
        if sign == "[":
            at = _class_end(text, at)
            continue
        if sign == "(":
            groups.append(False)
        elif sign == ")" and len(groups) > 1:
            inner = groups.pop()
            if inner and _unbounded(text, at + 1):
                return True
            groups[-1] = groups[-1] or inner
        elif _unbounded(text, at):
            groups[-1] = True
        at += 1
    return False


def _class_end(text: str, at: int) -> int:
    """The position after the character class that starts at `at`."""
    at += 2 if text[at + 1 : at + 2] == "^" else 1
    if text[at : at + 1] == "]":
        at += 1
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _unbounded(text: str, at: int) -> bool:
    return text[at : at + 1] in ("*", "+") or re.match(r"\{\d*,\}", text[at:]) is not None


Pattern: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=PATTERN_MAX),
    AfterValidator(_safe_pattern),
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
    and Enter; or, among `buttons` on one row (the pattern of one), moving there and Enter.
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
    cursor: bool = True
    rows: Annotated[int, Field(ge=0, le=200)] = 0
    about_last: bool = False
    cut: Pattern | None = None
    """A line that says that something of the prompt is not shown."""
    subjects: list[SubjectPart] = []
    substate: Substate = ""

    @model_validator(mode="after")
    def _is_sound(self) -> PromptPart:
        if (self.keys == "move-enter") != (self.buttons is not None):
            raise ValueError('`buttons` goes with `keys = "move-enter"`, and only there')
        return self


class RulePart(_Part):
    """One rule: patterns over the lines of a region, and the state they mean.

    `screen` is all of it, `bottom` the last twelve non-empty lines and `tail` the last four;
    `turn` is what of the bottom came after the last thing the agent was told, and `prompt` the
    prompt that stands there.

    `substate` tells the state more exactly, by a name of SUBSTATES. `hold` marks a view over the
    conversation, behind which the state stays what it was. `expires_s` is how long an unchanged
    title or screen is believed; 0 leaves it to the table of freshness. `attended` marks something
    that a person brought about.
    """

    id: Name
    source: Literal["title", "screen"]
    region: Literal["title", "prompt", "tail", "turn", "bottom", "screen"] = "bottom"
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


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of agent and the file that describes it; rules stand strongest first."""

    agent: AgentPart
    reads: ReadsPart
    prompts: tuple[PromptPart, ...]
    rules: tuple[RulePart, ...]
    path: Path
    matched: Callable[[str], frozenset[str]]
    """Which patterns of rules and reads match a line. Most lines were asked about before."""

    @property
    def id(self) -> str:
        return self.agent.id


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All kinds of agents that are known, in the order in which they are tried."""

    kinds: tuple[Kind, ...]

    def kind(self, id: str) -> Kind | None:
        """The kind of that id, or None for `other`."""
        return next((kind for kind in self.kinds if kind.id == id), None)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of a rule file, compiled once; there are only as many as the files hold."""
    return re.compile(pattern)


def found(pattern: str, line: str) -> re.Match[str] | None:
    """Search a line, of which no more than LINE_MAX characters are looked at."""
    return compiled(pattern).search(line[:LINE_MAX])


def _matcher(file: RuleFile) -> Callable[[str], frozenset[str]]:
    """All patterns over one line at once, remembered for the lines seen last."""
    patterns = {*file.reads.activity, *file.reads.last_prompt, *file.reads.input}
    for rule in file.rule:
        patterns.update(rule.any, rule.all, rule.not_)

    @lru_cache(maxsize=LINES_KEPT)
    def matched(line: str) -> frozenset[str]:
        return frozenset(pattern for pattern in patterns if found(pattern, line))

    return matched


def load(folders: Sequence[Path] = ()) -> RuleSet:
    """The built-in rules, each file replaced by one of the same name in `folders`.

    Later folders win over earlier ones; a folder that does not exist holds nothing. Raises
    RuleFault.
    """
    files: dict[str, Path] = {}
    for folder in (BUILT_IN, *folders):
        if folder.is_dir():
            files.update({path.name: path for path in sorted(folder.glob("*.toml"))})
    kinds: dict[str, Kind] = {}
    for name in sorted(files):
        kind = _read(files[name])
        if kind.id in kinds:
            raise RuleFault(
                f"{kind.path}: agent.id: {kind.id} is also described by "
                f"{kinds[kind.id].path}: give it another id, or name the file {kind.id}.toml"
            )
        kinds[kind.id] = kind
    return RuleSet(tuple(kinds.values()))


def rule_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a person's own rule files lie: `rules/` in the settings folder."""
    home = environ.get("HOME") or str(Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or Path(home) / ".config")
    return (config / "orc-tui" / "rules",)


def _read(path: Path) -> Kind:
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise RuleFault(f"{path}: larger than {FILE_MAX_BYTES} bytes: is this a rule file?")
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RuleFault(f"{path}: cannot be read ({error}): mend or remove it") from error
    except tomllib.TOMLDecodeError as error:
        raise RuleFault(f"{path}: not TOML ({error}): mend that line or remove the file") from error
    try:
        file = RuleFile.model_validate(data)
    except ValidationError as error:
        raise RuleFault(_first_fault(path, error, data)) from error
    if file.agent.id == OTHER:
        raise RuleFault(f"{path}: agent.id: {OTHER} is what no rule knows: choose another id")
    rules = tuple(sorted(file.rule, key=lambda rule: -rule.priority))
    return Kind(file.agent, file.reads, tuple(file.prompt), rules, path, _matcher(file))


def _first_fault(path: Path, error: ValidationError, data: dict[str, Any]) -> str:
    """One line: the file, the field by its path (a rule by its id), and what to do."""
    first = error.errors()[0]
    places: list[str] = []
    here: object = data
    for step in first["loc"]:
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
            if isinstance(here, dict) and isinstance(here.get("id"), str):
                places[-1] += f"[{here['id']}]"
                continue
        if isinstance(step, int):
            places[-1] += f"[{step}]"
        else:
            places.append(step)
    field = ".".join(places) or "file"
    more = error.error_count() - 1
    rest = f" (and {more} more)" if more else ""
    return f"{path}: {field}: {first['msg'].removeprefix('Value error, ')}{rest}: mend that field"
