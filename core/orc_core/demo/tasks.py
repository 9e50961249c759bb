"""The tasks of the demo's web shop, what happened to them, and what nobody agreed on.

Invariant: data only. Ids are those that a fresh store allocates in this order, and assignees
are the names of the agents in the demo fleet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from orc_storage.records import OPERATOR, Json


@dataclass(frozen=True, slots=True)
class Planned:
    """A task as it was first written down, some minutes before the demo begins."""

    minutes_ago: float
    title: str
    fields: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edited:
    """One change of one task: when, by whom, and after what."""

    minutes_ago: float
    id: str
    actor: str
    cause: str
    fields: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One task that was changed in its file and in the store since both agreed."""

    file_minutes_ago: float
    in_file: dict[str, Json]
    in_store: Edited


_MIGRATION_TEXT: Final = """\
Totals are floats. They have to become cents before the refunds can be right.

1. Add orders.total_cents (bigint, null).
2. Backfill total_cents in one statement, at night.
3. Switch reads to the new column.
4. Watch the error rate for a day.
5. Drop the old column.
"""

TASKS: Final = (
    Planned(
        372,
        "Cart totals round to the cent",
        {
            "text": "A cart of three items at 3.33 shows 9.98. Sum in cents, round once.",
            "priority": 10,
            "labels": ["cart", "bug"],
        },
    ),
    Planned(
        371,
        "Staging migration for orders",
        {
            "text": "Totals are floats and must become cents.",
            "priority": 9,
            "needs": ["database"],
            "labels": ["orders"],
        },
    ),
    Planned(
        369,
        "Price rules: stacked discounts",
        {
            "text": "Two discounts on one item apply in the order of their ids, not of the list.",
            "priority": 10,
            "labels": ["prices"],
        },
    ),
    Planned(
        366,
        "Rebuild the search index without downtime",
        {
            "text": "Build a second index, compare both, switch the alias. Keep the old one a day.",
            "priority": 8,
            "labels": ["search"],
        },
    ),
    Planned(
        364,
        "Retire the v1 routes",
        {
            "text": "Find out who still calls them. What nobody calls goes first.",
            "priority": 8,
            "labels": ["api"],
        },
    ),
    Planned(
        361,
        "Import the 2023 price list",
        {
            "text": "prices-2023.csv, 61,400 rows. Match by EAN, keep the ids.",
            "priority": 12,
            "needs": ["database"],
            "labels": ["prices"],
        },
    ),
    Planned(
        358,
        "Stock levels from the warehouse feed",
        {"text": "Every five minutes, as a stream: the file has 9 MB.", "priority": 9},
    ),
    Planned(
        355,
        "One layout for all mails",
        {"text": "Header and footer move into one file; the old classes go.", "priority": 6},
    ),
    Planned(
        349,
        "Refund report",
        {
            "text": "Refunds per day and reason, as a table and as CSV.",
            "priority": 9,
            "depends_on": ["T-2"],
            "labels": ["orders", "report"],
        },
    ),
    Planned(
        347,
        "Drop orders.total",
        {
            "text": "Only once no report reads it any more.",
            "priority": 6,
            "needs": ["database"],
            "depends_on": ["T-2", "T-9"],
        },
    ),
    Planned(
        344,
        "Invoices as PDF",
        {
            "text": "One page, A4, the shop's logo, net and gross per rate.",
            "priority": 9,
            "due": "Friday",
            "labels": ["orders"],
        },
    ),
    Planned(
        341,
        "Search: forgive typos",
        {
            "text": "One wrong letter in a word of five or more.",
            "priority": 7,
            "depends_on": ["T-4"],
            "labels": ["search"],
        },
    ),
    Planned(
        336,
        "Thumbnails as WebP",
        {"text": "Where the browser takes it; JPEG stays as it is.", "priority": 5},
    ),
    Planned(
        333,
        "Remove the old logo",
        {"text": "Four files, and the mail header.", "priority": 3, "labels": ["clean-up"]},
    ),
)

