"""What the agents of the demo do: a day in a small web shop.

Invariant: within 20 s of a start every state is on the screen, and each scene refers to the
tasks that `seed.py` writes.
"""

from __future__ import annotations

from typing import Final

from orc_core.demo.programs.steps import (
    Ask,
    Crash,
    Done,
    Limit,
    Question,
    Say,
    Scene,
    Think,
    Told,
    Use,
)

_ROUTES: Final = Scene(
    title="Retire the v1 routes",
    still_s=34.0,
    steps=(
        Told("Take T-5. List who still calls v1, then take the routes out."),
        Think("Reading", 5.0),
        Say("I'll count the callers of each v1 route before I touch one."),
        Use("Search", 'pattern: "/api/v1/", path: "src"', ("Found 31 lines in 12 files",), 6.0),
        Use("Bash", "npm run routes -- --unused", ("v1/cart/merge", "v1/wishlist"), 14.0),
        Say("Two routes have no caller left. I take those out first."),
        Use("Edit", "src/api/v1/index.ts", ("Updated with 3 additions and 41 removals",), 20.0),
        Use("Bash", "npm test -- api", ("118 passed, 0 failed (9.2 s)",), 25.0),
        Question(
            topic="v1 routes",
            text="The phone app 3.1 still calls v1/orders. What shall become of that route?",
            options=(
                (
                    "Keep it for one more release",
                    "Log each call, take it out in the spring",
                    "I keep v1/orders and log who calls it.",
                ),
                (
                    "Answer with a redirect to v2",
                    "App 3.1 follows redirects; 3.0 does not",
                    "I redirect v1/orders to v2 and add a test for both apps.",
                ),
                (
                    "Take it out now",
                    "App 3.1 shows an empty list until it is updated",
                    "I take v1/orders out and note it in the changelog.",
                ),
            ),
        ),
    ),
    again=(
        Use("Edit", "src/api/v1/orders.ts", ("Updated with 12 additions and 4 removals",), 25.0),
        Use("Bash", "npm test -- api", ("121 passed, 0 failed (9.4 s)",), 30.0),
        Say("Next group of routes."),
        Think("Reading", 20.0),
    ),
)

_MIGRATION: Final = Scene(
    title="Staging migration for orders",
    still_s=40.0,
    steps=(
        Told("Take T-2. Plan first, then migrate in small steps."),
        Say("I'll look at how orders are stored before I plan."),
        Use("Read", "db/migrations/0041_orders.sql", ("Read 58 lines",), 2.0),
        Use("Write", "db/migrations/0042_orders_total_cents.sql", ("Wrote 31 lines",), 2.0),
        Use(
            "Bash",
            "npm run migrate -- --env local",
            ("0042_orders_total_cents applied in 212 ms", "rows without total_cents: 48,210"),
            1.0,
        ),
        Say("It works here. Next is staging, the backfill in batches of 5,000."),
        Ask(
            Use(
                "Bash",
                "npm run migrate -- --env staging",
                ("0042_orders_total_cents applied in 340 ms", "backfill: 10 of 10 batches"),
                9.0,
            ),
            note="Apply pending migrations to the staging database",
            whole_kind="npm run migrate",
            instead="Then I leave staging alone and write the steps down in docs/migrations.md.",
        ),
        Say("Staging is migrated. Reads can move to the new column."),
        Use("Edit", "src/orders/total.ts", ("Updated with 6 additions and 9 removals",), 12.0),
        Ask(
            Use("Bash", "git push origin feat/orders-cents", ("feat/orders-cents -> origin",), 5.0),
            note="Push the branch so that the others can look at it",
            whole_kind="git push origin",
            instead="I keep the branch here; nothing was pushed.",
        ),
        Say("T-2 is ready for review: one migration, one backfill, 36 tests."),
        Done(),
    ),
)

_WAREHOUSE: Final = Scene(
    title="Stock levels from the warehouse feed",
    still_s=60.0,
    steps=(
        Told("Take T-7: stock levels come from the warehouse feed, every five minutes."),
        Say("The feed is a CSV of 9 MB. I read it as a stream."),
        Use("Write", "src/stock/feed.ts", ("Wrote 84 lines",), 3.0),
        Use("Bash", "npm test -- stock", ("11 passed, 2 failed (2.1 s)",), 3.0),
        Limit("4pm"),
    ),
)

_TOTALS: Final = Scene(
    title="Cart totals round to the cent",
    still_s=70.0,
    steps=(
        Told("Take T-1: cart totals must round once, at the end."),
        Use("Edit", "src/cart/total.ts", ("Updated with 7 additions and 15 removals",), 3.0),
        Use("Bash", "npm test -- cart", ("58 passed, 0 failed (3.3 s)",), 3.0),
        Say("Totals are summed in cents and rounded once. 14 tests are new."),
        Done(),
    ),
)

