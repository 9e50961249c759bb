"""Which kind of agent a program is: by its name, by the script it runs, by the title it sets.

Invariant: pure. A program of which no rule file tells is `other`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orc_core.agents.patterns import compiled, found
from orc_core.agents.processes import is_shell, program_name, script_of
from orc_core.agents.rules import RuleSet
from orc_core.model.agent import OTHER

if TYPE_CHECKING:
    from orc_core.tmux.watcher import PaneInfo


def program_kind(rules: RuleSet, argv: Sequence[str], name: str = "") -> str:
    """The kind of agent that a command line starts: by its program, then by its script.

    `name` is what the system calls the process, where one runs.
    """
    names = {program_name(argv[0].split(" ")[0])} if argv else set()
    names |= {program_name(name)} if name else set()
    for kind in rules.kinds:
        for pattern in kind.agent.commands:
            if any(compiled(pattern).fullmatch(one) for one in names):
                return kind.id
    script = script_of(argv)
    if script:
        for kind in rules.kinds:
            if any(found(pattern, script) for pattern in kind.agent.scripts):
                return kind.id
    return OTHER


def kind_of(rules: RuleSet, info: PaneInfo, argv: Sequence[str]) -> str:
    """The kind of agent in a pane: by its command line, then by its title.

    `argv` is that of the pane's foreground process. A shell is never taken for an agent by its
    title, which outlives the agent that set it.
    """
    kind = program_kind(rules, argv, info.command)
    if kind != OTHER or is_shell(info.command):
        return kind
    for one in rules.kinds:
        if any(found(pattern, info.title) for pattern in one.agent.titles):
            return one.id
    return OTHER
