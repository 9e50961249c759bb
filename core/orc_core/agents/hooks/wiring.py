"""The sources that hooks make, for whoever observes agents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.rollouts import Rollouts
from orc_core.agents.hooks.source import HookSource
from orc_core.agents.processes import system_processes
from orc_core.clock import Clock


def hook_sources(
    environ: Mapping[str, str], home: Path, clock: Clock
) -> tuple[HookSource, Rollouts]:
    """What hooks spool, and what Codex writes down of its tokens, for one user."""
    places = Places.of(environ, home)
    processes = system_processes()
    sessions = places.codex.parent / "sessions"
    return HookSource(places.spool, processes, clock), Rollouts(sessions, processes, clock)
