"""The watch over tmux servers, put together from what a person chose.

Invariant: this module composes and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orc_core import dashboards
from orc_core.agents.hooks.wiring import hook_sources
from orc_core.agents.names import NameBook
from orc_core.agents.rules import RuleSet
from orc_core.agents.sequences import Sequences
from orc_core.clock import Clock
from orc_core.config import CoreOptions
from orc_core.fleet import Fleet
from orc_core.switches import Switches
from orc_core.tmux import listening, server
from orc_core.tmux.server import Address
from orc_core.watch import WatchSetup
from orc_storage.records import LiveRow


@dataclass(frozen=True, slots=True)
class Wish:
    """Which servers are to be watched, none for all that are found, and how."""

    addresses: tuple[Address, ...]
    switches: Switches

    @classmethod
    def of(cls, options: CoreOptions) -> Wish:
        """What the options say; raises OrcError for what cannot be wished."""
        environ = options.environ
        switches = Switches.read(environ)
        named = server.resolve_all(options.socket_paths, options.socket_names, environ)
        return cls(named, switches)


def fleet(
    wish: Wish, options: CoreOptions, clock: Clock, rules: RuleSet, known: Sequence[LiveRow]
) -> Fleet:
    """Make what watches these servers; `known` are the panes as they were written down last."""
    setup = WatchSetup(
        clock,
        rules,
        options.home,
        NameBook(known),
        skip_ttys=dashboards.terminals,
        sources=(
            Sequences(listening.folder(), clock),
            *hook_sources(options.environ, options.home, clock),
        ),
        switches=wish.switches,
        host=options.host,
    )
    return Fleet(wish.addresses, setup, read_only=options.read_only, environ=options.environ)
