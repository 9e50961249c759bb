"""Signals: what a pane, its title and its screen say of an agent, each on its own.

Invariant: pure: everything looked at is an argument. A signal names the rule
that made it and the piece of text that matched, and says when that was last seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.agents.limits import limit_line
from orc_core.agents.processes import is_shell, program_name, script_of, short_command
from orc_core.agents.prompts import Layout, find_layout
from orc_core.agents.rules import BOTTOM_LINES, TAIL_LINES, Kind, RulePart, RuleSet, compiled, found
from orc_core.model.agent import DASHBOARD, OTHER, PANE_DEAD, Evidence, Signal, Source, State
from orc_core.text import age, clean
from orc_core.tmux.watcher import PaneInfo

TEXT_MAX: Final = 120
INPUT_LINES: Final = 6
"""How many non-empty lines from the bottom the input line may be."""
_MINUTE_S: Final = 60.0
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

_FATAL: Final = re.compile(
    r"(?:^|\w*sh: |\d+ )(?:line \d+: +\d+ )?(?:\[\d+\]\s*[+-]?\s*(?:\d+\s+)?)?"
    r"(?P<does>[Kk]illed|[Tt]erminated|[Ss]egmentation fault|[Aa]borted|[Bb]us error|"
    r"Illegal instruction)(?: \(core dumped\))?(?:\s{2,}.*)?$"
    # A shell writes where the cursor was left, which may be in the middle of a line.
    r"|(?<=[^\s.])(?P<glued>Killed|Terminated|Aborted|Segmentation fault)$"
    r"|^(?P<trace>Traceback \(most recent call last\)|panic: .{1,60}|FATAL ERROR: .{1,60}|"
    r"thread '.{1,40}' .{0,20}panicked)"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at an agent gave.

    `held_by` is the rule that says that the screen shows a view over the conversation.
    """

    signals: tuple[Signal, ...]
    held_by: str = ""

    @property
    def hold(self) -> bool:
        """Whether the screen shows a view over the conversation."""
        return bool(self.held_by)


def kind_of(rules: RuleSet, info: PaneInfo, argv: Sequence[str]) -> str:
    """The kind of agent in a pane: by its program, then by its script, then by its title.

    `argv` is that of the pane's foreground process. A shell is never taken for an agent by its
    title, which outlives the agent that set it.
    """
    names = {program_name(info.command)}
    if argv:
        names.add(program_name(argv[0].split(" ")[0]))
    for kind in rules.kinds:
        for pattern in kind.agent.commands:
            if any(compiled(pattern).fullmatch(name) for name in names):
                return kind.id
    script = script_of(argv)
    if script:
        for kind in rules.kinds:
            if any(found(pattern, script) for pattern in kind.agent.scripts):
                return kind.id
    if not is_shell(info.command):
        for kind in rules.kinds:
            if any(found(pattern, info.title) for pattern in kind.agent.titles):
                return kind.id
    return OTHER


def signals(
    rules: RuleSet,
    kind: str,
    info: PaneInfo,
    lines: Sequence[str],
    now: float,
    *,
    title_at: float | None = None,
    screen_at: float | None = None,
) -> Reading:
    """What the pane's title and screen say, strongest first.

    A prompt at the very bottom is stronger than any rule but one that holds.

    `title_at` is when the title last changed and `screen_at` when the screen was last read, in
    epoch seconds; by default both are new.
    """
    known = rules.kind(kind)
    if known is None:
        return Reading(())
    made: list[Signal] = []
    title = _first(known, "title", {"title": (info.title,)})
    if title is not None:
        at = now if title_at is None else title_at
        made.append(_signal(*title, Source.TITLE, at, now))
    at = now if screen_at is None else screen_at
    shown, held_by = _of_screen(known, lines, at, now)
    return Reading((*made, *([shown] if shown is not None else [])), held_by)


def states(kind: Kind, lines: Sequence[str]) -> tuple[State, ...]:
    """The state that the screen alone tells, if any."""
    shown, _ = _of_screen(kind, lines, 0.0, 0.0)
    return (shown.state,) if shown is not None else ()


