"""News: sources that hear of agents between ticks, followed and read on demand.

Invariant: reading is done in threads, within a deadline; a source that is slow is read later.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from orc_core.agents.sources import News, NewsSource, SignalSource

CATCH_UP_TIMEOUT_S: Final = 2.0


def follow(group: asyncio.TaskGroup, sources: Sequence[SignalSource], news: News) -> None:
    """Let every source that has news tell of it, as long as the group runs."""
    for source in sources:
        if isinstance(source, NewsSource):
            group.create_task(source.run(news))


async def catch_up(sources: Sequence[SignalSource]) -> set[str]:
    """Let the sources read what there is; the panes that they heard something of."""
    keys: set[str] = set()
    for source in sources:
        if isinstance(source, NewsSource):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CATCH_UP_TIMEOUT_S):
                    keys.update(await asyncio.to_thread(source.catch_up))
    return keys
