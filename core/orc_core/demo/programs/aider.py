"""The look of aider: a plain scrolling session with a line prompt.

Invariant: pure; every marker stands where the real program shows it.
"""

from __future__ import annotations

from typing import Final

from orc_core.demo.programs.face import Frame, tail
from orc_core.demo.programs.ink import cells, cut, ink, rule, wrapped
from orc_core.demo.programs.play import Entry, Phase, Play, Role
from orc_core.demo.programs.steps import Ask

VERSION: Final = "0.86.1"
_SCANNER: Final = (
    "░█        ",
    "  ░█      ",
    "     ░█   ",
    "        ░█",
    "     █░   ",
    "  █░      ",
)


class AiderFace:
    """Draws a play as aider would show it."""

    letters: Final = {"y": 0, "d": 1, "n": 2}
    line_answers: Final = True

    def title(self, play: Play, now: float) -> str:
        """Return no title: aider sets none."""
        return ""

    def frame(self, play: Play, now: float, width: int, height: int) -> Frame:
        """Draw the session, and at its end the scanner, the question or the prompt."""
        lines = [
            f"Aider v{VERSION}",
            "Main model: sonnet with diff edit format, infinite output",
            "Git repo: .git with 412 files",
            "Repo-map: using 4096 tokens, auto refresh",
        ]
        for entry in play.transcript:
            lines += _entry(entry, width)
        if play.phase is Phase.ENDED:
            return tail(lines, height)
        if play.phase is Phase.WORKING:
            scanner = _SCANNER[int(now - play.turn_began) % len(_SCANNER)]
            return tail([*lines, f"{ink('green', scanner)} Waiting for sonnet"], height)
        if isinstance(play.asked, Ask):
            lines += wrapped(play.asked.use.subject, width)
            prompt = f"{play.asked.note} (Y)es/(N)o/(D)on't ask again [Yes]: "
        else:
            files = " ".join(play.scene.files)
            lines += ["", ink("green", rule(width, "")), *([files] if files else [])]
            prompt = "> "
        lines.append(ink("green", cut(prompt + play.draft.replace("\n", " "), width)))
        column = cells(prompt) + cells(play.draft)
        return tail(lines, height, (min(column, width - 1), len(lines) - 1))


def _entry(entry: Entry, width: int) -> list[str]:
    match entry.role:
        case Role.USER:
            return [
                ink("green", rule(width, "")),
                *wrapped(entry.text, width, first="> ", style="green"),
            ]
        case Role.SAY:
            return ["", *wrapped(entry.text, width, style="blue")]
        case Role.TOOL if entry.tool == "Edit":
            return ["", entry.text, ink("dim", "<<<<<<< SEARCH … >>>>>>> REPLACE")]
        case Role.TOOL:
            return [f"Running {entry.text}"]
        case Role.RESULT:
            return wrapped(entry.text, width)
        case Role.REFUSED:
            return [ink("dim", "Skipped.")]
        case Role.INTERRUPTED:
            return ["", ink("yellow", "^C KeyboardInterrupt")]
        case Role.LIMIT:
            return [
                ink(
                    "red",
                    "litellm.RateLimitError: You've hit your usage limit, try again at "
                    + entry.text,
                )
            ]
        case Role.TURN:
            return [
                ink("dim", "Tokens: 6.1k sent, 412 received. Cost: $0.02 message, $0.31 session.")
            ]
        case Role.LAST:
            return [cut(entry.text, width)]
