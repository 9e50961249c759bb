"""What a restore of a work tree would do: pure, over what differs and what was left out.

Invariant: a file that no checkpoint of now holds is never written over, and one that was made
since is removed only where that was asked for. What cannot be done is named with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from orc_core.code.differences import chosen
from orc_core.code.files import is_safe
from orc_core.model.code import FileStep, LeftOut, TreeCheckpoint


@dataclass(frozen=True, slots=True)
class Sorted:
    """The steps that are to be done, the files that stay, and those that are kept back."""

    steps: tuple[FileStep, ...]
    stays: tuple[bytes, ...]
    kept_back: tuple[LeftOut, ...]


def sort_steps(
    every: Sequence[FileStep],
    *,
    then: TreeCheckpoint,
    now_left_out: Collection[LeftOut],
    wanted: Collection[bytes],
    is_exact: bool,
    obstacle: Callable[[bytes], bytes | None],
) -> Sorted:
    """Say of each step between now and then whether it is done.

    `then` is the checkpoint that is gone back to, `now_left_out` what one of now could not hold,
    `wanted` the
    files or folders that were chosen, all where empty. `obstacle` names what lies in the way of
    a file that is to be written.
    """
    some = [step for step in every if chosen(step.path, wanted)]
    absent = {one.path: f"not in the checkpoint: {one.why}" for one in then.left_out}
    unsaved = {one.path: f"could not be saved first: {one.why}" for one in now_left_out}
    removed = {step.path for step in some if step.after is None} if is_exact else set()
    steps: list[FileStep] = []
    stays: list[bytes] = []
    kept_back: list[LeftOut] = []
    for step in some:
        why = absent.get(step.path) or unsaved.get(step.path, "")
        if not why and not is_safe(step.path):
            why = "no name of a file in a work tree"
        if not why and step.after is not None:
            way = obstacle(step.path)
            if way is not None and way not in removed:
                why = "something made since is in its place"
        if not why and step.after is None and is_exact:
            why = _was_ignored(step.path, then.ignored)
        if why:
            kept_back.append(LeftOut(step.path, why))
        elif step.after is None and not is_exact:
            stays.append(step.path)
        else:
            steps.append(step)
    return Sorted(tuple(steps), tuple(stays), tuple(kept_back))


def _was_ignored(path: bytes, ignored: Collection[bytes] | None) -> str:
    """Why a file that the checkpoint does not hold may yet have been there; "" if it was not."""
    if ignored is None:
        return "it may have been there, ignored: too many files were"
    above = (path[: at + 1] for at, byte in enumerate(path) if byte == ord("/"))
    return "it was there, ignored" if {path, *above} & set(ignored) else ""
