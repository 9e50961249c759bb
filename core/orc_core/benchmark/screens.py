"""What the benchmark paints: screens as Claude Code shows them at 120x40.

Invariant: no line of a transcript comes twice, in one pane or in two, but for blank ones.
"""

from __future__ import annotations

from typing import Final

WIDTH, HEIGHT = 120, 40
SCROLLED_LINES: Final = 3
"""How many lines of its transcript a busy agent adds from one step to the next."""

_SPINNER: Final = "·✢✳✶✻✽"
_RULE: Final = "─" * WIDTH
_TRANSCRIPT_LINES: Final = HEIGHT - 8
_BLOCK: Final[tuple[str, ...]] = (
    "● Update(src/cart/{file}.ts)",
    "  ⎿  Updated src/cart/{file}.ts with {count} additions and 1 removal",
    "      {count:4}      const total = lines.reduce((sum, line) => sum + line.cents, {file});",
    "      {count:4} +    const rate = rates.for(order.country, {file}) ?? {count};",
    "      {count:4} -    return total * 1.19 + {file};",
    "",
    "● Bash(npm test -- cart-{file})",
    "  ⎿  PASS  test/cart-{file}.test.ts ({count} tests)",
    "     Ran all test suites matching cart-{file}, {count} in all.",
    "",
    "● The totals of batch {file} are rounded once now, after {count} of its lines are summed.",
    "",
)
"""What an agent at work writes, again and again: an edit, a test run, a word about them."""

_IDLE: Final = """\
\x1b[2J\x1b[H\x1b[1m● I looked at how orders are stored.\x1b[0m
  \x1b[2m⎿  Read 58 lines\x1b[0m
{filler}

✻ Cogitated for 8s

{rule}
❯ {blank}
{rule}
  ? for shortcuts
"""
_PROMPT: Final = """\
\x1b[2J\x1b[H● I will apply the change.

{rule}
 Bash command

   {marker}
   Apply the pending change

 Do you want to proceed?
 \x1b[34m❯ 1. Yes\x1b[0m
   2. Yes, and don't ask again for: {marker}
   3. No, and tell Claude what to do differently (esc)

 Esc to cancel · Tab to amend
"""


def idle_screen(number: int) -> str:
    """A screen of an agent that waits for a task, a little different for each number."""
    filler = "\n".join(f"  \x1b[3{line % 8}mline {line} of {number}\x1b[0m" for line in range(20))
    return _IDLE.format(filler=filler, rule=_RULE, blank=" ")


def prompt_screen(marker: str) -> str:
    """A screen that asks for permission to run `marker`."""
    return _PROMPT.format(marker=marker, rule=_RULE)


def working_screen(pane: int, step: int) -> str:
    """A screen of an agent at work, some steps after it began.

    From one step to the next the transcript scrolls by SCROLLED_LINES, the spinner turns and its
    seconds and tokens count; all else stays.
    """
    first = step * SCROLLED_LINES
    lines = [_transcript(pane, at) for at in range(first, first + _TRANSCRIPT_LINES)]
    glyph = _SPINNER[step % len(_SPINNER)]
    lines += [
        "",
        f"\x1b[33m{glyph} Crystallizing… ({7 + step}s · ↓ {214 + 31 * step} tokens)\x1b[0m",
        "",
        _RULE,
        "❯ ",
        _RULE,
        "  esc to interrupt · ← for agents",
    ]
    return "\x1b[2J\x1b[H" + "\n".join(lines)


def _transcript(pane: int, at: int) -> str:
    block, line = divmod(at, len(_BLOCK))
    return _BLOCK[line].format(file=pane * 10_000 + block, count=block % 90 + 3)