EDITS: Final = (
    Edited(318, "T-2", OPERATOR, "after the stand-up", {"priority": 11}),
    Edited(305, "T-2", "claude-2", "plan agreed", {"text": _MIGRATION_TEXT}),
    Edited(291, "T-1", OPERATOR, "assigned", {"assignee": "claude-4"}),
    Edited(290, "T-1", "claude-4", "took it on", {"status": "running"}),
    Edited(287, "T-3", OPERATOR, "assigned", {"assignee": "codex-1"}),
    Edited(285, "T-3", "codex-1", "took it on", {"status": "running"}),
    Edited(262, "T-6", OPERATOR, "assigned", {"assignee": "aider-1"}),
    Edited(261, "T-6", "aider-1", "took it on", {"status": "running"}),
    Edited(240, "T-13", OPERATOR, "assigned", {"assignee": "codex-3"}),
    Edited(239, "T-13", "codex-3", "took it on", {"status": "running"}),
    Edited(204, "T-4", OPERATOR, "assigned", {"assignee": "codex-2"}),
    Edited(203, "T-4", "codex-2", "took it on", {"status": "running"}),
    Edited(171, "T-7", OPERATOR, "assigned", {"assignee": "claude-3", "due": "Thursday"}),
    Edited(170, "T-7", "claude-3", "took it on", {"status": "running"}),
    Edited(128, "T-8", OPERATOR, "assigned", {"assignee": "aider-2"}),
    Edited(127, "T-8", "aider-2", "took it on", {"status": "running"}),
    Edited(118, "T-3", "codex-1", "found the cause", {"labels": ["prices", "bug"]}),
    Edited(96, "T-1", "claude-4", "58 tests pass", {"status": "done"}),
    Edited(74, "T-5", OPERATOR, "assigned", {"assignee": "claude-1"}),
    Edited(73, "T-5", "claude-1", "took it on", {"status": "running"}),
    Edited(67, "T-2", OPERATOR, "assigned", {"assignee": "claude-2"}),
    Edited(66, "T-2", "claude-2", "took it on", {"status": "running"}),
    Edited(52, "T-13", "codex-3", "19 tests pass", {"status": "done"}),
    Edited(41, "T-14", OPERATOR, "while at it", {"title": "Remove the old logo and its mails"}),
    Edited(33, "T-6", "aider-1", "row 20,001 has no price", {"status": "failed"}),
)

AGREED_MINUTES_AGO: Final = 30.0

DISAGREEMENTS: Final = (
    Disagreement(
        file_minutes_ago=24,
        in_file={
            "text": _MIGRATION_TEXT.replace(
                "in one statement, at night.", "in batches of 5,000 rows, 100 ms apart."
            ).replace("5. Drop", "5. After one release, drop"),
            "needs": ["database", "staging"],
        },
        in_store=Edited(
            21,
            "T-2",
            "codex-1",
            "orc task edit",
            {
                "text": _MIGRATION_TEXT.replace(
                    "in one statement, at night.", "in the nightly job, 20,000 rows a run."
                ),
                "labels": ["orders", "reviewed"],
            },
        ),
    ),
    Disagreement(
        file_minutes_ago=19,
        in_file={"title": "Price rules: discounts and vouchers stack"},
        in_store=Edited(
            16,
            "T-3",
            OPERATOR,
            "orc task edit",
            {"title": "Price rules: discounts stack in the order of the list"},
        ),
    ),
    Disagreement(
        file_minutes_ago=14,
        in_file={"due": "Wednesday", "labels": ["orders", "pdf"]},
        in_store=Edited(12, "T-11", OPERATOR, "the customer called", {"due": "Monday"}),
    ),
)

AFTER: Final = (
    Edited(8, "T-12", OPERATOR, "asked for twice this week", {"priority": 8}),
    Edited(3, "T-9", OPERATOR, "the accountant wants it by reason", {"needs": ["reports"]}),
)
