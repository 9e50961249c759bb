"""Two agents in one file, and branches that will conflict, as conflicts of their own kinds.

Invariant: they are made of what is known now, so that each is there at once, is the same one in
every process, and goes as it ends; none is kept in the store but what was said of it. Pure.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from orc_core.model.agent import Agent
from orc_core.model.code import Code, FileOverlap, Forecast, Touch, TreeState, shown
from orc_core.text import clean
from orc_storage.records import Clash, Conflict, ConflictState, Side

FILE: Final = "file"
"""The kind of thing that these conflicts are about."""
PREFIX: Final = "F-"
SHOWN_MAX: Final = 100
_ID_BYTES: Final = 5


def encounters(
    code: Code, agents: Iterable[Agent], put_off: Mapping[str, float], now: float
) -> tuple[Conflict, ...]:
    """The overlaps, the newest first, then the forecasts between agents.

    `put_off` says by id until when one is deferred, in seconds since the epoch.
    """
    tops = {one.top: one for one in code.trees}
    found = [_overlap(one, tops) for one in code.overlaps]
    found.sort(key=lambda one: -one.opened_at)
    workers = _of_branch(code, agents)
    found += [
        _forecast(one, workers, code)
        for one in code.forecasts
        if one.clashes and (one.left in workers or one.right in workers)
    ]
    return tuple(_deferred(one, put_off.get(one.id, 0.0), now) for one in found[:SHOWN_MAX])


def _overlap(overlap: FileOverlap, tops: Mapping[str, TreeState]) -> Conflict:
    newest, *others = overlap.touches
    second = others[0]
    trees = {touch.top for touch in overlap.touches}
    place = "in one work tree" if len(trees) == 1 else f"in {len(trees)} work trees"
    more = f", with {len(others) - 1} more" if len(others) > 1 else ""
    everybody = sorted(touch.agent for touch in overlap.touches)
    left, right = sorted((newest, second), key=lambda one: one.agent)
    return _conflict(
        _ident(overlap.repository, shown(overlap.path), *everybody),
        Clash.OVERLAP,
        shown(overlap.path),
        _side_of(left, tops),
        _side_of(right, tops),
        f"are both in it, {place}{more}",
        second.at,
    )


def _side_of(touch: Touch, tops: Mapping[str, TreeState]) -> Side:
    """An agent at a file: its task as the cause, and what it was told last as the value."""
    tree = tops.get(touch.top)
    layer = tree.title if tree is not None else touch.top
    told = clean(touch.prompt, limit=200)
    return Side(layer, told, bool(told), touch.agent, touch.at, 0, touch.task)


def _forecast(forecast: Forecast, workers: Mapping[str, Sequence[Agent]], code: Code) -> Conflict:
    first, *others = forecast.clashes
    count = sum(one.hunks for one in forecast.clashes)
    hunks = f", {count} hunk{'s' if count > 1 else ''}" if count else ""
    more = f" and {len(others)} more" if others else ""
    heads = {one.title: one.at for one in code.trees if one.repository == forecast.repository}
    left, right = (_branch_side(one, workers, heads) for one in (forecast.left, forecast.right))
    return _conflict(
        _ident(forecast.repository, forecast.left, forecast.right),
        Clash.FORECAST,
        shown(first.path) + more,
        left,
        right,
        f"will conflict{hunks}",
        max(left.at, right.at),
    )


def _branch_side(
    branch: str, workers: Mapping[str, Sequence[Agent]], heads: Mapping[str, float]
) -> Side:
    agents = workers.get(branch, ())
    writer = agents[0].name if agents else branch
    task = agents[0].task or "" if agents else ""
    return Side(branch, None, False, writer, heads.get(branch, 0.0), 0, task)


def _of_branch(code: Code, agents: Iterable[Agent]) -> dict[str, list[Agent]]:
    found: dict[str, list[Agent]] = {}
    for agent in agents:
        tree = code.tree_of(agent.cwd) if agent.cwd and not agent.is_other else None
        if tree is not None and tree.branch and not agent.has_ended:
            found.setdefault(tree.branch, []).append(agent)
    return found


def _conflict(
    id: str, kind: Clash, about: str, left: Side, right: Side, why: str, at: float
) -> Conflict:
    return Conflict(
        id=id,
        kind=kind,
        doc_kind=FILE,
        doc=about,
        path="",
        base=None,
        base_present=False,
        base_rev=0,
        left=left,
        right=right,
        state=ConflictState.OPEN,
        opened_at=at,
        why=why,
    )


def _deferred(conflict: Conflict, until: float, now: float) -> Conflict:
    if until <= now:
        return conflict
    return replace(conflict, state=ConflictState.DEFERRED, deferred_until=until)


def _ident(*parts: str) -> str:
    """The same name in every process for the same thing."""
    told = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).digest()
    return PREFIX + base64.b32encode(told[:_ID_BYTES])[:4].decode("ascii").lower()
