"""Panes in which no agent runs: how one ended, and what stands there that no rule knows.

Invariant: pure: everything looked at is an argument.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from orc_core.agents.processes import is_shell, program_name, script_of, short_command
from orc_core.agents.signals import TEXT_MAX, short, tail
from orc_core.model.agent import DASHBOARD, ENDED, PANE_DEAD, Evidence, Signal, Source, State
from orc_core.text import age, clean

if TYPE_CHECKING:
    from orc_core.tmux.watcher import PaneInfo

MINUTE_S: Final = 60.0
BELOW_LINES: Final = 8
"""So many lines of what an agent showed may stand below its input line."""
PROMPT_LINES: Final = 4
"""So many lines may a shell's prompt take, with what the agent left below it."""
TRACE_LINES: Final = 60
SILENT_AFTER_S: Final = 15 * 60.0
NO_RULE: Final = "no-rule"
PLAIN_SHELL: Final = "plain-shell"
"""The rule of the evidence that nothing but a shell is in the pane."""
SIGNAL_NAMES: Final = {
    1: "hung up",
    2: "interrupted",
    3: "quit",
    6: "aborted",
    7: "bus error",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    15: "terminated",
}

TYPED_OVER: Final = r"^[❯›>]\s(?P<typed>Killed|Terminated|Aborted|Segmentation fault)(?=\w|$)"
"""What a shell writes over the input line of an agent that was killed."""
_FATAL: Final = re.compile(
    r"(?:^|\w*sh: |\d+ )(?:line \d+: +\d+ )?(?:\[\d+\]\s*[+-]?\s*(?:\d+\s+)?)?"
    r"(?P<does>[Kk]illed|[Tt]erminated|[Ss]egmentation fault|[Aa]borted|[Bb]us error|"
    r"Illegal instruction)(?: \(core dumped\))?(?:\s{2,}.*)?$"
    # A shell writes where the cursor was left, which may be in the middle of a line, or behind
    # the prompt at which the agent asked for one.
    r"|(?:(?<=[^\s.])|(?<=> ))(?P<glued>Killed|Terminated|Aborted|Segmentation fault)$"
    rf"|{TYPED_OVER}"
    # What turns while an agent works is drawn of such signs.
    r"|^\s*[░▒▓█■⬝\u2800-\u28FF][\s░▒▓█■⬝]{0,12}(?P<amid>Killed|Terminated|Aborted|"
    r"Segmentation fault)(?=\w|\s{2,}\S|$)"
    r"|^(?P<trace>Traceback \(most recent call last\)|panic: .{1,60}|FATAL ERROR: .{1,60}|"
    r"thread '.{1,40}' .{0,20}panicked)"
)
_LAST_WORD: Final = re.compile(
    r"Killed|Terminated|Aborted|Segmentation fault|Bus error|Illegal instruction"
)
_WORD: Final = re.compile(r"\w")
_OF_A_TRACE: Final = re.compile(
    r"\s|[\w.]{1,80}(Error|Exception|Exit|Interrupt|Warning)\b|During handling|The above exception"
    r"|Traceback |goroutine |exit status |note: run with|stack backtrace|node:"
    r"|Node\.js |<---|#|\d+: |[\w./*()]{1,120}\(|created by |----|FATAL ERROR"
)


def death(
    info: PaneInfo, started_at: float, died_at: float, *, exit_status: int | None = None
) -> Signal | None:
    """How the program of a dead pane ended; None while it lives.

    `exit_status`, in the form of `waitpid`, stands in where tmux does not say: tmux 3.3a misses
    the end of some children, which then stay zombies.
    """
    if not info.dead:
        return None
    status, number = info.dead_status, info.dead_signal
    if status is None and number is None and exit_status is not None:
        status, number = exit_status >> 8, exit_status & 0x7F
    if status is None and number is None:
        text = f"ended{_after(started_at, died_at)}, how is not known"
        evidence = Evidence(Source.PROC, PANE_DEAD, died_at, "tmux tells no exit status")
        return Signal(evidence, State.DONE, does=text)
    status, number = status or 0, number or 0
    if number == 0 and status > 128:
        number = status - 128
    how = SIGNAL_NAMES.get(number, f"signal {number}") if number else "ended"
    code = status or (128 + number if number else 0)
    state = State.CRASHED if status or number else State.DONE
    evidence = Evidence(Source.PROC, PANE_DEAD, died_at, f"status {status} signal {number}")
    return Signal(evidence, state, does=f"exit {code}, {how}{_after(started_at, died_at)}")


def _after(started_at: float, ended_at: float) -> str:
    if not started_at:
        return ""
    lasted = max(0.0, ended_at - started_at)
    return f" after {age(lasted)}" if lasted >= MINUTE_S else " within a minute"