def _of_screen(
    kind: Kind, lines: Sequence[str], at: float, now: float
) -> tuple[Signal | None, str]:
    """What the screen says, or the rule by which it shows a view over the conversation."""
    layout = find_layout(kind, lines)
    screen = _first(kind, "screen", _regions(kind, lines, layout))
    if screen is not None and screen[1].hold:
        return None, f"{kind.id}/{screen[1].id}"
    if layout is not None:
        asked = next((line for line in reversed(layout.body) if line.strip()), "")
        evidence = Evidence(Source.SCREEN, f"{kind.id}/{layout.part.id}", at, _short(asked))
        return Signal(evidence, State.WAITING, layout.part.waiting), ""
    return (_signal(*screen, Source.SCREEN, at, now) if screen is not None else None), ""


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
    return f" after {age(lasted)}" if lasted >= _MINUTE_S else " within a minute"


def left_shell(
    lines: Sequence[str],
    command: str,
    started_at: float,
    ended_at: float,
    *,
    exit_status: int | None = None,
) -> Signal:
    """An agent whose pane is back at the shell: crashed where the shell says so, else ended.

    `exit_status` is what the shell reported of the program, where it reports such things.
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
    for line in reversed(_tail(lines, BOTTOM_LINES)):
        match = _FATAL.search(line.strip()[:TEXT_MAX])
        if match is not None:
            evidence = Evidence(Source.PROC, "shell-left", ended_at, _short(line))
            how = match["trace"] or (match["does"] or match["glued"]).lower()
            return Signal(evidence, State.CRASHED, does=f"{how}{lasted}; {shell} is left")
    evidence = Evidence(Source.PROC, "shell-left", ended_at, f"{shell} is in the foreground")
    return Signal(evidence, State.DONE, does=f"ended{lasted}; {shell} is left")


def unruled(info: PaneInfo, argv: Sequence[str], now: float) -> Signal:
    """A pane that no rule knows: a shell is idle, of a program nothing can be told."""
    if info.dead:
        return death(info, 0.0, now) or _no_rule(info.command, now)
    if program_name(script_of(argv)) == "orc-tui":
        evidence = Evidence(Source.PROC, "dashboard", now, "orc-tui")
        return Signal(evidence, State.UNKNOWN, does=DASHBOARD)
    if is_shell(info.command) and not script_of(argv):
        evidence = Evidence(Source.PROC, "plain-shell", now, program_name(info.command))
        return Signal(evidence, State.IDLE)
    return _no_rule(_program(info.command, argv), now)


def activity(kind: Kind, lines: Sequence[str]) -> str:
    """What the agent did last since it was told something, e.g. `Bash  npm test`, or ""."""
    told = _told_at(kind, lines)
    return _latest(kind, kind.reads.activity, lines if told is None else lines[told + 1 :])


def last_prompt(kind: Kind, lines: Sequence[str]) -> str:
    """What the agent was told last, as far as the screen still shows it."""
    at = _told_at(kind, lines)
    return _latest(kind, kind.reads.last_prompt, lines[at : at + 1]) if at is not None else ""


def input_at(kind: Kind, lines: Sequence[str]) -> int | None:
    """Which line is the agent's input line, or None where no such line is seen."""
    seen = 0
    for at in range(len(lines) - 1, -1, -1):
        if seen == INPUT_LINES:
            break
        if not kind.matched(lines[at]).isdisjoint(kind.reads.input):
            return at
        seen += bool(lines[at].strip())
    return None


def input_text(kind: Kind, lines: Sequence[str]) -> str | None:
    """What stands in the agent's input line, or None where no such line is seen."""
    at = input_at(kind, lines)
    if at is None:
        return None
    hits = (found(pattern, lines[at]) for pattern in kind.reads.input)
    match = next(hit for hit in hits if hit is not None)
    return str(match.groupdict().get("text") or "").strip()


