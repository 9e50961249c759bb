"""Copying what stands under the cursor, or what Live shows.

Invariant: a person chooses what is copied, and the line afterwards says where it went.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from orc_core.model.agent import Agent
from orc_core.text import clean
from orc_core.tmux.clipboard import Way
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.dialog import Option
from orc_tui.screens.menu import Menu
from orc_tui.verbs.verb import Verb
from orc_tui.view_models import conflicts
from orc_tui.view_models.pane_view import ALL_LINES, text_lines
from orc_tui.view_models.story import parse_row_key

LAST_LINES: Final = 200
NOTE_MAX: Final = 48
_OF_AGENT: Final = (keymap.AGENTS, keymap.LIVE, keymap.SEARCH)
_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class _Piece:
    """One thing that can be copied; `note` says what it is where the text does not."""

    id: str
    word: str
    key: str
    text: str
    note: str = ""

    @property
    def shown(self) -> str:
        """What the menu says beside the word."""
        first = next((line for line in self.text.split("\n") if line.strip()), "")
        return self.note or clean(first, limit=NOTE_MAX).strip()


class Copying(Verb):
    """The verb of the clipboard."""

    async def copy(self, act: Act) -> None:
        """Ask what to copy, and copy it."""
        pieces = [piece for piece in self._pieces(act) if piece.text]
        options = [Option(piece.id, piece.word, piece.key) for piece in pieces]
        notes = [piece.shown for piece in pieces]
        chosen = await self.ask(Menu("Copy", options, notes))
        piece = next((one for one in pieces if one.id == chosen), None)
        if piece is None:
            return
        text = piece.text
        if piece.id == _ALL:
            told = await self.core.agents.scrollback(act.row_key, ALL_LINES)
            text = "\n".join(text_lines(list(told.lines))).rstrip("\n")
        await self._put(piece.word, text)

    async def _put(self, word: str, text: str) -> None:
        copied = await self.core.agents.copy(text)
        if copied.way is Way.TERMINAL:
            self.app.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        size = f"{lines:,} lines" if lines > 1 else f"“{clean(text, limit=NOTE_MAX)}”"
        self.tell(f"copied the {word}: {size} {copied.text}")

    def _pieces(self, act: Act) -> list[_Piece]:
        row, id, text, command = self._of_row(act)
        pieces = [
            _Piece("row", "row", "r", row),
            _Piece("id", "id", "i", id),
            _Piece("text", "text", "t", text),
            _Piece("command", "command", "c", command),
        ]
        live = self.app.main.live
        agent = live.subject
        if act.pane not in _OF_AGENT or not isinstance(agent, Agent) or agent.key != act.row_key:
            return pieces
        if live.screen_in_view is None:
            return pieces
        last = "\n".join(live.text(LAST_LINES))
        return [
            *pieces,
            _Piece("match", "match", "m", live.match_text()),
            _Piece("screen", "screen", "s", "\n".join(live.text()), "what is in view"),
            _Piece("lines", "lines", "l", last, f"the last {LAST_LINES} that are known here"),
            _Piece(_ALL, "whole text", "a", last, "with all that lies above it"),
        ]

    def _of_row(self, act: Act) -> tuple[str, str, str, str]:
        """The row, its id, its text, and the command that tells more of it."""
        if act.pane in _OF_AGENT:
            agent = self.agent(act)
            row = " ".join(part for part in (agent.name, agent.task, agent.does) if part)
            return row, agent.name, agent.last_prompt, f"orc screen {shlex.quote(agent.name)}"
        if act.pane == keymap.TASKS:
            task = self.task(act)
            return f"{task.id} {task.title}", task.id, task.text, f"orc task show {task.id}"
        if act.pane == keymap.CONFLICTS:
            conflict = self.conflict(act)
            row = f"{conflict.id} {conflicts.place(conflict)}"
            sides = [
                f"{conflicts.who(side)}: {conflicts.shown(side.value, present=side.present)}"
                for side in (conflict.left, conflict.right)
            ]
            return row, conflict.id, "\n".join(sides), f"orc conflicts show {conflict.id}"
        if act.pane == keymap.TIMELINE:
            kind, id, rev = parse_row_key(act.row_key)
            return f"{kind} {id} revision {rev}", id, "", f"orc history {kind} {id}"
        return act.row_key, act.row_key, "", "orc layers"
