"""Going back in a work tree as lines: its checkpoints, and what of a preview is chosen.

Invariant: what others did since, and what was made since, goes only where it was chosen. What is
chosen is exactly what the rows with a cross show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from orc_core.model.code import (
    Cause,
    FileDiff,
    FileStep,
    Hunk,
    LeftOut,
    Pick,
    RestorePlan,
    Share,
    TreeCheckpoint,
    shown,
)
from orc_core.text import age, clean, fit
from orc_tui.view_models import box
from orc_tui.view_models.lines import Line
from orc_tui.view_models.timeline import actor

CAUSES: Final = {Cause.ASKED: "asked for", Cause.PROMPT: "prompt", Cause.RESTORE: "roll back"}
NAMED_MAX: Final = 12
_SIGNS: Final = {"-": "error", "+": "done", " ": "dim"}
_KIB: Final = 1024


@dataclass(frozen=True)
class Choice:
    """A preview, made exact, with the hunks and the whole files that are to go back.

    `files` are numbers of steps that go back whole, `hunks` pairs of a step and a hunk.
    """

    plan: RestorePlan
    files: frozenset[int] = frozenset()
    hunks: frozenset[tuple[int, int]] = frozenset()

    @cached_property
    def diffs(self) -> dict[bytes, FileDiff]:
        return {one.path: one for one in self.plan.diffs}

    def parts(self, at: int) -> tuple[Hunk, ...]:
        """The hunks of a file of which some can go back alone."""
        step = self.plan.steps[at]
        found = self.diffs.get(step.path)
        whole = step.before is None or step.after is None or found is None or found.is_cut
        return () if whole or found is None else found.hunks

    @cached_property
    def keys(self) -> list[str]:
        """A row for each file, and under those with several hunks one for each hunk."""
        keys: list[str] = []
        for at, _ in enumerate(self.plan.steps):
            keys.append(key(at))
            parts = self.parts(at)
            keys += [key(at, one.number) for one in parts] if len(parts) > 1 else []
        return keys

    def sign(self, at: int, hunk: int = 0) -> str:
        """`x` for what goes back, `~` for a file of which a part does, else a blank."""
        if at in self.files or (at, hunk) in self.hunks:
            return "x"
        return "~" if not hunk and any(one == at for one, _ in self.hunks) else " "

    @property
    def count(self) -> int:
        """Of how many files something goes back."""
        return len(self.files | {at for at, _ in self.hunks})

    def turned(self, name: str) -> Choice:
        """With the file or hunk of a row taken, or left where it was taken."""
        at, hunk = parse(name)
        mine = frozenset(one for one in self.hunks if one[0] == at)
        if not hunk:
            files = self.files - {at} if at in self.files else self.files | {at}
            return replace(self, files=files, hunks=self.hunks - mine)
        every = frozenset((at, one.number) for one in self.parts(at))
        chosen = (every if at in self.files else mine) ^ {(at, hunk)}
        if chosen == every:
            return replace(self, files=self.files | {at}, hunks=self.hunks - mine)
        return replace(self, files=self.files - {at}, hunks=(self.hunks - mine) | chosen)

    def all_turned(self) -> Choice:
        """With all files taken, or none where all are."""
        every = frozenset(range(len(self.plan.steps)))
        return replace(self, files=frozenset() if self.files == every else every, hunks=frozenset())

    def wanted(self) -> tuple[tuple[bytes, ...], tuple[Pick, ...]]:
        """The files that go back whole, and the hunks of others."""
        steps = self.plan.steps
        paths = tuple(steps[at].path for at in sorted(self.files))
        of: dict[int, list[int]] = {}
        for at, hunk in sorted(self.hunks):
            of.setdefault(at, []).append(hunk)
        return paths, tuple(Pick(steps[at].path, tuple(some)) for at, some in of.items())


def chosen(plan: RestorePlan) -> Choice:
    """What goes back unless it is chosen otherwise."""
    shared = {one.path for one in plan.shares}
    own = (
        at
        for at, step in enumerate(plan.steps)
        if step.after is not None and step.path not in shared
    )
    return Choice(plan, frozenset(own))


def key(at: int, hunk: int = 0) -> str:
    """The key of the row of a file or of one of its hunks."""
    return f"{at}.{hunk}" if hunk else str(at)


def parse(name: str) -> tuple[int, int]:
    """The file and the hunk, 0 for none, of a row."""
    at, _, hunk = name.partition(".")
    return int(at), int(hunk or 0)


# -- lines of the list of checkpoints ---------------------------------------------------------


def checkpoint_row(one: TreeCheckpoint, now: float) -> Line:
    """Its id, age, cause, size, and what it is for."""
    return (
        (f"{one.id:<6} ", "text"),
        (f"{age(max(now - one.at, 0.0)):>5}  ", "dim"),
        (f"{fit(CAUSES[one.cause], 9)} ", "text"),
        (f"{size(one.new_bytes):>7}  ", "dim"),
        (one.note or f"by {actor(one.actor)}", "text" if one.note else "dim"),
    )


def size(count: int) -> str:
    """How much was read for a checkpoint."""
    if count < _KIB:
        return f"{count} B"
    if count < _KIB * _KIB:
        return f"{count // _KIB} kB"
    return f"{count // _KIB // _KIB} MB"


def checkpoint_lines(
    one: TreeCheckpoint, plan: RestorePlan | None, width: int, trouble: str = ""
) -> list[Line]:
    """A checkpoint, and in a line for each file what going back to it would do."""
    branch = one.branch.removeprefix("refs/heads/") or "no branch"
    out: list[Line] = [
        ((f"by {actor(one.actor)}, {CAUSES[one.cause]}", "text"),),
        ((f"on {branch} {one.head[:10]}".rstrip(), "dim"),),
    ]
    out += _named("not in it", one.left_out, width)
    out.append(())
    if trouble:
        return [*out, *(((part, "error"),) for part in box.wrap(trouble, width))]
    if plan is None:
        return [*out, (("comparing with now…", "dim"),)]
    if not plan.steps:
        return [*out, (("nothing differs from it now", "dim"),)]
    return [*out, *(_file(step, _diff(plan, step), plan.shares) for step in plan.steps)]


def _diff(plan: RestorePlan, step: FileStep) -> FileDiff | None:
    return next((one for one in plan.diffs if one.path == step.path), None)


def _file(
    step: FileStep, diff: FileDiff | None, shares: Sequence[Share], *, taken: bool = False
) -> Line:
    verb = _verb(step, taken=taken)
    line: Line = ((shown(step.path), "text"), (f"  {verb}{_lines_of(diff)}", "dim"))
    others = _others(step.path, shares)
    return (*line, (f"  {others}", "waiting")) if others else line


def _verb(step: FileStep, *, taken: bool) -> str:
    if step.after is None:
        return "made since, is removed" if taken else "made since, stays"
    return step.verb


def _lines_of(diff: FileDiff | None) -> str:
    if diff is None:
        return ""
    return " binary" if diff.is_binary else f" +{diff.added} -{diff.removed}"


def _others(path: bytes, shares: Sequence[Share]) -> str:
    names = dict.fromkeys(one.agent for one in shares if one.path == path)
    return f"{', '.join(names)} was in it since" if names else ""


# -- lines of the preview ---------------------------------------------------------------------


def choice_row(choice: Choice, name: str) -> Line:
    """A file or a hunk, and whether it goes back."""
    at, number = parse(name)
    step, sign = choice.plan.steps[at], choice.sign(at, number)
    mark: Line = (
        (f"{'    ' if number else ''}[{sign}] ", "accent bold" if sign != " " else "dim"),
    )
    if not number:
        diff = choice.diffs.get(step.path)
        return (*mark, *_file(step, diff, choice.plan.shares, taken=sign == "x"))
    hunk = next(one for one in choice.parts(at) if one.number == number)
    first = next((line for line in hunk.lines if line[:1] in ("-", "+")), " ")
    signs = [line[:1] for line in hunk.lines]
    return (
        *mark,
        (f"line {hunk.before}", "text"),
        (f"  +{signs.count('+')} -{signs.count('-')}  ", "dim"),
        (first, _SIGNS[first[:1]]),
    )


def choice_lines(choice: Choice, name: str, now: float, width: int) -> list[Line]:
    """What stands now and what comes back, of a file or one hunk of it."""
    at, number = parse(name)
    step = choice.plan.steps[at]
    diff = choice.diffs.get(step.path)
    out: list[Line] = []
    for share in choice.plan.shares:
        if share.path == step.path:
            ago = age(max(now - share.at, 0.0))
            out.append(((f"{share.agent} was in it since, last {_ago(ago)}", "waiting"),))
    if out:
        out += [(("it stays unless you choose it", "dim"),), ()]
    if diff is None or not diff.hunks:
        what = "binary" if diff is not None and diff.is_binary else "no lines to show"
        return [*out, ((f"{step.verb}: {what}", "dim"),)]
    for hunk in diff.hunks:
        if number in (0, hunk.number):
            head = f"@@ {hunk.number}: line {hunk.before} now, {hunk.after} then"
            out += [((head, "accent"),), *_hunk(hunk, width)]
    if diff.is_cut:
        out.append((("… and more: it goes back as a whole", "dim"),))
    return out


def diff_lines(diffs: Sequence[FileDiff], width: int) -> list[Line]:
    """The lines of differences, hunk by hunk."""
    out: list[Line] = []
    for diff in diffs:
        out += [(("binary", "dim"),)] if diff.is_binary else []
        for hunk in diff.hunks:
            out += [((f"@@ line {hunk.after}", "accent"),), *_hunk(hunk, width)]
    return out


def _hunk(hunk: Hunk, width: int) -> list[Line]:
    out: list[Line] = []
    for line in hunk.lines:
        parts = box.wrap(line[1:], max(width - 2, 8)) or [""]
        ink = _SIGNS.get(line[:1], "dim")
        out += [((f"{line[:1] if not at else ' '} {p}", ink),) for at, p in enumerate(parts)]
    return out


def _ago(text: str) -> str:
    return "just now" if text == "now" else f"{text} ago"


def question(plan: RestorePlan, seen: RestorePlan) -> list[str]:
    """What is said before a part of a preview is carried out, one line each."""
    out = [f"works there: {name}, brought to rest and seen so first" for name in plan.agents]
    gone = [shown(step.path) for step in plan.steps if step.after is None]
    if gone:
        out.append(f"is removed, made since: {_few(gone)}")
    going = {step.path for step in plan.steps}
    kept = [shown(step.path) for step in seen.steps if step.path not in going]
    if kept:
        out.append(f"stays as it is: {_few(kept)}")
    back = seen.kept_back[:NAMED_MAX]
    out += [f"is not touched: {shown(one.path)}, {one.why}" for one in back]
    return [*out, *(f"not taken back: {line}" for line in plan.not_undone)]


def _few(names: Sequence[str]) -> str:
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _named(title: str, files: Sequence[LeftOut], width: int) -> list[Line]:
    out: list[Line] = []
    for one in files[:NAMED_MAX]:
        text = clean(f"{title}: {shown(one.path)}, {one.why}", limit=400)
        out += [((part, "waiting"),) for part in box.wrap(text, width)]
    if len(files) > NAMED_MAX:
        out.append(((f"{title}: {len(files) - NAMED_MAX} more", "waiting"),))
    return out
