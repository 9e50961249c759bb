"""Rule files: how each kind of agent is told apart, read and answered.

Invariant: a rule set is checked whole before it is used. A pattern that repeats what varies
is refused, and a fault names the file, the field and the remedy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from orc_core.agents.choices import offer_name, offer_trait
from orc_core.agents.rule_parts import (
    SHIPPED,
    AgentPart,
    PromptPart,
    ReadsPart,
    RuleFile,
    RulePart,
)
from orc_core.agents.sieve import Sieve, Trait
from orc_core.errors import OrcError
from orc_core.model.agent import OTHER
from orc_storage.paths import read_plain

BUILT_IN: Final = Path(__file__).with_name("rules")
BLANK: Final = "*blank"
"""The trait of a line on which nothing stands."""
SCROLL_BAR: Final = ("█", "▀", "▄")
BOTTOM_LINES: Final = 12
TAIL_LINES: Final = 4
FILE_MAX_BYTES: Final = 256 * 1024


class RuleFault(OrcError):
    """A rule file that cannot be used; the text names file, field and remedy."""


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
    """Tells which patterns of its rules and reads match a line, and what else it is."""
    offers: tuple[str, ...]
    """For each prompt the trait of a line without which it has no choices, "" for none."""

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
    _by_id: dict[str, Kind] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The first of an id counts, as everywhere.
        self._by_id = {kind.id: kind for kind in reversed(self.kinds)}

    @property
    def trouble(self) -> str:
        """All faults in one line; "" where there are none."""
        more = f" (and {len(self.faults) - 1} more: see `orc doctor`)"
        return self.faults[0] + more * (len(self.faults) > 1) if self.faults else ""

    def take(self, newer: RuleSet) -> None:
        """Go by the rules of another set from now on."""
        self.kinds, self.faults, self.faults_at = newer.kinds, newer.faults, newer.faults_at
        self._by_id = newer._by_id

    def kind(self, id: str) -> Kind | None:
        """The kind of that id, or None for `other`."""
        return self._by_id.get(id)


def _sieve(file: RuleFile) -> Sieve:
    """What tells which patterns of a file's rules and reads match a line, and its traits."""
    patterns = {*file.reads.activity, *file.reads.last_prompt, *file.reads.input}
    for rule in file.rule:
        patterns.update(rule.any, rule.all, rule.not_, [rule.does] if rule.does else [])
    offers = {name: offer_trait(part) for part in file.prompt if (name := offer_name(part))}
    return Sieve(patterns, {BLANK: Trait(is_blank), **offers})


def is_blank(line: str) -> bool:
    """Whether nothing stands on a line; a bar to scroll by is nothing."""
    text = line.strip()
    return not text or text in SCROLL_BAR


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
    told_by, sieve, offers = _told_by(rules), _sieve(file), tuple(map(offer_name, prompts))
    return Kind(file.agent, file.reads, prompts, rules, told_by, path, sieve, offers)


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
