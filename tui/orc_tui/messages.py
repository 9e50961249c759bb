"""What workers and screens tell the app.

Invariant: a message is a value. Workers post these and never reach into a widget.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.message import Message

from orc_core.model.snapshot import Delta
from orc_tui.memory import Choice


class SnapshotChanged(Message):
    """The core knows something new."""

    def __init__(self, delta: Delta) -> None:
        super().__init__()
        self.delta = delta


class Act(Message):
    """A key asked for an action on a row; `row_key` is "" where the pane has no row.

    `marked` are the keys of the marked rows, in the order of the list, for what acts on many.
    """

    def __init__(
        self, action_id: str, pane: str, row_key: str, marked: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.action_id = action_id
        self.pane = pane
        self.row_key = row_key
        self.marked = marked


class Selected(Message):
    """The cursor stands on another row; `row_key` is "" where the pane is empty."""

    def __init__(self, pane: str, row_key: str) -> None:
        super().__init__()
        self.pane = pane
        self.row_key = row_key


class Watched(Message):
    """These agents are to be seen beside the selected one, in colour; none for no more."""

    def __init__(self, agent_keys: tuple[str, ...]) -> None:
        super().__init__()
        self.agent_keys = agent_keys


class Seen(Message):
    """The operator looked at an agent that is done for two seconds."""

    def __init__(self, agent_key: str) -> None:
        super().__init__()
        self.agent_key = agent_key


class WhyWanted(Message):
    """Live shows the tab Why: the app asks the core to explain the agent."""

    def __init__(self, agent_key: str) -> None:
        super().__init__()
        self.agent_key = agent_key


class ActivityWanted(Message):
    """Live shows the tab History or Figures: the app asks the core what the agent did."""

    def __init__(self, agent_key: str) -> None:
        super().__init__()
        self.agent_key = agent_key


class ScrollbackWanted(Message):
    """Live wants the lines above the screen that it holds, so many of them at most."""

    def __init__(self, agent_key: str, lines: int) -> None:
        super().__init__()
        self.agent_key = agent_key
        self.lines = lines


class DigestWanted(Message):
    """The operator was away: the app asks the core what happened since."""

    def __init__(self, since: float) -> None:
        super().__init__()
        self.since = since


class ChoicesMade(Message):
    """The conflict view has other choices than before; these are all that count now."""

    def __init__(self, choices: Mapping[str, Choice]) -> None:
        super().__init__()
        self.choices = choices


class Told(Message):
    """A line was said to the operator; the app keeps the last of them.

    `undoable` says that `z` takes back what it tells; `severity` is "", waiting or error.
    """

    def __init__(self, text: str, *, undoable: bool = False, severity: str = "") -> None:
        super().__init__()
        self.text = text
        self.undoable = undoable
        self.severity = severity
