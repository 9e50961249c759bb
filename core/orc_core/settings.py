"""What a person set in `config.toml`: their own file, then the workspace's over it.

Invariant: a file that is not there says nothing, and one that is wrong is refused whole, with
its name, the field and what to do; no setting is ever guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from orc_core.errors import UsageError
from orc_storage.paths import is_private, read_plain

FILE_NAME: Final = "config.toml"
FILE_MAX_BYTES: Final = 256 * 1024
OWN_ONLY: Final = ("screen", "notify")
"""The tables about a person and not about a workspace: only the person's own file has them."""

Model = TypeVar("Model", bound=BaseModel)

EventPattern = Annotated[str, Field(pattern=r"^[a-z*]{1,20}\.[a-z*-]{1,20}$")]
ServerName = Annotated[str, Field(min_length=1, max_length=200)]


class Section(BaseModel):
    """One table of the file: unknown names are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BackupSettings(Section):
    """`[backups]`: whether and when the leader makes one, and for how long it is kept.

    `at` is a local time of day, HH:MM.
    """

    scheduled: bool = True
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "02:00"
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 30


class StoreSettings(Section):
    """`[store]`: how large it may grow, and what is too young to be archived for its age."""

    max_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    keep_days: Annotated[int, Field(ge=0, le=3650)] = 30


class PaceSettings(Section):
    """When the documents of one kind are brought in step; what is not said is as elsewhere.

    `interval_s` counts for `batch`, `events` (patterns such as `task.done`) for `event`.
    """

    strategy: Literal["realtime", "batch", "lazy", "event"] | None = None
    interval_s: Annotated[float, Field(ge=1, le=86_400)] | None = None
    events: Annotated[list[EventPattern], Field(min_length=1, max_length=64)] | None = None


class LayerSettings(PaceSettings):
    """`[layers.NAME]`: whether the layer is on, when it is synced, and so for single kinds.

    `servers` are the tmux servers, by name or socket, that may be published to though they
    are not ours.
    """

    on: bool | None = None
    servers: Annotated[list[ServerName], Field(max_length=64)] | None = None
    kinds: Annotated[dict[str, PaceSettings], Field(max_length=16)] = {}


def _flat(told: object, above: str = "") -> object:
    """Read `task.title = …` and `"task.title" = …` alike."""
    if not isinstance(told, dict):
        return told
    flat: dict[str, object] = {}
    for key, value in told.items():
        name = f"{above}.{key}" if above else str(key)
        inner = _flat(value, name)
        flat |= inner if isinstance(inner, dict) else {name: inner}
    return flat


Subject = Annotated[str, Field(pattern=r"^(task|agent|workflow)(\.[^\s.]([^\n]{0,199}))?$")]
SUBJECTS_MAX: Final = 256


class ConflictSettings(Section):
    """`[conflicts]`: who wins where both sides changed a field, by KIND or KIND.FIELD."""

    strategies: Annotated[
        dict[Subject, Literal["TMUX_WINS", "LAST_WRITE", "MERGE", "MANUAL"]],
        BeforeValidator(_flat),
        Field(max_length=SUBJECTS_MAX),
    ] = {}
    owners: Annotated[
        dict[Subject, Literal["people", "tmux"]],
        BeforeValidator(_flat),
        Field(max_length=SUBJECTS_MAX),
    ] = {}


def _listed(told: object) -> object:
    """Read `"y"` as `["y"]`."""
    return (
        {id: [key] if isinstance(key, str) else key for id, key in told.items()}
        if isinstance(told, dict)
        else told
    )


ActionId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
Key = Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
ThemeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class ScreenSettings(Section):
    """`[screen]`: the name of a theme, and whether signs are drawn in ASCII."""

    theme: ThemeName | None = None
    ascii: bool = False


def _pattern(told: str) -> str:
    try:
        re.compile(told)
    except re.error as error:
        raise ValueError(f"no regular expression ({error})") from None
    return told


Pattern = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_pattern)]
RuleName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]


class RecordingSettings(Section):
    """`[recordings]`: how large one may be, and what is hidden in it.

    `hide` are a person's own patterns by name; `show` names rules of ours that are switched off.
    """

    max_mb: Annotated[int, Field(ge=1, le=10_000)] = 64
    hide: Annotated[dict[RuleName, Pattern], Field(max_length=64)] = {}
    show: Annotated[list[RuleName], Field(max_length=64)] = []


Word = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]


class NotifySettings(Section):
    """`[notify]`: how an operator who looks elsewhere is told that agents need them.

    `by` are sequences that the terminal understands, `command` is run as it stands, `on` are
    the states that count. `unknown` is what the dashboard takes an operator for where the
    terminal does not tell whether it has the focus.
    """

    title: bool = True
    by: Annotated[list[Literal["osc9", "osc777", "osc99", "bell"]], Field(max_length=4)] = []
    command: Annotated[list[Word], Field(max_length=64)] = []
    on: Annotated[
        list[Literal["waiting", "crashed", "error", "limited", "done"]], Field(max_length=5)
    ] = ["waiting", "crashed", "error"]
    when: Literal["away", "always"] = "away"
    unknown: Literal["away", "here"] = "away"
    every_s: Annotated[float, Field(ge=1, le=86_400)] = 30.0


Share = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class ScaleSettings(Section):
    """`[scale.AGENT]`: how many instances of an agent there are to be, as the queue wants them.

    They are proposed; with `automatic` the leader starts and stops them. What the others mean
    is said where it is decided.
    """

    min: Annotated[int, Field(ge=1, le=64)] = 1
    max: Annotated[int, Field(ge=1, le=64)] = 10
    automatic: bool = False
    busy_up: Share = 0.8
    busy_down: Share = 0.25
    waiting_up: Annotated[int, Field(ge=0, le=100_000)] = 100
    wait_up_s: Seconds = 60.0
    rest_up_s: Seconds = 60.0
    rest_down_s: Seconds = 300.0

    @model_validator(mode="after")
    def _in_order(self) -> ScaleSettings:
        if self.min > self.max:
            raise ValueError("min is more than max")
        if self.busy_down >= self.busy_up:
            raise ValueError("busy_down is not less than busy_up")
        return self


class QueueSettings(Section):
    """`[queue]`: into which agents at rest the leader types their next task, by patterns."""

    feed: Annotated[list[ServerName], Field(max_length=64)] = []


AtPrompt = Literal["never", "worktrees", "always"]


class CodeSettings(Section):
    """`[code]`: of which work trees a checkpoint is made at each prompt given to an agent.

    `worktrees` are linked ones in which an agent is that was started from here.
    """

    checkpoint_at_prompt: AtPrompt = "worktrees"


class Settings(Section):
    """The whole file.

    `keys` are what the dashboard binds: action id -> its keys, or none. Which actions and keys
    there are, only the dashboard knows.
    """

    screen: ScreenSettings = ScreenSettings()
    notify: NotifySettings = NotifySettings()
    backups: BackupSettings = BackupSettings()
    store: StoreSettings = StoreSettings()
    layers: Annotated[dict[str, LayerSettings], Field(max_length=64)] = {}
    conflicts: ConflictSettings = ConflictSettings()
    code: CodeSettings = CodeSettings()
    recordings: RecordingSettings = RecordingSettings()
    queue: QueueSettings = QueueSettings()
    scale: Annotated[dict[str, ScaleSettings], Field(max_length=64)] = {}
    keys: Annotated[
        dict[ActionId, Annotated[list[Key], Field(max_length=8)]],
        BeforeValidator(_listed),
        Field(max_length=200),
    ] = {}


def own_folder(environ: Mapping[str, str]) -> Path:
    """Where what a person set for themselves lies, by XDG rules."""
    home = environ.get("HOME") or str(Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or Path(home) / ".config")
    return config / "orc-tui"


def own_file(environ: Mapping[str, str]) -> Path:
    """Where a person's own settings lie."""
    return own_folder(environ) / FILE_NAME


