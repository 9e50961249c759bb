"""Values that the screens are drawn from in tests: one prompt, one conflict, one history."""

from __future__ import annotations

from dataclasses import replace

from orc_core.model.agent import (
    Agent,
    Choice,
    Evidence,
    PaneRef,
    Prompt,
    Source,
    State,
    Waiting,
)
from orc_core.model.history import (
    FieldChange,
    Held,
    Moment,
    Page,
    Place,
    Plan,
    Query,
    Saved,
    Standing,
    Step,
)
from orc_storage.audit import Examination
from orc_storage.records import Clash, Conflict, ConflictState, Entry, Json, Revision, Side
from orc_tui.view_models.messages import Said

NOW = 1_795_184_700.0
"""A Friday in November 2026, 14:25 UTC."""

HOOK = Evidence(Source.HOOK, "PermissionRequest", NOW - 240)
AGENT = Agent(
    key="/tmp/s:%7",
    name="claude-2",
    kind="claude",
    pane=PaneRef("/tmp/s", 1, "%7", 4242),
    where="shop:3.0",
    session="shop",
    cwd="~/src/shop-t14",
    command="claude",
    title="",
    state=State.WAITING,
    waiting=Waiting.PERMISSION,
    since=NOW - 240,
    changed_at=NOW - 240,
    evidence=HOOK,
    task="T-14",
)
PROMPT = Prompt(
    agent="claude-2",
    waiting=Waiting.PERMISSION,
    subject="Bash command",
    lines=(
        "npm run migrate -- --env staging",
        "Apply pending migrations to the staging database",
    ),
    choices=(
        Choice(1, "Yes", ("1",), "yes"),
        Choice(2, "Yes, and don't ask again for: npm run migrate", ("2",)),
        Choice(3, "No, and tell Claude what to do differently", ("3",), "no"),
    ),
    whole=True,
    fingerprint="f1",
    evidence=HOOK,
)
ON_SCREEN = replace(
    AGENT,
    key="/tmp/s:%8",
    name="codex-1",
    kind="codex",
    task="T-09",
    evidence=Evidence(Source.SCREEN, "codex-approval", NOW - 120),
    since=NOW - 120,
)
RISKY = replace(
    PROMPT,
    agent="codex-1",
    subject="Run command",
    lines=("rm -rf build/", "Reason: start clean"),
    choices=(Choice(1, "Yes, proceed", ("y",), "yes"), Choice(2, "No", ("n",), "no")),
    fingerprint="f2",
    risks=("rm -rf deletes without asking",),
)

TITLE = Conflict(
    id="C-7",
    kind=Clash.EDIT_EDIT,
    doc_kind="task",
    doc="T-14",
    path="title",
    base="Staging migration for orders",
    base_present=True,
    base_rev=12,
    left=Side(
        "file", "Staging migration for all orders", True, "claude-2", NOW - 240, 0, "after “do it”"
    ),
    right=Side(
        "store",
        "Staging migration for orders and refunds",
        True,
        "codex-1",
        NOW - 300,
        13,
        "orc task edit",
    ),
    state=ConflictState.OPEN,
    opened_at=NOW - 660,
)
PRIORITY = replace(
    TITLE,
    id="C-8",
    path="priority",
    base=5,
    left=Side("file", 11, True, "", NOW - 200, 0, ""),
    right=Side("store", 9, True, "operator", NOW - 300, 13, "orc task edit"),
    opened_at=NOW - 600,
)
TEXT = replace(
    TITLE,
    id="C-9",
    doc="T-09",
    path="text",
    base="1. Add the column.\n2. Backfill it in one statement, at night.\n3. Switch reads.",
    left=replace(
        TITLE.left,
        value="1. Add the column.\n2. Backfill it in batches of 5,000 rows, 100 ms apart,"
        " from a script that can be stopped.\n3. Switch reads.",
    ),
    right=replace(
        TITLE.right,
        value="1. Add the column.\n2. Backfill it in the nightly job.\n3. Switch reads.",
    ),
    opened_at=NOW - 100,
)
CONFLICTS = (TEXT, PRIORITY, TITLE)
TITLES = {"T-14": "Staging migration for orders", "T-09": "Price rules: stacked discounts"}


def revision(rev: int, title: str, *, actor: str, cause: str, age_s: float) -> Revision:
    body = {"id": "T-14", "title": title, "status": "ready", "priority": rev}
    return Revision("task", "T-14", rev, rev - 1, dict(body), NOW - age_s, actor, cause)


REVISIONS = (
    revision(1, "Migrate orders", actor="operator", cause="orc task add", age_s=90_000),
    revision(2, "Migration for orders", actor="claude-2", cause="file edit", age_s=4_000),
    revision(3, "Staging migration for orders", actor="codex-1", cause="orc task edit", age_s=660),
    revision(4, "Staging migration, orders", actor="operator", cause="dashboard", age_s=20),
)


