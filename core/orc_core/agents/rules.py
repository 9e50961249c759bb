"""Rule files: how each kind of agent is told apart, read and answered.

Invariant: a rule set is checked whole before it is used. A pattern that repeats what varies
is refused, and a fault names the file, the field and the remedy.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from orc_core.agents.patterns import safe_pattern
from orc_core.agents.sieve import Sieve
from orc_core.errors import OrcError
from orc_core.model.agent import OTHER, State, Waiting
from orc_core.model.substates import SUBSTATES
from orc_storage.paths import read_plain

BUILT_IN: Final = Path(__file__).with_name("rules")
BOTTOM_LINES: Final = 12
TAIL_LINES: Final = 4
PATTERN_MAX: Final = 300
FILE_MAX_BYTES: Final = 256 * 1024


SHIPPED: Final[dict[str, str]] = {}
"""The context in which the rule files that ship are read."""


class RuleFault(OrcError):
    """A rule file that cannot be used; the text names file, field and remedy."""


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule and its patterns as sets: one of `told`, which are those that name a line, is met."""

    rule: RulePart
    region: str
    told: frozenset[str]
    all: frozenset[str]
    not_: frozenset[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of agent and the file that describes it; rules stand strongest first."""

    agent: AgentPart
    reads: ReadsPart
    prompts: tuple[PromptPart, ...]
    rules: tuple[RulePart, ...]
    told_by: Mapping[str, tuple[Wanted, ...]]
    """The same by their source, title or screen."""
    path: Path
    sieve: Sieve
    """Tells which patterns of its rules and reads match a line."""

    @property
    def id(self) -> str:
        return self.agent.id


@dataclass(slots=True)
class RuleSet:
    """All kinds of agents that are known, in the order in which they are tried.

    It is shared by all who read agents and changes under them as a whole: `take`. `faults` are
    the rule files that cannot be used, each with field and remedy, found at `faults_at`.
    """

    kinds: tuple[Kind, ...]
    faults: tuple[str, ...] = ()
    faults_at: float = 0.0

    @property
    def trouble(self) -> str:
        """All faults in one line; "" where there are none."""
        more = f" (and {len(self.faults) - 1} more: see `orc doctor`)"
        return self.faults[0] + more * (len(self.faults) > 1) if self.faults else ""

    def take(self, newer: RuleSet) -> None:
        """Go by the rules of another set from now on."""
        self.kinds, self.faults, self.faults_at = newer.kinds, newer.faults, newer.faults_at

    def kind(self, id: str) -> Kind | None:
        """The kind of that id, or None for `other`."""
        return next((kind for kind in self.kinds if kind.id == id), None)


def _sieve(file: RuleFile) -> Sieve:
    """What tells which patterns of a file's rules and reads match a line."""
    patterns = {*file.reads.activity, *file.reads.last_prompt, *file.reads.input}
    for rule in file.rule:
        patterns.update(rule.any, rule.all, rule.not_)
    return Sieve(patterns)


def load(folders: Sequence[Path] = ()) -> RuleSet:
    """The built-in rules, each file replaced by one of the same name in `folders`.

    Later folders win over earlier ones; a folder that does not exist holds nothing. Raises
    RuleFault.
    """
    rules = load_sound(folders)
    if rules.faults:
        raise RuleFault(rules.faults[0])
    return rules


def load_sound(folders: Sequence[Path], before: RuleSet | None = None, now: float = 0.0) -> RuleSet:
    """The same, with faults set down instead of raised.

    In the place of a file that cannot be used stand the rules that `before` had from it, else
    the built-in ones, else none. `now` is when the faults are found, in epoch seconds.
    """
    files = {path.name: _read(path, SHIPPED) for path in sorted(BUILT_IN.glob("*.toml"))}
    faults: list[str] = []
    for path in _own_files(folders, faults):
        try:
            files[path.name] = _only(_read(path), files)
        except RuleFault as fault:
            kept = next((one for one in before.kinds if one.path == path), None) if before else None
            if kept is not None:
                files[path.name] = kept
            meanwhile = files.get(path.name)
            what = "these rules" if meanwhile is kept else "the built-in rules"
            rest = f"; until then {what} stand as they were" if meanwhile is not None else ""
            faults.append(f"{fault}{rest}")
    return RuleSet(tuple(files[name] for name in sorted(files)), tuple(faults), now)


def check(path: Path) -> Kind:
    """One rule file as it would be used; raises RuleFault."""
    return _read(path)


def _own_files(folders: Sequence[Path], faults: list[str]) -> list[Path]:
    found: list[Path] = []
    for folder in folders:
        try:
            if folder.is_dir():
                found.extend(sorted(folder.glob("*.toml")))
        except OSError as error:
            faults.append(f"{folder}: cannot be read ({error.strerror}): mend its permissions")
    return found


def _only(kind: Kind, files: Mapping[str, Kind]) -> Kind:
    """The kind, if no other file describes it already."""
    for name, other in files.items():
        if other.id == kind.id and name != kind.path.name:
            raise RuleFault(
                f"{kind.path}: agent.id: {kind.id} is also described by {other.path}: "
                f"give it another id, or name the file {other.path.name}"
            )
    return kind


def rule_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a person's own rule files lie: `rules/` in the settings folder."""
    home = environ.get("HOME") or str(Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or Path(home) / ".config")
    return (config / "orc-tui" / "rules",)


def _read(path: Path, context: object = None) -> Kind:
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise RuleFault(f"{path}: larger than {FILE_MAX_BYTES} bytes: is this a rule file?")
        data: dict[str, Any] = tomllib.loads(read_plain(path, FILE_MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise RuleFault(f"{path}: cannot be read ({error}): mend or remove it") from error
    except tomllib.TOMLDecodeError as error:
        raise RuleFault(f"{path}: not TOML ({error}): mend that line or remove the file") from error
    except RecursionError:
        raise RuleFault(f"{path}: nested too deeply: mend or remove it") from None
    try:
        file = RuleFile.model_validate(data, context=context)
    except ValidationError as error:
        raise RuleFault(_first_fault(path, error, data)) from error
    if file.agent.id == OTHER:
        raise RuleFault(f"{path}: agent.id: {OTHER} is what no rule knows: choose another id")
    rules = tuple(sorted(file.rule, key=lambda rule: -rule.priority))
    prompts = tuple(file.prompt)
    return Kind(file.agent, file.reads, prompts, rules, _told_by(rules), path, _sieve(file))


def _told_by(rules: Sequence[RulePart]) -> dict[str, tuple[Wanted, ...]]:
    return {
        source: tuple(
            Wanted(
                rule,
                rule.region,
                frozenset(rule.any or rule.all),
                frozenset(rule.all),
                frozenset(rule.not_),
            )
            for rule in rules
            if rule.source == source
        )
        for source in ("title", "screen")
    }


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
