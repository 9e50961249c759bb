"""Every captured screen tells the state that its file name says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orc_core.agents.rules import RuleSet
from orc_core.agents.signals import signals
from orc_core.model.agent import State, Waiting
from orc_core.tmux.watcher import PaneInfo

pytest_plugins = ("agents_on_stage",)

SCREENS = Path(__file__).with_name("screens")
NOW = 1_800_000_000.0
ALL = sorted(
    path.relative_to(SCREENS).with_suffix("").as_posix() for path in SCREENS.rglob("*.txt")
)


@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith("shell/")])
def test_screen_tells_its_state(
    name: str,
    rules: RuleSet,
    screen: Callable[[str], tuple[str, ...]],
    pane: Callable[..., PaneInfo],
) -> None:
    kind, _, rest = name.partition("/")
    state, *words = rest.split("-")
    read = signals(rules, kind, pane(), screen(name), NOW)
    assert read.hold is (state == "hold")
    if state in ("hold", "none"):
        assert read.signals == ()
        return
    (signal,) = read.signals
    assert (signal.state, signal.evidence.rule.split("/")[0]) == (State(state), kind)
    if signal.state is State.WAITING:
        assert signal.waiting is Waiting(words[0])


def test_each_rule_of_the_screen_is_proved_by_a_screen(
    rules: RuleSet, screen: Callable[[str], tuple[str, ...]], pane: Callable[..., PaneInfo]
) -> None:
    proved = set()
    for name in ALL:
        kind = name.split("/")[0]
        read = signals(rules, kind, pane(), screen(name), NOW)
        proved |= {signal.evidence.rule for signal in read.signals}
    strong = {
        f"{kind.id}/{rule.id}"
        for kind in rules.kinds
        for rule in kind.rules
        if rule.source == "screen" and not rule.hold
    }
    assert sorted(strong - proved) == []
