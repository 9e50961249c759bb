"""Files in which several agents are at work: pure, over what each of them touched.

Invariant: no history of git is needed. Two agents overlap in a file of one repository, whichever
work trees of it they are in; an agent that told nothing counts by the changes of a tree in which
it is alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from orc_core.model.code import FileOverlap, Touch, TreeState

OVERLAPS_MAX: Final = 500
LASTS_S: Final = 24 * 3600.0
"""How long it counts that an agent was at a file."""


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent, the work tree in which it is, and the files that its hooks told of.

    `files` are paths with the time of the last touch; None where no hook ever told. `prompts`
    are what it was told with the times, `prompt` the last of that where no hook tells.
    """

    agent: str
    top: str
    task: str = ""
    prompt: str = ""
    files: tuple[tuple[float, str], ...] | None = None
    folder: str = ""
    prompts: tuple[tuple[float, str], ...] = ()


def overlaps(
    workers: Sequence[Worker], trees: Iterable[TreeState], now: float
) -> tuple[FileOverlap, ...]:
    """Every file in which two or more agents are at work, by repository and name."""
    states = {one.top: one for one in trees if not one.trouble}
    at_work = Counter(worker.top for worker in workers)
    touched: dict[tuple[str, bytes], dict[str, Touch]] = {}
    for worker in workers:
        for repository, path, touch in _touches(worker, states, is_alone=at_work[worker.top] == 1):
            if now - touch.at > LASTS_S:
                continue
            held = touched.setdefault((repository, path), {})
            before = held.get(worker.agent)
            if before is None or before.at < touch.at:
                held[worker.agent] = touch
    found = [
        FileOverlap(repository, path, tuple(sorted(some.values(), key=lambda one: -one.at)))
        for (repository, path), some in sorted(touched.items())
        if len(some) > 1
    ]
    return tuple(found[:OVERLAPS_MAX])


def touched(
    workers: Sequence[Worker], trees: Iterable[TreeState], now: float
) -> tuple[tuple[bytes, Touch], ...]:
    """The files in which agents were within a day, each with who was, the newest first."""
    states = {one.top: one for one in trees if not one.trouble}
    at_work = Counter(worker.top for worker in workers)
    found = [
        (path, touch)
        for worker in workers
        for _, path, touch in _touches(worker, states, is_alone=at_work[worker.top] == 1)
        if now - touch.at <= LASTS_S
    ]
    found.sort(key=lambda one: (-one[1].at, one[0], one[1].agent))
    return tuple(found[:OVERLAPS_MAX])


def _prompt_at(worker: Worker, at: float) -> str:
    """What an agent had been told last when it was at a file."""
    if not worker.prompts:
        return worker.prompt
    return next((text for when, text in reversed(worker.prompts) if when <= at), "")


def _touches(
    worker: Worker, states: dict[str, TreeState], *, is_alone: bool
) -> Iterable[tuple[str, bytes, Touch]]:
    touch = Touch(worker.agent, 0.0, worker.top, worker.task, worker.prompt)
    for at, path in worker.files or ():
        place = _place(path, worker, states)
        if place is not None:
            told = _prompt_at(worker, at)
            found = replace(touch, at=at, top=place[0].top, prompt=told)
            yield place[0].repository, place[1], found
    state = states.get(worker.top)
    if worker.files is None and state is not None and is_alone:
        for name in (*state.changed, *state.untracked):
            yield state.repository, name, replace(touch, at=state.at, is_told=False)


def _place(
    path: str, worker: Worker, states: dict[str, TreeState]
) -> tuple[TreeState, bytes] | None:
    """The tree in which a file is, the innermost one, and its name from there."""
    whole = PurePath(os.path.normpath(os.path.join(worker.folder or worker.top, path)))  # noqa: PTH118
    inside = [one for one in states.values() if whole.is_relative_to(one.top)]
    if not inside:
        return None
    state = max(inside, key=lambda one: len(one.top))
    return state, os.fsencode(whole.relative_to(state.top))
