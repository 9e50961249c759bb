"""What Claude Code tells its status line: context, cost, model, and when limits end.

Invariant: pure; a figure of the wrong type or out of range counts as not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from orc_core.model.agent import Usage
from orc_core.text import clean

ACCOUNT_MAX: Final = 60
_DEFAULT_FOLDERS: Final = (".claude", ".codex")


@dataclass(frozen=True, slots=True)
class StatusLine:
    """What was told last. `resets_at` is when the fullest limit ends, 0 where that is unknown."""

    usage: Usage
    resets_at: float = 0.0


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e15 else None


def _time(value: object) -> float:
    """Seconds since the epoch, from a number or from ISO 8601; 0 for anything else."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        except (ValueError, OverflowError):
            return 0.0
    return _number(value) or 0.0


_Number = Annotated[float | None, BeforeValidator(_number)]


def _part(value: object) -> object:
    return value if isinstance(value, dict) else {}


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class _Model(_Lenient):
    id: Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")] = ""
    display_name: Annotated[
        str, BeforeValidator(lambda value: value if isinstance(value, str) else "")
    ] = ""


class _Cost(_Lenient):
    total_cost_usd: _Number = None


class _Context(_Lenient):
    used_percentage: _Number = None
    total_input_tokens: _Number = None
    total_output_tokens: _Number = None


class _Limit(_Lenient):
    used_percentage: _Number = None
    resets_at: Annotated[float, BeforeValidator(_time)] = 0.0


class _Limits(_Lenient):
    five_hour: Annotated[_Limit, BeforeValidator(_part)] = _Limit()
    seven_day: Annotated[_Limit, BeforeValidator(_part)] = _Limit()


class _Line(_Lenient):
    model: Annotated[_Model, BeforeValidator(_part)] = _Model()
    cost: Annotated[_Cost, BeforeValidator(_part)] = _Cost()
    context_window: Annotated[_Context, BeforeValidator(_part)] = _Context()
    rate_limits: Annotated[_Limits, BeforeValidator(_part)] = _Limits()
    transcript_path: Annotated[
        str, BeforeValidator(lambda value: value if isinstance(value, str) else "")
    ] = ""


def status_line(body: Mapping[str, Any], at: float) -> StatusLine | None:
    """The figures of one status line; None where it is none."""
    try:
        line = _Line.model_validate(body)
    except ValidationError:
        return None
    context = line.context_window.used_percentage
    tokens = [line.context_window.total_input_tokens, line.context_window.total_output_tokens]
    limits = sorted(
        (line.rate_limits.five_hour, line.rate_limits.seven_day),
        key=lambda limit: limit.used_percentage or 0.0,
    )
    usage = Usage(
        context=min(1.0, context / 100) if context is not None else None,
        cost_usd=line.cost.total_cost_usd,
        tokens=int(sum(one or 0.0 for one in tokens)) if any(tokens) else None,
        model=clean(line.model.display_name or line.model.id, limit=40).strip(),
        account=account(line.transcript_path, "projects"),
        at=at,
    )
    return StatusLine(usage, limits[-1].resets_at)


def account(path: str, folder: str) -> str:
    """Which account an agent runs under, told by its settings folder; "" for the usual one.

    `folder` is the one in which its conversations lie, below the settings folder.
    """
    parts = PurePath(path).parts
    if folder not in parts[1:]:
        return ""
    name = parts[parts.index(folder, 1) - 1]
    return "" if name in _DEFAULT_FOLDERS else clean(name, limit=ACCOUNT_MAX).strip(" ./")
