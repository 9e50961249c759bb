"""The look of Claude Code: its transcript, spinner, prompts and titles.

Invariant: pure; every marker stands where the real program shows it.
"""

from __future__ import annotations

from typing import Final

from orc_core.demo.programs.face import Frame, page, tail
from orc_core.demo.programs.ink import cells, cut, ink, minutes, rule, wrapped
from orc_core.demo.programs.play import Entry, Phase, Play, Role
from orc_core.demo.programs.steps import Ask, Question

VERSION: Final = "2.1.239"
_SPINNER: Final = "·✢✶✻✽✻✶✢"
_BUSY_TITLE: Final = "⠂⠐"
_SUBJECTS: Final = {"Bash": "Bash command", "Edit": "Edit file", "Write": "Create file"}


class ClaudeFace:
    """Draws a play as Claude Code would show it."""

    letters: Final = {"y": 0, "n": 2}
    line_answers: Final = False

    def title(self, play: Play, now: float) -> str:
        """Return the title: a braille sign while busy, a star otherwise."""
        if play.phase is Phase.WORKING:
            sign = _BUSY_TITLE[int(now - play.turn_began) % len(_BUSY_TITLE)]
        else:
            sign = "✳"
        return f"{sign} {play.scene.title}"

    def frame(self, play: Play, now: float, width: int, height: int) -> Frame:
        """Draw the transcript and below it the spinner, the question or the prompt box."""
        lines = _header(width) + page(play.transcript, width, _entry)
        if isinstance(play.asked, Ask):
            return tail(lines + _permission(play, play.asked, width), height)
        if isinstance(play.asked, Question):
            return tail(lines + _question(play, play.asked, width), height)
        if play.phase is Phase.ENDED:
            return tail(lines, height)
        if play.phase is Phase.WORKING:
            lines += [_spinner(play, now), ""]
        for line in play.queued:
            lines.append(ink("dim", cut(f"  > {line}", width)))
        draft = wrapped(play.draft, width - 3, first="❯ ", rest="  ")
        lines += [rule(width), *draft, rule(width), _footer(play)]
        column = 2 + cells(play.draft.rsplit("\n", 1)[-1])
        return tail(lines, height, (min(column, width - 1), len(lines) - 3))


def _header(width: int) -> list[str]:
    name = ink("bold", "Claude Code") + ink("dim", f" v{VERSION}")
    return ["", f" {ink('accent', '▐▛███▜▌')}   {name}", rule(min(width, 34)), ""]


def _entry(entry: Entry, width: int) -> list[str]:
    match entry.role:
        case Role.USER:
            return wrapped(entry.text, width, first="❯ ", rest="  ", style="grey")
        case Role.SAY:
            return wrapped(entry.text, width, first="● ", rest="  ")
        case Role.TOOL:
            return [
                ink("green", "● ") + ink("bold", entry.tool) + cut(f"({entry.text})", width - 9)
            ]
        case Role.RESULT:
            return wrapped(entry.text, width, first="  ⎿  ", rest="     ", style="grey")
        case Role.REFUSED:
            return [f"  ⎿  {ink('red', 'Not run: you said no')}"]
        case Role.INTERRUPTED:
            return ["  ⎿  " + ink("red", "Interrupted · What should Claude do instead?")]
        case Role.LIMIT:
            words = f"You've hit your session limit · resets {entry.text}"
            return [f"  ⎿  {ink('yellow', words)}", ink("dim", "     /upgrade to keep going")]
        case Role.TURN:
            return [ink("grey", f"✻ Brewed for {minutes(int(entry.text))}")]
        case Role.LAST:
            return [ink("red", cut(entry.text, width))]


def _spinner(play: Play, now: float) -> str:
    gone = now - play.turn_began
    sign = _SPINNER[int(gone) % len(_SPINNER)]
    label = play.label if " " not in play.label else "Working"
    facts = f" ({minutes(gone)} · ↓ {0.3 + gone * 0.08:.1f}k tokens · esc to interrupt)"
    return ink("accent", f"{sign} {label}…") + ink("dim", facts)


def _footer(play: Play) -> str:
    return ink("dim", "  esc to interrupt" if play.phase is Phase.WORKING else "  ? for shortcuts")


def _option(number: int, label: str, *, chosen: bool) -> str:
    if chosen:
        return ink("ask", f" ❯ {number}. {label}")
    return f"   {number}. {label}"


def _permission(play: Play, ask: Ask, width: int) -> list[str]:
    labels = (
        "Yes",
        f"Yes, and don't ask again for: {ask.whole_kind}",
        "No, and tell Claude what to do differently (esc)",
    )
    body = wrapped(ask.use.subject, width, first="   ", rest="   ")
    options = [
        _option(at + 1, cut(label, width - 6), chosen=at == play.cursor)
        for at, label in enumerate(labels)
    ]
    return [
        rule(width, "ask"),
        ink("bold ask", " " + _SUBJECTS.get(ask.use.tool, ask.use.tool)),
        "",
        *body,
        *wrapped(ask.note, width, first="   ", rest="   ", style="dim"),
        "",
        " Do you want to proceed?",
        *options,
        "",
        ink("dim", " Esc to cancel · Tab to amend"),
    ]


def _question(play: Play, question: Question, width: int) -> list[str]:
    lines = [
        rule(width, "ask"),
        f" ☐ {ink('bold ask', question.topic)}",
        "",
        *wrapped(question.text, width, first=" ", rest=" ", style="bold"),
        "",
    ]
    for at, (label, remark, _) in enumerate(question.options):
        lines.append(_option(at + 1, cut(label, width - 6), chosen=at == play.cursor))
        lines.append(ink("dim", cut(f"      {remark}", width)))
    return [*lines, "", ink("dim", " Enter to select · ↑/↓ to navigate · Esc to cancel")]
