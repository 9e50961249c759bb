"""Choices as they stand on a screen: numbered lines, letters at the end of a line, buttons, lists.

Invariant: pure, and nothing is a choice by a phrase alone: numbers run from 1 without a gap,
letters end the last line, every button on the row and every line of a list is one that the rule
file names, and one line of a list is under the cursor.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from orc_core.agents.patterns import found
from orc_core.agents.rule_parts import PromptPart
from orc_core.agents.sieve import Trait, demand

if TYPE_CHECKING:
    from orc_core.model.snapshot import Span, Style

CHOICES_MAX: Final = 9
BELOW_MAX: Final = 24
"""How far below the last choice the screen may go on, blank lines included."""
WRAPPED_MAX: Final = 6
"""Over how many lines a question with letters may wrap."""

DIVIDER: Final = re.compile(r"^\s*[─━╌┄-]{3,}\s*$")
_NUMBERED: Final = re.compile(
    r"^(?P<indent>\s*)(?P<cursor>[❯›>▶●]\s+|)(?P<number>[0-9]{1,2})"
    r"[.)](?:\s+|(?=[A-Z]))(?P<label>\S.*)$"
)
_FIRST: Final = re.compile(r"[\s│┃|]*(?:[❯›>▶●]\s+)?0?1[.)]")
"""The first of the numbered ones, in a box or not."""
_LETTERED: Final = re.compile(
    r"^(?P<ask>\S.*?)(?<!/)\s?(?P<letters>\([A-Z]\)[^()/\[\]]{1,30}(?:/\([A-Z]\)[^()/\[\]]{1,30})+)"
    r"\s?\[[^\[\]]{1,20}\]:(?P<draft>.*)$"
)
_ENTRY: Final = re.compile(r"^(?P<indent>\s*)(?P<cursor>[❯›>▶●]\s+|)(?P<label>\S.*)$")
_ASIDE: Final = " \t❯›>▶●│┃|"
"""What may stand beside an entry of a list: its cursor, and the sides of a box."""
_GAP: Final = re.compile(r"\s{2,}")


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: `at` is its line, `indent` how deep its number stands, `key` its letter."""

    number: int
    label: str
    cursor: bool
    at: int
    indent: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """The choices of a prompt, and what else stands on their lines.

    `asked` is a question before them, `draft` what someone has begun to answer behind them, and
    `after` what stands behind buttons.
    """

    options: tuple[Option, ...]
    asked: str = ""
    draft: str = ""
    after: tuple[str, ...] = ()


NO_OFFER: Final = Offer(())


def offer_name(part: PromptPart) -> str:
    """The name of the trait of a line without which `offers` finds no choices of this prompt.

    "" where no line alone tells. Most screens have none of them, which is told at once.
    """
    if part.keys == "letter-enter":
        return "*letters"
    if part.entries is not None:
        return f"*entry {part.entries}"
    return "*numbers" if part.buttons is None else ""


def offer_trait(part: PromptPart) -> Trait:
    """The trait that `offer_name` names."""
    if part.keys == "letter-enter":
        return Trait(lambda line: "]:" in line, ("]:",))
    if part.entries is not None:
        label = part.entries
        return Trait(partial(_is_entry, label), demand(label).needles)
    return Trait(_FIRST.match, ("1.", "1)"))


def _is_entry(label: str, line: str) -> bool:
    return found(label, line.strip(_ASIDE)) is not None


def offers(part: PromptPart, lines: Sequence[str]) -> Offer:
    """The choices that stand at the bottom of a screen in the way of this kind of prompt."""
    if part.keys == "letter-enter":
        return lettered(lines)
    if part.buttons is not None:
        return buttons(part.buttons, lines)
    if part.entries is not None:
        return Offer(entries(part.entries, lines))
    return Offer(numbered(lines, cursor=part.cursor))


def words(line: str) -> str:
    """A line as the hash of a prompt takes it: without cursor, indentation and padding."""
    choice = _NUMBERED.match(line)
    return " ".join((f"{choice['number']}. {choice['label']}" if choice else line).split())


def numbered(lines: Sequence[str], *, cursor: bool = True) -> tuple[Option, ...]:
    """The numbered choices nearest to the bottom, 1 to n without a gap.

    One of them is under the cursor, or none where the program shows that by a colour alone.
    """
    options: list[Option] = []
    for at in range(len(lines) - 1, -1, -1):
        if not options and at < len(lines) - BELOW_MAX:
            return ()
        match = _NUMBERED.match(lines[at])
        if match is not None:
            number = int(match["number"])
            if options and number != options[-1].number - 1:
                continue
            indent = len(match["indent"]) + len(match["cursor"])
            options.append(Option(number, match["label"], bool(match["cursor"]), at, indent))
            if number == 1:
                break
        elif options and lines[at].strip() and not belongs(lines[at], options[-1].indent):
            return ()
    options.reverse()
    fit = len(options) > 1 and options[0].number == 1 and len(options) <= CHOICES_MAX
    if not fit or sum(option.cursor for option in options) != int(cursor):
        return ()
    return tuple(_with_rest(lines, options))