def load_own(environ: Mapping[str, str]) -> Settings:
    """Read the person's own file alone: what counts before a workspace is found.

    Raises UsageError for a file that cannot be read as settings.
    """
    return read_model(own_file(environ), Settings) or Settings()


def load(environ: Mapping[str, str], workspace: Path) -> Settings:
    """Read the person's file and that of the workspace in the folder `workspace`.

    A workspace that others can write to says nothing here; opening its store tells why. Raises
    UsageError for a file that cannot be read as settings.
    """
    own, *rest = _files(environ, workspace)
    told = _said(own)
    for path in rest:
        more = _said(path)
        for name in more.keys() & set(OWN_ONLY):
            raise UsageError(f"{path}: {name}: this is yours alone: move it to {own}")
        told = laid_over(told, more)
    return Settings.model_validate(told)


def load_keys(
    environ: Mapping[str, str], workspace: Path
) -> tuple[tuple[Path, Mapping[str, Sequence[str]]], ...]:
    """What `load` finds in `keys`, by file, so that a fault in it can be said with its name."""
    return tuple((path, _said(path).get("keys", {})) for path in _files(environ, workspace))


def _files(environ: Mapping[str, str], workspace: Path) -> list[Path]:
    """The files that count, each over those before it."""
    files = [own_file(environ)]
    return [*files, workspace / FILE_NAME] if is_private(workspace) else files


def _said(path: Path) -> dict[str, Any]:
    told = read_model(path, Settings)
    return {} if told is None else told.model_dump(exclude_unset=True)


def read_model(path: Path, model: type[Model]) -> Model | None:
    """Read a TOML file as a model; None where there is no file.

    Raises UsageError that names the file, the field and the remedy.
    """
    try:
        text = read_plain(path, FILE_MAX_BYTES + 1)
        # What is cut off would be dropped without a word.
        if len(text) > FILE_MAX_BYTES:
            raise UsageError(f"{path}: larger than {FILE_MAX_BYTES} bytes: shorten it")
        return model.model_validate(tomllib.loads(text.decode("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}): mend or remove it") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML ({error}): mend that line") from error
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply: mend or remove it") from None
    except ValidationError as error:
        raise UsageError(_first_fault(path, error)) from error


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """What both say together; where they differ, what is said above."""
    whole = below | above
    for name in below.keys() & above.keys():
        if isinstance(below[name], dict) and isinstance(above[name], dict):
            whole[name] = laid_over(below[name], above[name])
    return whole


def _first_fault(path: Path, error: ValidationError) -> str:
    fault = error.errors()[0]
    field = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"{path}: {field}: there is no such setting: mend the name or take the line out"
    return f"{path}: {field}: {fault['msg']}, not {str(fault['input'])[:80]!r}: mend it"
