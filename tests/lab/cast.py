"""The agents of the lab, in the order in which they are run."""

from __future__ import annotations

from typing import Final

from tests.lab import aider, claude, codex, geminicli, opencode
from tests.lab.roster import LabAgent

AGENTS: Final[tuple[LabAgent, ...]] = (
    claude.AGENT,
    codex.AGENT,
    opencode.AGENT,
    geminicli.AGENT,
    aider.AGENT,
)