def left_shell(
    lines: Sequence[str],
    command: str,
    started_at: float,
    ended_at: float,
    *,
    exit_status: int | None = None,
    before: Sequence[Sequence[str]] = (),
) -> Signal:
    """An agent whose pane is back at the shell: crashed where the shell says so, else ended.

    `exit_status` is what the shell reported of the program, where it reports such things;
    `before` are screens from while the agent lived.
    """
    lasted = _after(started_at, ended_at)
    shell = program_name(command)
    if exit_status is not None:
        # A program that a person stops by ctrl+c says 130: it was asked to.
        crashed = exit_status not in (0, 130)
        how = SIGNAL_NAMES.get(exit_status - 128, "ended")
        evidence = Evidence(Source.PROC, "shell-told", ended_at, f"{shell}: exit {exit_status}")
        does = f"exit {exit_status}, {how}{lasted}; {shell} is left"
        return Signal(evidence, State.CRASHED if crashed else State.DONE, does=does)
    line, how = _last_words(tail(lines, TRACE_LINES))
    for screen in before:
        if not how:
            line, how = _written_over(lines, screen)
    if how:
        evidence = Evidence(Source.PROC, "shell-left", ended_at, short(line))
        return Signal(evidence, State.CRASHED, does=f"{how}{lasted}; {shell} is left")
    evidence = Evidence(Source.PROC, "shell-left", ended_at, f"{shell} is in the foreground")
    return Signal(evidence, State.DONE, does=f"ended{lasted}; {shell} is left")


def _last_words(lines: Sequence[str]) -> tuple[str, str]:
    """The line that tells of a crash, and how it was; "" twice where none does.

    What an agent once showed of another program's end does not count: it is indented, or more
    than a shell's prompt came after it.
    """
    for at in range(len(lines) - 1, -1, -1):
        match = _FATAL.search(lines[at].rstrip()[:TEXT_MAX])
        if match is None:
            continue
        after = lines[at + 1 :]
        if not match["trace"]:
            said = match["does"] or match["glued"] or match["typed"] or match["amid"]
            # Below an input line the rest of what the agent showed is left standing.
            near = len(after) <= (BELOW_LINES if match["typed"] else PROMPT_LINES)
            return (lines[at], said.lower()) if near else ("", "")
        told = after[: max(0, len(after) - 2)]
        ours = all(_OF_A_TRACE.match(line) for line in told)
        asked = any(line.startswith("KeyboardInterrupt") for line in after)
        return (lines[at], match["trace"]) if ours and not asked else ("", "")
    return "", ""


def _written_over(lines: Sequence[str], before: Sequence[str]) -> tuple[str, str]:
    """The line of the agent amid which the shell wrote its word, and that; "" twice for none.

    Nothing but the shell's own prompt is new below it.
    """
    known = frozenset(before)
    for at, line in enumerate(lines):
        word = _LAST_WORD.search(line[:TEXT_MAX]) if known and line not in known else None
        if word is None or not any(_was_under(line, word, old) for old in before):
            continue
        new = [
            below
            for below in range(at + 1, len(lines))
            if lines[below].strip() and lines[below] not in known
        ]
        if new and new[-1] - at <= PROMPT_LINES:
            return line, word[0].lower()
    return "", ""


def _was_under(line: str, word: re.Match[str], old: str) -> bool:
    """Whether a line is that old one, over which a word was written.

    What was drawn before the word may have moved since, what stands behind it has not.
    """
    start, rest = line[: word.start()], " ".join(line[word.end() :].split())
    if not rest:
        return bool(start.strip()) and old.startswith(start)
    same = old.startswith(start) or not _WORD.search(start)
    return same and " ".join(old.split()).endswith(rest)


def as_wanted(signal: Signal, *, stopped: bool) -> Signal:
    """The end of an agent that a person stopped: how it took that is no news, nothing crashed."""
    if not stopped or signal.evidence.rule not in (*ENDED, PLAIN_SHELL):
        return signal
    return replace(signal, state=State.GONE, does=f"stopped: {signal.does}")


def unruled(info: PaneInfo, argv: Sequence[str], now: float) -> Signal:
    """A pane that no rule knows: a shell is idle, of a program nothing can be told."""
    if info.dead:
        return death(info, 0.0, now) or _no_rule(info.command, now)
    if program_name(script_of(argv)) == "orc-tui":
        evidence = Evidence(Source.PROC, "dashboard", now, "orc-tui")
        return Signal(evidence, State.UNKNOWN, does=DASHBOARD)
    # What tmux calls the command may be old; the process tells the present.
    command = program_name(argv[0]) if argv else info.command
    if is_shell(command) and not script_of(argv):
        evidence = Evidence(Source.PROC, PLAIN_SHELL, now, program_name(command))
        return Signal(evidence, State.IDLE)
    return _no_rule(_program(command if is_shell(command) else info.command, argv), now)


def declared(signal: Signal, info: PaneInfo, *, still_s: float, stopped: bool) -> Signal:
    """What a pane shows that no rule knows and in which a person says that an agent is.

    Only what its process tells is told of it; `still_s` is for how long its screen has been.
    """
    rule, does = signal.evidence.rule, signal.does
    if rule == NO_RULE:
        runs = does.partition(": ")[0]
        silent = f"silent {age(still_s)}: {runs}" if still_s >= SILENT_AFTER_S else ""
        return replace(signal, does=silent or f"runs {runs}; no rule reads its screen")
    if rule == PLAIN_SHELL:
        signal = replace(signal, does=f"{program_name(info.command)} is left")
    return as_wanted(signal, stopped=stopped)


def _program(command: str, argv: Sequence[str]) -> str:
    """`node repl.js` for what an interpreter runs, else the program's own name."""
    script = script_of(argv)
    if not script:
        return command
    return f"{program_name(command)} {short_command(argv).split(' ')[0]}"


def _no_rule(program: str, now: float) -> Signal:
    does = f"{clean(program, limit=60)}: no rule knows it"
    return Signal(Evidence(Source.PROC, NO_RULE, now, ""), State.UNKNOWN, does=does)