def _told_at(kind: Kind, lines: Sequence[str]) -> int | None:
    """The line of the last thing that the agent was told, above its input line."""
    end = input_at(kind, lines)
    for at in range((len(lines) if end is None else end) - 1, -1, -1):
        if not kind.matched(lines[at]).isdisjoint(kind.reads.last_prompt):
            return at
    return None


def _regions(kind: Kind, lines: Sequence[str], layout: Layout | None) -> dict[str, Sequence[str]]:
    told = _told_at(kind, lines)
    return {
        "turn": _tail(lines if told is None else lines[told + 1 :], BOTTOM_LINES),
        "screen": lines,
        "bottom": _tail(lines, BOTTOM_LINES),
        "tail": _tail(lines, TAIL_LINES),
        "prompt": layout.block if layout is not None else (),
    }


def _tail(lines: Sequence[str], count: int) -> list[str]:
    """The last non-empty lines, top to bottom."""
    kept: list[str] = []
    for line in reversed(lines):
        if line.strip():
            kept.append(line)
            if len(kept) == count:
                break
    return kept[::-1]


def _first(
    kind: Kind, source: str, regions: dict[str, Sequence[str]]
) -> tuple[Kind, RulePart, Sequence[str], str] | None:
    """The strongest rule of a source that matches, with its lines and the one that matched."""
    for rule in kind.rules:
        if rule.source != source:
            continue
        lines = regions[rule.region]
        hit = _match(kind, rule, lines)
        if hit is not None:
            return kind, rule, lines, hit
    return None


def _match(kind: Kind, rule: RulePart, lines: Sequence[str]) -> str | None:
    """The lowest line that one of a rule's patterns matched, or None."""
    sets = [kind.matched(line) for line in lines]
    here: frozenset[str] = frozenset().union(*sets)
    if not here.issuperset(rule.all) or not here.isdisjoint(rule.not_):
        return None
    told = rule.any or rule.all
    for line, hits in zip(reversed(lines), reversed(sets), strict=True):
        if not hits.isdisjoint(told):
            return line
    return None


def _signal(
    kind: Kind,
    rule: RulePart,
    lines: Sequence[str],
    hit: str,
    source: Source,
    at: float,
    now: float,
) -> Signal:
    does = _does(rule, lines)
    if rule.state is State.LIMITED:
        does = limit_line(does or hit.strip(), at, now)
    return Signal(
        evidence=Evidence(source, f"{kind.id}/{rule.id}", at, _short(hit)),
        state=rule.state,
        waiting=rule.waiting,
        does=_short(does),
        expired=rule.expires_s > 0 and now - at > rule.expires_s,
        attended=rule.attended,
    )


def _does(rule: RulePart, lines: Sequence[str]) -> str:
    if rule.does is None:
        return ""
    hit = next((match for line in reversed(lines) if (match := found(rule.does, line))), None)
    return str(hit["does"] or "") if hit else ""


def _latest(kind: Kind, patterns: Sequence[str], lines: Sequence[str]) -> str:
    for match in _upwards(kind, patterns, lines):
        groups = match.groupdict()
        words = [str(groups.get(name) or "").strip() for name in ("tool", "does")]
        said = "  ".join(word for word in words if word)
        if said:
            return _short(said)
    return ""


def _upwards(kind: Kind, patterns: Sequence[str], lines: Sequence[str]) -> Iterator[re.Match[str]]:
    for line in reversed(lines):
        hits = kind.matched(line)
        for pattern in patterns:
            match = found(pattern, line) if pattern in hits else None
            if match is not None:
                yield match


def _program(command: str, argv: Sequence[str]) -> str:
    """`node repl.js` for what an interpreter runs, else the program's own name."""
    script = script_of(argv)
    if not script:
        return command
    return f"{program_name(command)} {short_command(argv).split(' ')[0]}"


def _no_rule(program: str, now: float) -> Signal:
    does = f"{clean(program, limit=60)}: no rule knows it"
    return Signal(Evidence(Source.PROC, "no-rule", now, ""), State.UNKNOWN, does=does)


def _short(text: str) -> str:
    return clean(text, limit=TEXT_MAX).strip()
