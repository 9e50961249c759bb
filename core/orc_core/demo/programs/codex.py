"""The look of Codex: its transcript, status line, approvals and titles.

Invariant: pure; every marker stands where the real program shows it.
"""

from __future__ import annotations

from typing import Final

from orc_core.demo.programs.face import Frame, page, tail
from orc_core.demo.programs.ink import cells, cut, ink, minutes, wrapped
from orc_core.demo.programs.play import Entry, Phase, Play, Role
from orc_core.demo.programs.steps import Ask

VERSION: Final = "0.169.0"
_BUSY_TITLE: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_BULLET: Final = "•◦"


class CodexFace:
    """Draws a play as Codex would show it."""

    letters: Final = {"y": 0, "p": 1, "n": 2}
    line_answers: Final = False

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def title(self, play: Play, now: float) -> str:
        """Return the title: the folder, behind a braille sign while busy."""
        if play.phase is Phase.WORKING:
            return f"{_BUSY_TITLE[int(now - play.turn_began) % len(_BUSY_TITLE)]} {self._folder}"
        if play.phase is Phase.ASKING:
            return f"[ ! ] Action Required | {self._folder}"
        return self._folder

    def frame(self, play: Play, now: float, width: int, height: int) -> Frame:
        """Draw the transcript and below it the status line, the approval or the composer."""
        lines = _header(self._folder, width) + page(play.transcript, width, _entry)
        if isinstance(play.asked, Ask):
            return tail(lines + _approval(play, play.asked, width), height)
        if play.phase is Phase.ENDED:
            return tail(lines, height)
        if play.phase is Phase.WORKING:
            gone = now - play.turn_began
            bullet = ink("bold", _BULLET[int(gone) % len(_BULLET)])
            facts = ink("dim", f" ({minutes(gone)} • esc to interrupt)")
            lines += [f"{bullet} {ink('bold', 'Working')}{facts}", ""]
        for line in play.queued:
            lines.append(ink("dim", cut(f"  ↳ {line}", width)))
        left = ink("dim", f"  {self._left(play)}% context left")
        draft = (
            wrapped(play.draft, width, first="› ", rest="  ")
            if play.draft
            else [f"› {ink('dim', 'Ask Codex to do anything')}"]
        )
        lines += [*draft, "", left]
        column = 2 + cells(play.draft.rsplit("\n", 1)[-1])
        return tail(lines, height, (min(column, width - 1), len(lines) - 3))

    def _left(self, play: Play) -> int:
        return max(98 - 2 * len(play.transcript), 12)


def _header(folder: str, width: int) -> list[str]:
    inner = min(width, 48) - 2
    text = f" >_ OpenAI Codex (v{VERSION})  {folder}"
    return [
        ink("dim", "╭" + "─" * inner + "╮"),
        ink("dim", "│") + cut(text, inner).ljust(inner) + ink("dim", "│"),
        ink("dim", "╰" + "─" * inner + "╯"),
        "",
    ]


def _entry(entry: Entry, width: int) -> list[str]:
    match entry.role:
        case Role.USER:
            return wrapped(entry.text, width, first="› ", rest="  ", style="bold")
        case Role.SAY:
            return wrapped(entry.text, width, first="• ", rest="  ")
        case Role.TOOL:
            verb = "Ran" if entry.tool == "Bash" else entry.tool
            return [
                ink("green", "• ")
                + ink("bold", verb)
                + ink("cyan", cut(f" {entry.text}", width - 9))
            ]
        case Role.RESULT:
            return wrapped(entry.text, width, first="  └ ", rest="    ", style="dim")
        case Role.REFUSED:
            return [
                ink("red", "✗ ") + cut(f"You canceled the request to run {entry.text}", width - 2)
            ]
        case Role.INTERRUPTED:
            words = "■ Conversation interrupted - tell the model what to do differently."
            return [ink("red", cut(words, width))]
        case Role.LIMIT:
            words = f"■ You've hit your usage limit. Try again at {entry.text}."
            return [ink("red", cut(words, width))]
        case Role.TURN:
            words = f"─ Worked for {minutes(int(entry.text))} "
            return [ink("dim", words + "─" * max(width - len(words), 0))]
        case Role.LAST:
            return [ink("red", cut(entry.text, width))]


def _approval(play: Play, ask: Ask, width: int) -> list[str]:
    labels = (
        "Yes, proceed (y)",
        f"Yes, and don't ask again for commands that start with `{ask.whole_kind}` (p)",
        "No, and tell Codex what to do differently (esc)",
    )
    edits = ask.use.tool in ("Edit", "Write")
    asks = "make the following edits?" if edits else "run the following command?"
    subject = ask.use.subject if edits else f"$ {ask.use.subject}"
    lines = [
        ink("bold", f"  Would you like to {asks}"),
        "",
        *wrapped(f"Reason: {ask.note}", width, first="  ", rest="  ", style="dim"),
        "",
        *wrapped(subject, width, first="  ", rest="    "),
        "",
    ]
    for at, label in enumerate(labels):
        text = f"{at + 1}. {cut(label, width - 5)}"
        lines.append(ink("bold cyan", f"› {text}") if at == play.cursor else f"  {text}")
    return [*lines, "", ink("dim", "  Press enter to confirm or esc to cancel")]