async def diff_of(rev: int) -> tuple[FieldChange, ...]:
    """What each of `REVISIONS` changed, told as the history wing tells it."""
    now = REVISIONS[rev - 1].body
    before = REVISIONS[rev - 2].body if rev > 1 else {}
    return tuple(
        FieldChange(path, before.get(path), now.get(path), path in before, path in now)
        for path in sorted({*before, *now})
        if before.get(path) != now.get(path)
    )


PLAN = Plan(
    label="revert T-14 to 2",
    action="revert",
    steps=(
        Step(
            kind="task",
            id="T-14",
            from_rev=4,
            body=dict(REVISIONS[1].body),
            diff=(FieldChange("title", "Staging migration, orders", "Migration for orders"),),
            to_rev=2,
        ),
    ),
    returns=("title: Migration for orders", "priority: 2"),
    stays=("files are not touched", "status: running, which the task machine alone moves"),
    lost=("what claude-2 was told since",),
)


def _moment(rev: int, actor: str, action: str, text: str, age_s: float) -> Moment:
    return Moment(40 + rev, NOW - age_s, actor, action, "task", "T-14", rev, 4, text)


MOMENTS = (
    _moment(4, "operator", "edit", "dashboard", 20),
    Moment(
        9, NOW - 240, "claude-2", "waiting", "agent", "claude-2", 0, 0, "hook: Bash", is_state=True
    ),
    _moment(3, "codex-1", "edit", "orc task edit", 660),
    _moment(2, "file", "edit", "file edit", 4_000),
    _moment(1, "operator", "add", "orc task add", 90_000),
)
SAVED = Saved("before-lunch", "all well", NOW - 3_000, "operator", 12, False, 18)
AUTO = Saved("auto-3", "before: restore x", NOW - 9_000, "codex-1", 9, True, 17)
HELD = (
    Held("task", "T-1", 2, 3, True),
    Held("task", "T-2", 1, 0, True),
    Held("task", "T-3", 1, 1, False),
    Held("task", "T-4", 0, 1, True),
)


class Told:
    """A past that is told the same at every time, for pictures."""

    async def page(self, query: Query, *, after: Place | None = None) -> Page:
        return Page(MOMENTS, None)

    async def newest(self) -> Place:
        return Place(44, 9)

    async def checkpoints(self) -> list[Saved]:
        return [SAVED, AUTO]

    async def checkpoint(self, name: str) -> tuple[Saved, tuple[Held, ...]]:
        return SAVED, HELD

    async def diff(
        self, kind: str, id: str, rev: int, *, against: int | None = None
    ) -> tuple[FieldChange, ...]:
        return await diff_of(rev)


class Journal(Told):
    """The same past as a journal."""

    async def page(self, query: Query, *, after: Place | None = None) -> Page:
        return Page(tuple(one for one in MOMENTS if not one.is_state), None)

    async def entry(self, seq: int) -> Entry | None:
        detail: dict[str, Json] = {"cause": "orc task edit", "sha256": "9f2c" * 16}
        at = NOW - 60.0 * (44 - seq)
        return Entry(
            seq, at, "codex-1", "edit", "task", "T-14", 4, detail, "41d8" * 16, "c07a" * 16
        )

    async def examine(self) -> Examination:
        return Examination((), 44, 44, "c07a" * 16)


SAID = (
    Said(1, NOW - 900, "attached to claude-2: C-b d comes back here"),
    Said(2, NOW - 610, "claude-2: sent, went on"),
    Said(3, NOW - 300, "T-14: priority is now 11", undoable=True),
    Said(
        4,
        NOW - 120,
        "T-09: the store is locked: it is tried again",
        severity="error",
    ),
    Said(5, NOW - 45, "T-23: assignee is now claude-2", undoable=True),
    Said(6, NOW - 5, "there is no Workflows view in this version"),
)

RANGE_PLAN = Plan(
    label="take out 3 changes",
    action="take-out",
    steps=(
        Step(
            kind="task",
            id="T-14",
            from_rev=4,
            body=dict(REVISIONS[1].body),
            diff=(FieldChange("priority", 4, 2),),
            standing=(Standing("title", "a", "b", "c", True, True, True, "codex-1", 4, 3, 2),),
        ),
        Step(
            kind="task",
            id="T-09",
            from_rev=7,
            body={"id": "T-09"},
            diff=(FieldChange("text", "one\ntwo\nthree", "one\nthree"),),
        ),
    ),
    returns=("T-14 priority: 4 -> 2", "T-09 text: one … (3 lines) -> one … (2 lines)"),
    stays=(
        "files in the work tree are not touched",
        "T-14 title was changed to Staging migration, orders by codex-1 at revision 4 since:"
        " a conflict for you to decide",
        "whoever works on it goes on",
    ),
    lost=("messages already sent to agents",),
    checkpoint="before: take out 3 changes",
)
