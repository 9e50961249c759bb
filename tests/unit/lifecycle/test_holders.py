"""Who holds work, and whether it lives, from what is seen and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import scene
from orc_core.lifecycle.holders import Holders
from orc_core.lifecycle.registration import Record, Registrar
from orc_core.model.agent import Agent, State
from orc_core.model.life import Known, Policy, Presence
from orc_core.model.work import Life


class Said:
    """What agents said of themselves."""

    def __init__(self, *records: Record) -> None:
        self._records = records

    async def records(self) -> tuple[Record, ...]:
        return self._records


def _known(name: str, presence: Presence) -> Record:
    can = ("python",)
    known = Known(
        name, 1, "registered", "codex", (), "", (), "", "", (), can, "", "running", Policy(), None
    )
    return Record(known, presence, None, "", "", 0)


def _holders(agents: Sequence[Agent], *records: Record, sure: bool = True) -> Holders:
    return Holders(cast(Registrar, Said(*records)), lambda: agents, lambda: sure)


async def test_what_is_known_of_a_name() -> None:
    agents = [scene.agent("claude-1", State.WORKING, 1)]
    holders = _holders(agents, _known("codex-7", Presence.ONLINE))
    assert (await holders.get("CODEX-7")).capabilities == {"python"}
    assert ((await holders.get("claude-1")).kind, (await holders.get("x")).kind) == ("claude", "")
    assert (await holders.get("Codex-7")).name == "codex-7"


async def test_dead_is_only_who_ended_went_or_fell_silent() -> None:
    working = scene.agent("claude-1", State.WORKING, 1)
    ended = replace(working, name="claude-2", state=State.GONE)
    stale = replace(ended, name="claude-3", stale_since=1.0)
    agents = [working, ended, stale]
    said = [_known("a", Presence.ONLINE), _known("b", Presence.OFFLINE)]
    said += [_known("c", Presence.SILENT)]
    assert await _holders(agents, *said).lives() == {
        "claude-1": Life.ALIVE,
        "claude-2": Life.DEAD,
        "claude-3": Life.ALIVE,
        "a": Life.ALIVE,
        "b": Life.DEAD,
    }


async def test_who_was_seen_and_is_not_any_more_is_dead_unless_a_server_is_silent() -> None:
    agents = [scene.agent("claude-1", State.WORKING, 1)]
    sure = [True]
    holders = Holders(cast(Registrar, Said()), lambda: agents, lambda: sure[0])
    assert await holders.lives() == {"claude-1": Life.ALIVE}
    agents.clear()
    sure[0] = False
    assert await holders.lives() == {}
    sure[0] = True
    for _ in range(3):
        assert await holders.lives() == {"claude-1": Life.DEAD}
