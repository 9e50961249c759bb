"""Which panes the demo fleet has.

Invariant: panes are made in the order of the list, and that is the order in which names are
given, so that `claude-2` here is `claude-2` in the fleet list and in the seeded tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PanePlan:
    """One pane: the program in it, the scene it plays, and where it stands.

    A pane with `split` stands below the one before it, in the same window. `folder` is below
    the demo's HOME.
    """

    program: str
    scene: str
    session: str
    window: str
    folder: str
    split: bool = False


FLEET: Final = (
    PanePlan("claude", "claude-1", "backend", "routes", "src/shop-routes"),
    PanePlan("sh", "", "backend", "routes", "src/shop", split=True),
    PanePlan("claude", "claude-2", "backend", "orders", "src/shop-orders"),
    PanePlan("codex", "codex-1", "backend", "prices", "src/shop-prices"),
    PanePlan("aider", "aider-1", "backend", "import", "src/shop"),
    PanePlan("claude", "claude-3", "frontend", "stock", "src/shop-stock"),
    PanePlan("claude", "claude-4", "frontend", "cart", "src/shop-cart"),
    PanePlan("codex", "codex-2", "frontend", "search", "src/shop-search"),
    PanePlan("codex", "codex-3", "frontend", "images", "src/shop-images"),
    PanePlan("aider", "aider-2", "frontend", "mails", "src/shop-mails"),
    PanePlan("jobs", "jobs", "ops", "jobs", "src/shop"),
)
"""The fleet: four Claude Code, three Codex, two aider, a shell and a program no rule knows."""

PROGRAMS: Final = ("claude", "codex", "aider", "jobs")
"""The programs that are installed in the demo's own `bin`."""
