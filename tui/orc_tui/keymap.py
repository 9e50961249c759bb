"""The one registry of actions: it feeds bindings, footer, `?`, palette and the key table.

Invariant: within one pane no key belongs to two actions, and no key of `NEVER` is bound. What a
person binds otherwise is laid over it in `keyboard`; nothing else asks for the keys of an action.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

AGENTS: Final = "agents"
LIVE: Final = "live"
TASKS: Final = "tasks"
CONFLICTS: Final = "conflicts"
SYNC: Final = "sync"
TIMELINE: Final = "timeline"
SEARCH: Final = "search"
"""Live while something is searched in it."""
AUDIT: Final = "audit"
MESSAGES: Final = "messages"
WORKFLOWS: Final = "workflows"
TREE: Final = "tree"
"""The checkpoints of a work tree."""
RESTORE: Final = "restore"
"""The preview of going back to one."""
EVERYWHERE: Final = "everywhere"

NEVER: Final = frozenset(
    {"d", "ctrl+k", "delete", "ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q", "ctrl+enter", "shift+enter"}
)
"""Keys that destroy elsewhere, are tmux prefixes, or never arrive."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key does: `word` stands in the footer ("" = not there), `help` under `?`.

    `keys` are as people write them (`.`, `ctrl+d`, `escape`); one without any is run by its name.
    `panes` are those it acts in.
    """

    id: str
    keys: tuple[str, ...]
    word: str
    help: str
    panes: frozenset[str]
    rank: int = 0
    """In a footer without room for all, the highest rank goes first."""

    def acts_in(self, pane: str) -> bool:
        """Whether the action belongs to the pane."""
        return EVERYWHERE in self.panes or pane in self.panes


def _panes(*names: str) -> frozenset[str]:
    return frozenset(names)


_ALL = _panes(EVERYWHERE)
_AGENT = _panes(AGENTS, LIVE)
_WITH_AGENT = _panes(AGENTS, LIVE, SEARCH, TASKS, CONFLICTS, TIMELINE)
_HISTORY = _panes(AGENTS, LIVE, TASKS, CONFLICTS, TIMELINE)
_WITH_SCREEN = _panes(AGENTS, LIVE, SEARCH)
_STORY = _panes(TIMELINE)
_PREVIEW = _panes(RESTORE)
_WORKFLOW = _panes(WORKFLOWS)
_LISTED = _panes(AGENTS, TASKS, CONFLICTS)
_MARKED = _panes(AGENTS, TASKS, CONFLICTS, TIMELINE)

ACTIONS: Final[tuple[Action, ...]] = (
    # what is done to the row under the cursor, in the order of the footer
    Action("answer", ("y",), "answer", "answer yes: opens the card", _AGENT),
    Action("refuse", ("n",), "", "answer no: opens the card", _AGENT),
    Action("older-match", ("n",), "older", "the match before, further up", _panes(SEARCH)),
    Action("newer-match", ("N",), "newer", "the match after, further down", _panes(SEARCH)),
    Action("take-left", ("o",), "left", "take the left side", _panes(CONFLICTS)),
    Action("take-right", ("t",), "right", "take the right side", _panes(CONFLICTS)),
    Action("take-both", ("b",), "", "take both, of lines of a text", _panes(CONFLICTS)),
    Action("take-base", ("B",), "base", "take the base: what both agreed on", _panes(CONFLICTS)),
    Action("next-attention", (".",), "next", "next row that needs you", _ALL),
    Action("attach", ("a",), "attach", "attach to its pane; the way back is shown", _WITH_AGENT),
    Action("type", ("i",), "type", "type a line to it", _WITH_AGENT),
    Action("interrupt", ("I",), "interrupt", "interrupt what it does", _WITH_AGENT),
    Action("edit", ("e",), "edit", "edit its fields, or the value", _panes(TASKS, CONFLICTS)),
    Action("pace", ("e",), "strategy", "when the layer is brought in step", _panes(SYNC)),
    Action("why", ("w",), "why", "why it is so: every signal and rule", _ALL),
    Action("assign", ("A",), "assign", "give it to an agent", _panes(TASKS), 2),
    Action("give", ("A",), "assign", "give it a task", _AGENT, 2),
    Action("end", ("x",), "end", "done or cancel: asks first", _panes(TASKS), 1),
    Action("end-agent", ("x",), "end", "interrupt, stop or forget it: asks first", _AGENT),
    Action("switch", ("x",), "off", "layer off, asks first; on again", _panes(SYNC), 1),
    Action("again", ("r",), "again", "retry the task; sync the layer now", _panes(TASKS, SYNC), 1),
    Action("restart", ("r",), "again", "restart it, or resume it if it is lost: asks", _AGENT, 1),
    Action("later", ("L",), "later", "defer: decide it another day", _panes(CONFLICTS), 1),
    Action("later-agent", ("L",), "", "mute it; type a line at a time or reset", _AGENT),
    Action("due", ("L",), "", "when it is due", _panes(TASKS)),
    Action("new", ("N",), "new", "new task", _panes(TASKS), 2),
    Action("spawn", ("N",), "new", "start an agent", _AGENT, 2),
    Action("history", ("H",), "history", "its timeline: every revision, with a diff", _HISTORY, 3),
    Action(
        "rollback",
        ("R",),
        "roll back",
        "back to a revision or checkpoint: previews first",
        _HISTORY,
        4,
    ),
    Action(
        "take-out", ("u",), "take out", "take out this change alone, keep later ones", _STORY, 2
    ),
    Action("checkpoint", ("N",), "checkpoint", "make a checkpoint of all documents", _STORY, 3),
    Action("name", ("e",), "name", "a checkpoint's name and note", _STORY, 3),
    Action("compare", ("=",), "compare", "compare with before, now, the marked one", _STORY, 4),
    Action("merge", ("M",), "", "merge its branch with another, part by part", _AGENT),
    Action("verify", ("V",), "verify", "whether the journal is as it was written", _panes(AUDIT)),
    Action("hold-audit", ("f",), "hold", "let new entries come, or hold the list", _panes(AUDIT)),
    Action("approve", ("y",), "approve", "say yes to the gate at which it waits", _WORKFLOW),
    Action("refuse-gate", ("n",), "refuse", "say no to the gate: it is rolled back", _WORKFLOW),
    Action("pause", ("p",), "pause", "pause after this step; resume it again", _WORKFLOW),
    Action("retry", ("r",), "again", "do it again if undone or cancelled: asks", _WORKFLOW, 1),
    Action("cancel", ("x",), "cancel", "stop it, leave what was done: asks", _WORKFLOW, 1),
    Action(
        "rollback-workflow",
        ("R",),
        "roll back",
        "stop it, and undo what was done: previews first",
        _WORKFLOW,
        1,
    ),
    Action("restore", ("R",), "roll back", "take what is chosen back: asks", _panes(TREE, RESTORE)),
    Action("keep", ("N",), "checkpoint", "keep the files as they are now", _panes(TREE)),
    Action("choose", ("space",), "choose", "take this file or hunk back, or leave it", _PREVIEW),
    Action("choose-all", ("*",), "all", "take all files back, or none", _PREVIEW),
    Action("undo", ("z",), "undo", "take back your last act", _ALL),
    Action("mark", ("space",), "mark", "mark: a key then acts on all marked", _MARKED, 4),
    Action("mark-range", ("v",), "", "mark from the nearest mark to here", _MARKED),
    Action("mark-all", ("*",), "", "mark all that are shown, or none", _MARKED),
    Action("filter", ("/",), "find", "filter: words, field:value, -not; in Live search", _ALL, 1),
    Action("sort", ("s",), "", "sort by a column; the same again reverses", _LISTED),
    Action("command", (":", "ctrl+p"), "command", "run a command by name", _ALL, 5),
    Action("redo", ("Z",), "", "do again what undo took back", _ALL),
    Action("copy", ("c",), "", "copy row, id, text or command; in Live lines, too", _ALL, 5),
    # moving
    Action("down", ("j", "down"), "", "down", _ALL),
    Action("up", ("k", "up"), "", "up", _ALL),
    Action("first", ("g", "home"), "", "first row", _ALL),
    Action("last", ("G", "end"), "", "last row", _ALL),
    Action("half-down", ("ctrl+d",), "", "half a page down", _ALL),
    Action("half-up", ("ctrl+u",), "", "half a page up", _ALL),
    Action("page-down", ("pagedown",), "", "a page down", _ALL),
    Action("page-up", ("pageup",), "", "a page up", _ALL),
    Action("next-pane", ("tab", "l", "right"), "", "next pane", _ALL),
    Action("previous-pane", ("shift+tab", "h", "left"), "", "previous pane", _ALL),
    Action("pane-1", ("1",), "", "Agents", _ALL),
    Action("pane-2", ("2",), "", "Tasks", _ALL),
    Action("pane-3", ("3",), "", "Conflicts", _ALL),
    Action("pane-4", ("4",), "", "Sync", _ALL),
    Action("pane-0", ("0",), "", "Live", _ALL),
    Action("timeline", ("5",), "", "Timeline: what happened, and the way back", _ALL),
    Action("workflows", ("6",), "", "Workflows: their steps, gates, and the way back", _ALL),
    Action("alerts", ("7",), "", "Alerts, once they are there", _ALL),
    Action("performance", ("8",), "", "Performance, once it is there", _ALL),
    Action(
        "audit", ("9",), "", "Audit: every entry of the journal, and whether it is intact", _ALL
    ),
    Action("fleet", ("F",), "", "Fleet: the screens of all agents side by side", _ALL),
    Action("messages", (), "", "what was said to you in this run", _ALL),
    Action("view-before", ("-",), "", "the view before", _ALL),
    Action("previous-attention", (",",), "", "previous row that needs you", _ALL),
    Action("only-attention", ("!",), "", "show only what needs you", _ALL),
    Action("open", ("enter",), "", "open what is under the cursor", _ALL),
    Action("back", ("escape",), "", "back one layer", _ALL),
    Action("zoom", ("+",), "", "give the pane the screen", _ALL),
    Action("unzoom", ("_",), "", "take the zoom back", _ALL),
    # Live
    Action("next-tab", ("]",), "", "next tab of the pane", _ALL),
    Action("previous-tab", ("[",), "", "previous tab of the pane", _ALL),
    Action("live-down", ("J",), "", "scroll Live or a diff down", _ALL),
    Action("live-up", ("K",), "", "scroll Live or a diff up", _ALL),
    Action("live-left", ("<",), "", "shift Live to the left", _ALL),
    Action("live-right", (">",), "", "shift Live to the right", _ALL),
    Action("follow", ("f",), "", "follow or hold Live", _WITH_SCREEN),
    # by name alone
    Action(
        "fold",
        (),
        "",
        "fold agents that are idle or unknown into one line, or unfold",
        _panes(AGENTS),
    ),
    Action("adopt", (), "", "adopt it: it keeps its name, and can be resumed", _AGENT),
    Action("supervise", (), "", "supervise it: when it is started again", _AGENT),
    Action("listen", (), "", "listen to it: status, progress, notices, bells", _AGENT),
    Action("keep-files", (), "", "make a checkpoint of its work tree", _AGENT),
    Action("record", (), "", "record it; again to pause or end that", _WITH_SCREEN),
    Action("recordings", (), "", "list the recordings, and play one", _ALL),
    Action("strategy", (), "", "switch between the async and the sync strategy", _ALL),
    Action("theme", (), "", "choose a theme: worn as you move over it", _ALL),
    # the program
    Action("refresh", ("ctrl+r",), "", "look again at everything and redraw", _ALL),
    Action("quit", ("q",), "", "close the view; on the main view quit", _ALL),
    Action("leave", ("ctrl+c",), "", "twice: quit from anywhere", _ALL),
    Action("help", ("?", "f1"), "keys", "the keys of the focused pane", _ALL),
)

BULK: Final = frozenset(
    {
        "answer",
        "refuse",
        "later-agent",
        "interrupt",
        "end-agent",
        "restart",
        "assign",
        "edit",
        "end",
        "again",
        "take-left",
        "take-right",
        "take-both",
        "take-base",
        "later",
    }
)
"""The actions that a list does to all marked rows at once: their acts carry `marked`."""

VIEWS: Final = frozenset({"timeline", "history", "audit", "messages", "fleet", "workflows"})
"""The actions that open a view: `-` opens the last of them again."""

PANE_NAMES: Final = {
    AGENTS: "Agents",
    LIVE: "Live",
    SEARCH: "Search in Live",
    TASKS: "Tasks",
    CONFLICTS: "Conflicts",
    SYNC: "Sync",
    TIMELINE: "Timeline",
    AUDIT: "Audit",
    MESSAGES: "Messages",
    WORKFLOWS: "Workflows",
    TREE: "Checkpoints",
    RESTORE: "Preview",
}
"""What each pane with keys of its own is called on the screen."""