_PRICES: Final = Scene(
    title="Price rules",
    still_s=50.0,
    steps=(
        Told("Take T-3. Two discounts on one item must stack in the order of the price list."),
        Say("The rules are applied in the order of their ids; the list's order gets lost on load."),
        Use("Read", "src/cart/price.ts", ("142 lines",), 2.0),
        Use("Edit", "src/cart/price.ts", ("+18 -4",), 2.0),
        Ask(
            Use("Bash", "npm run db:reset -- --env test", ("7 tables reset, 312 items",), 6.0),
            note="the price tests need a database without the old rules",
            whole_kind="npm run db:reset",
            instead="I run the tests against a copy of the fixtures instead; it takes longer.",
        ),
        Use("Bash", "npm test -- price", ("44 passed, 1 failed (5.0 s)",), 10.0),
        Say("One case is left: a voucher on top of a bundle."),
        Ask(
            Use("Edit", "src/cart/bundle.ts (+22 -3)", ("+22 -3",), 8.0),
            note="a bundle has to keep the price of its parts",
            whole_kind="src/cart/",
            instead="I leave bundles as they are and write the case down in T-3.",
        ),
        Use("Bash", "npm test -- price", ("45 passed, 0 failed (5.1 s)",), 10.0),
        Say("Discounts stack in the order of the list now."),
        Done(),
    ),
)

_INDEX: Final = Scene(
    title="Search index",
    still_s=47.0,
    steps=(
        Told("Take T-4: rebuild the search index without taking search down."),
        Say("I build a second index beside the first and switch the alias at the end."),
        Use("Bash", "npm run index:build -- --name products_v8", ("61,400 documents",), 36.0),
        Use("Edit", "src/search/alias.ts", ("+27 -9",), 20.0),
        Use("Bash", "npm run index:compare -- products_v7 products_v8", ("212 differ",), 40.0),
        Say("The rest differs in stemming. I look at the next hundred."),
        Use("Edit", "src/search/analyzer.ts", ("+4 -4",), 25.0),
        Use("Bash", "npm run index:build -- --name products_v9", ("out of memory",), 60.0),
        Crash(("Killed",), status=137),
    ),
)

_THUMBNAILS: Final = Scene(
    title="Thumbnails",
    still_s=80.0,
    steps=(
        Told("Take T-13: serve thumbnails as WebP where the browser takes it."),
        Use("Edit", "src/images/thumbnail.ts", ("+31 -12",), 4.0),
        Use("Bash", "npm test -- images", ("19 passed, 0 failed (1.7 s)",), 3.0),
        Say("Thumbnails are WebP now and a third of the size."),
        Done(),
    ),
)

_IMPORT: Final = Scene(
    title="Price list",
    still_s=30.0,
    files=("scripts/import_prices.py",),
    steps=(
        Told("T-6: import the 2023 price list, keep the ids."),
        Say("I'll read the list row by row and match items by their EAN."),
        Use(
            "Bash",
            "python scripts/import_prices.py prices-2023.csv",
            ("rows 1 to 20,000 done",),
            9.0,
        ),
        Crash(
            (
                "Traceback (most recent call last):",
                '  File "scripts/import_prices.py", line 88, in load',
                "    price = Decimal(row[4])",
                "decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]",
            ),
            status=1,
        ),
    ),
)

_MAILS: Final = Scene(
    title="Mail templates",
    still_s=30.0,
    files=("src/mail/order.html", "src/mail/refund.html"),
    steps=(
        Told("T-8: all mails share one layout, the old classes go."),
        Say("Both mails repeat the header. I'd move it into one layout file."),
        Think("Waiting", 6.0),
        Ask(
            Use("Edit", "src/mail/layout.html", ("Applied edit to src/mail/layout.html",), 6.0),
            note="Add file to the chat?",
            whole_kind="src/mail/",
            instead="Then each mail keeps its own header, and I only take the old classes out.",
        ),
        Use("Edit", "src/mail/order.html", ("Applied edit to src/mail/order.html",), 8.0),
        Use("Edit", "src/mail/refund.html", ("Applied edit to src/mail/refund.html",), 8.0),
        Say("Both mails use the layout now."),
        Done(),
    ),
)

SCENES: Final = {
    "claude-1": _ROUTES,
    "claude-2": _MIGRATION,
    "claude-3": _WAREHOUSE,
    "claude-4": _TOTALS,
    "codex-1": _PRICES,
    "codex-2": _INDEX,
    "codex-3": _THUMBNAILS,
    "aider-1": _IMPORT,
    "aider-2": _MAILS,
}
"""The scene of each scripted agent, by the name that the fleet list gives it."""


def fallback(kind: str) -> Scene:
    """Return the scene of an agent that somebody starts by hand: it waits at its prompt."""
    return Scene(title=f"{kind} in the shop", still_s=0.0, steps=())
