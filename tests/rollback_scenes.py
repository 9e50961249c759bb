"""A work tree with checkpoints, as the views of going back show it."""

from __future__ import annotations

from dialog_scenes import NOW
from orc_core.model.code import (
    Cause,
    FileDiff,
    FileStep,
    Held,
    Hunk,
    LeftOut,
    RestorePlan,
    Share,
    TreeCheckpoint,
)

TOP = "/home/ada/src/shop-t14"
OLD, NEW = Held(0o100644, "a" * 40), Held(0o100644, "b" * 40)


def checkpoint(
    number: int, minutes: float, cause: Cause, note: str, size: int, actor: str = "operator"
) -> TreeCheckpoint:
    at = NOW - minutes * 60
    head = "7a3e91b0c4d5e6f70819"
    return TreeCheckpoint(
        f"W-{number}",
        at,
        actor,
        note,
        cause,
        "",
        TOP,
        "refs/heads/feat/orders",
        head,
        "c",
        "t",
        size,
    )


CHECKPOINTS = [
    checkpoint(9, 4, Cause.PROMPT, "claude-2: migrate in small steps", 18_200),
    checkpoint(8, 31, Cause.RESTORE, "before: restore W-6", 21_400),
    checkpoint(7, 38, Cause.PROMPT, "claude-2: take T-14, plan first", 3_100),
    checkpoint(6, 67, Cause.ASKED, "before the migration", 48_220_000),
    checkpoint(5, 1_530, Cause.ASKED, "", 900),
]
PRICE = (
    Hunk(
        12,
        12,
        (
            " export function total(order: Order): number {",
            "-  return order.lines.reduce((sum, line) => sum + line.cents * 100, 0);",
            "+  return order.lines.reduce((sum, line) => sum + line.cents, 0);",
            " }",
        ),
        3,
        3,
        1,
    ),
    Hunk(
        58,
        58,
        (
            " // discounts stack in the order in which they were given",
            "-const stacked = discounts.sort(byValue);",
            "-const best = stacked[0];",
            "+const stacked = [...discounts];",
            " return apply(order, stacked);",
        ),
        4,
        3,
        2,
    ),
)


def plan() -> RestorePlan:
    """Five files: one by hunks, one that was lost, a new one, a shared one, a binary one."""
    steps = (
        FileStep(b"src/cart/price.ts", NEW, OLD),
        FileStep(b"db/0041_orders.sql", None, OLD),
        FileStep(b"db/0042_total.sql", NEW, None),
        FileStep(b"src/cart/totals.ts", NEW, OLD),
        FileStep(b"logo.png", NEW, OLD),
    )
    lost = Hunk(0, 1, ("+alter table orders add column note text;",), 0, 1, 1)
    made = Hunk(1, 0, ("-alter table orders add column total_cents bigint;",), 1, 0, 1)
    shared = Hunk(3, 3, (" // totals", "-const cents = 2;", "+const cents = 1;"), 2, 2, 1)
    diffs = (
        FileDiff(b"src/cart/price.ts", "goes back", 2, 3, False, PRICE),
        FileDiff(b"db/0041_orders.sql", "comes back", 1, 0, False, (lost,)),
        FileDiff(b"db/0042_total.sql", "is removed", 0, 1, False, (made,)),
        FileDiff(b"src/cart/totals.ts", "goes back", 1, 1, False, (shared,)),
        FileDiff(b"logo.png", "goes back", 0, 0, True, ()),
    )
    return RestorePlan(
        CHECKPOINTS[3],
        TOP,
        True,
        (),
        steps,
        (),
        (LeftOut(b"dump.sql", "larger than 64 MB"),),
        (
            "commits, branches, the index and the stash stay as they are",
            "what was pushed, sent, installed or run stays done",
        ),
        diffs,
        ("claude-2",),
        shares=(Share(b"src/cart/totals.ts", "codex-1", NOW - 11 * 60),),
    )


class Shelf:
    """That work tree, as the views read it."""

    of, top = "claude-2", TOP

    async def listing(self) -> list[TreeCheckpoint]:
        return CHECKPOINTS

    async def plan(self, id: str) -> RestorePlan:
        return plan()
