"""A merge of two branches as the conflict view shows it: each part is one conflict of a file.

Invariant: what is shown as decided is what the core is told, byte for byte; text that is not
UTF-8 is shown, and never written from what was shown. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orc_core.model.code import Code, Forecast, shown
from orc_core.model.merging import Choice, Merge, MergeSide, Part, PartKind, Take
from orc_storage.records import Clash, Conflict, ConflictState, Side
from orc_tui.view_models.conflict_parts import Taken

BEGINNING: Final = "what both began with"
_OUT: Final = "utf-8", "surrogateescape"


def conflicts(merge: Merge) -> tuple[Conflict, ...]:
    """The parts of a merge, in their order."""
    return tuple(_conflict(merge, part) for part in merge.parts)


def _conflict(merge: Merge, part: Part) -> Conflict:
    is_lines = part.kind is PartKind.LINES
    kind = Clash.EDIT_EDIT
    if part.base is None and not is_lines:
        kind = Clash.ADD_ADD
    elif None in (part.left, part.right) and not is_lines:
        kind = Clash.EDIT_DELETE
    return Conflict(
        id=conflict_id(merge, part.number),
        kind=kind,
        doc_kind="file",
        doc=shown(part.path),
        path=f"text#{part.number}" if is_lines else part.kind.value,
        base=_value(part.base),
        base_present=part.base is not None,
        base_rev=0,
        left=_side(merge.left, part.left),
        right=_side(merge.right, part.right),
        state=ConflictState.OPEN,
        opened_at=float(part.number),
        why="" if is_lines else part.why,
        base_by=BEGINNING,
        line=part.line if is_lines else 0,
    )


def _side(side: MergeSide, held: bytes | None) -> Side:
    task = f"task {side.task}" if side.task else ""
    layer = side.name if side.agent else side.commit[:10]
    return Side(layer, _value(held), held is not None, side.agent or side.name, 0.0, 0, task)


def _value(held: bytes | None) -> str | None:
    return None if held is None else held.decode(*_OUT).removesuffix("\n")


def texts(merge: Merge) -> dict[str, str]:
    """The texts with lines to decide, by the file as it is shown."""
    return {shown(path): text.decode(*_OUT) for path, text in merge.texts.items()}


def conflict_id(merge: Merge, number: int) -> str:
    """What a part is called on the screen."""
    return f"{merge.id}.{number}"


def taken(merge: Merge) -> dict[str, Taken]:
    """What is chosen so far, by conflict."""
    return {
        conflict_id(merge, number): Taken(choice.take.value, _value(choice.value))
        for number, choice in merge.choices.items()
    }


def choices(merge: Merge, chosen: Mapping[str, Taken]) -> dict[int, Choice | None]:
    """What to tell the core: of each part what is chosen, None for nothing, where that is new."""
    told: dict[int, Choice | None] = {}
    for part in merge.parts:
        one = chosen.get(conflict_id(merge, part.number))
        choice = None if one is None else Choice(Take(one.take), _written(part, one))
        if choice != merge.choices.get(part.number):
            told[part.number] = choice
    return told


def _written(part: Part, one: Taken) -> bytes:
    """The lines that somebody typed, with the line ends of the part."""
    if one.take != "value" or not one.value:
        return b""
    text = str(one.value).replace("\r\n", "\n").removesuffix("\r").encode(*_OUT)
    is_dos = any(side is not None and b"\r\n" in side for side in (part.left, part.right))
    return (text + b"\n").replace(b"\n", b"\r\n" if is_dos else b"\n")


def why_not(part: Part, take: str) -> str:
    """Why a part cannot be decided so; "" where it can."""
    if Take(take) in part.takes:
        return ""
    takes = ", ".join(one.value for one in part.takes)
    return f"{take} is off for {part.kind.value}: there is {takes}"


def why_not_edited(part: Part) -> str:
    """Why a part cannot be typed here; "" where it can."""
    if part.kind is not PartKind.LINES:
        return "only lines can be typed here: take a side"
    try:
        for side in (part.left, part.base, part.right):
            (side or b"").decode("utf-8")
    except UnicodeDecodeError:
        return "these lines are not UTF-8 and cannot be typed here: take a side"
    return ""


def people(
    code: Code, agents: Mapping[str, tuple[str, str]], repository: str
) -> dict[str, tuple[str, str]]:
    """Agent and task by branch of a repository; `agents` has name and task by folder."""
    found: dict[str, tuple[str, str]] = {}
    for folder, who in agents.items():
        tree = code.tree_of(folder)
        if tree is not None and tree.branch and tree.repository == repository:
            found.setdefault(tree.branch, who)
    return found


def partners(code: Code, repository: str, branch: str) -> list[tuple[str, str, str, Forecast]]:
    """With what a branch can be merged: the other one, left and right, and the forecast.

    Those that will conflict come first. The main branch is the left side of its merges.
    """
    mains = {tree.main.of for tree in code.trees if tree.main is not None}
    found = []
    for one in code.forecasts:
        if one.repository != repository or branch not in (one.left, one.right):
            continue
        other = one.right if one.left == branch else one.left
        left, right = (other, branch) if other in mains else (branch, other)
        found.append((other, left, right, one))
    return sorted(found, key=lambda each: not each[3].clashes)


def outlook(forecast: Forecast) -> str:
    """What a merge will come to, in a few words."""
    if forecast.trouble:
        return f"not known: {forecast.trouble}"
    if not forecast.clashes:
        return "merges by itself"
    first = shown(forecast.clashes[0].path)
    more = len(forecast.clashes) - 1
    return f"conflicts in {first}" + (f" and {more} more" if more else "")