def lettered(lines: Sequence[str]) -> Offer:
    """Choices such as `(Y)es/(N)o [Yes]:` that end on the very last line, however it wraps.

    What follows on a further line is no draft: it was answered, and the program went on.
    """
    end = next((at + 1 for at in reversed(range(len(lines))) if lines[at].strip()), 0)
    for at in range(end - 1, max(end - 1 - WRAPPED_MAX, -1), -1):
        width = max(map(len, lines))
        match = _LETTERED.match(_joined(lines[at:end], width))
        if match is None or match.start("draft") <= len(_joined(lines[at : end - 1], width)):
            continue
        pieces = match["letters"].split("/")[:CHOICES_MAX]
        options = (
            Option(number, piece[1] + piece[3:].strip(), False, at, 0, key=piece[1].lower())
            for number, piece in enumerate(pieces, 1)
        )
        return Offer(tuple(options), match["ask"].strip(), match["draft"].strip())
    return NO_OFFER


def buttons(label: str, lines: Sequence[str]) -> Offer:
    """The lowest row that begins with two buttons or more; `label` is the pattern of one."""
    for at in range(len(lines) - 1, max(len(lines) - BELOW_MAX, -1), -1):
        pieces = _GAP.split(lines[at].strip())
        named = tuple(takewhile(partial(found, label), pieces[:CHOICES_MAX]))
        if len(named) > 1:
            options = (Option(number, name, False, at, 0) for number, name in enumerate(named, 1))
            return Offer(tuple(options), after=tuple(pieces[len(named) :]))
    return NO_OFFER


def entries(label: str, lines: Sequence[str]) -> tuple[Option, ...]:
    """The lowest list of two lines or more, each under the other and one under the cursor.

    `label` is the pattern of one.
    """
    found_at: list[Option] = []
    for at in range(len(lines) - 1, max(len(lines) - BELOW_MAX, -1), -1):
        match = _ENTRY.match(lines[at])
        if match is None or not found(label, match["label"].rstrip()):
            if found_at:
                break
            continue
        depth, name = match.start("label"), match["label"].rstrip()
        found_at.append(Option(0, name, bool(match["cursor"]), at, depth))
    found_at.reverse()
    depths = {option.indent for option in found_at}
    cursors = sum(option.cursor for option in found_at)
    if not 1 < len(found_at) <= CHOICES_MAX or len(depths) > 1 or cursors != 1:
        return ()
    return tuple(replace(option, number=number) for number, option in enumerate(found_at, 1))


def pressed(options: Sequence[Option], row: Sequence[Span]) -> Option | None:
    """The button that is chosen now: the only one that is not drawn as most of its row is."""
    cells = [_ground(span.style) for span in row for _ in span.text]
    text = "".join(span.text for span in row)
    if not cells:
        return None
    usual = max(sorted(set(cells), key=repr), key=cells.count)
    lit = []
    for option in options:
        at = text.find(option.label)
        if at < 0:
            return None
        if cells[at] != usual:
            lit.append(option)
    return lit[0] if len(lit) == 1 else None


def belongs(line: str, indent: int) -> bool:
    """Whether a line goes on with the choice above it: deeper than its number, or a divider."""
    depth = len(line) - len(line.lstrip())
    return depth > indent or DIVIDER.match(line) is not None


def _ground(style: Style) -> tuple[int | str | None, bool]:
    return style.bg, style.reverse


def _joined(lines: Sequence[str], width: int) -> str:
    """Lines that were one: a full one was broken anywhere, a shorter one at a blank."""
    text = ""
    for line in lines:
        text += line if len(line) >= width else f"{line} "
    return text.rstrip()


def _with_rest(lines: Sequence[str], options: Sequence[Option]) -> list[Option]:
    """The choices with labels that wrap put together, in which a description does not count."""
    whole: list[Option] = []
    width = max(map(len, lines))
    for option, after in zip(options, (*(o.at for o in options[1:]), len(lines)), strict=True):
        label = option.label
        wraps = len(lines[option.at]) >= width - 24
        for line in lines[option.at + 1 : after]:
            if not line.strip() or DIVIDER.match(line) or not belongs(line, option.indent):
                break
            if not wraps:
                break
            label = f"{label} {line.strip()}"
        whole.append(Option(option.number, label.strip(), option.cursor, option.at, option.indent))
    return whole
