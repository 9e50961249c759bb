"""The dashboard of `make soak`, which writes down on a signal where it is and what it holds.

Invariant: it is the dashboard itself; what is added only looks.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orc_tui.app import OrcApp

WHERE = signal.SIGUSR1
HOLDS = signal.SIGUSR2
"""The signals that ask where it is, and what it holds, too, which takes a tenth of a second."""

TYPES_MAX = 3000
"""Of so many types, the most frequent ones, it is told how many there are."""


@dataclass(frozen=True, slots=True)
class Holding:
    """The screens, from the main view to the top one; tasks, tracked objects, and their types.

    `tasks` and `objects` are 0 where only the screens were asked for.
    """

    screens: list[str] = field(default_factory=list)
    tasks: int = 0
    objects: int = 0
    types: dict[str, int] = field(default_factory=dict)


_found: list[OrcApp] = []
"""The app, once it was seen: while the collector works, it may be in none of its lists."""


def holding(*, whole: bool) -> Holding:
    """What this process holds now."""
    gc.collect(2 if whole else 0)
    objects = gc.get_objects()
    if not _found:
        _found.extend(one for one in objects if isinstance(one, OrcApp))
    screens = [type(one).__name__ for one in _found[0].screen_stack] if _found else []
    if not whole:
        return Holding(screens)
    types = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in objects)
    tasks = len(asyncio.all_tasks())
    return Holding(screens, tasks, len(objects), dict(types.most_common(TYPES_MAX)))


def main() -> int:
    """Run the dashboard; the first argument is the file into which it tells."""
    from orc_tui.main import main as dashboard

    told = Path(sys.argv[1])

    def tell(number: int, _: object) -> None:
        draft = told.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(holding(whole=number == HOLDS))))
        draft.rename(told)

    signal.signal(WHERE, tell)
    signal.signal(HOLDS, tell)
    return dashboard(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
