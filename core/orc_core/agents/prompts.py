"""Prompts as they stand on a screen: where one begins, what it asks, how it is answered.

Invariant: a prompt is recognised by its whole shape at the very bottom of the screen (its
choices, the question over them, nothing but the program's own footer below), never by a phrase:
prose, source code and logs may quote any phrase.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.agents.choices import (
    DIVIDER,
    NO_OFFER,
    Offer,
    Option,
    belongs,
    offers,
    words,
)
from orc_core.agents.patterns import LINE_MAX, compiled, found
from orc_core.agents.risks import risks
from orc_core.agents.rule_parts import PromptPart
from orc_core.agents.rules import Kind, RuleSet
from orc_core.model.agent import Choice, Evidence, Prompt, Waiting

LINES_MAX: Final = 400
FOOTER_LINES_MAX: Final = 6
SUMMARY_MAX: Final = 120
SPARE_ROWS: Final = 3
"""As many blank rows over the choices say that a prompt of limited height had room for more."""
NEXT_BUTTON: Final = "Right"
"""The key that chooses the next of a row of buttons; after the last comes the first."""
NEXT_ENTRY: Final = "Down"
ENTRY_BEFORE: Final = "Up"
"""The keys that choose the next entry of a list and the one before it."""

_BOX: Final = re.compile(r"^\s*[│┃|](?P<inner>.*?)[│┃|]\s*$")
_BAR: Final = re.compile(r"^\s*┃(?:\s{1,2}|$)(?P<inner>.*)$")
_BOX_EDGE: Final = re.compile(r"^\s*[╭╰┌└][─━]{4,}.{0,80}[╮╯┐┘]\s*$")
_BOX_SIGNS: Final = frozenset("│┃|╭╰┌└")
_MARKS: Final = re.compile(r"^[^\w\"'(/$<]+")
_EDITED: Final = re.compile(r"^[•◦]\s\w+\s")
_ASKS: Final = re.compile(r"\?$|^Reason: ")


@dataclass(frozen=True, slots=True)
class Layout:
    """A prompt found at the bottom of a screen; `block` runs from its top to the last choice.

    `draft` is what someone has begun to type as an answer.
    """

    part: PromptPart
    block: tuple[str, ...]
    body: tuple[str, ...]
    options: tuple[Option, ...]
    whole: bool
    draft: str = ""


def find_layout(
    kind: Kind, lines: Sequence[str], here: frozenset[str] | None = None
) -> Layout | None:
    """The prompt that stands at the bottom of a screen, or None.

    `here` is what the kind's sieve tells of all its lines together, where that is known.
    """
    here = frozenset[str]().union(*kind.sieve.lines(lines)) if here is None else here
    if all(trait and trait not in here for trait in kind.offers):
        return None
    lines = lines[-LINES_MAX:]
    plain: list[str] = []
    known: dict[tuple[object, ...], Offer] = {}
    tops: dict[tuple[str, int], list[int]] = {}
    for part, trait in zip(kind.prompts, kind.offers, strict=True):
        how = (part.keys == "letter-enter", part.buttons, part.entries, part.cursor)
        if how not in known:
            may = not trait or trait in here
            plain = [_unboxed(line) for line in lines] if may and not plain else plain
            known[how] = offers(part, plain) if may else NO_OFFER
        offer = known[how]
        if not offer.options:
            continue
        place = (part.top, offer.options[0].at)
        if place not in tops:
            tops[place] = _tops(plain, *place)
        layout = _fit(part, plain, offer, tops[place])
        if layout is not None:
            return layout
    return None


def read_prompt(
    rules: RuleSet,
    kind: str,
    agent_name: str,
    lines: Sequence[str],
    waiting: Waiting,
    evidence: Evidence,
    *,
    cwd: str = "",
    home: str = "",
) -> Prompt | None:
    """Read the prompt at the bottom of an agent's screen; None where there is none.

    `waiting` is what the agent is known to wait for; NONE takes the prompt's own word.
    """
    known = rules.kind(kind)
    layout = find_layout(known, lines) if known else None
    if layout is None:
        return None
    return prompt_of(layout, kind, agent_name, waiting, evidence, cwd=cwd, home=home)


def prompt_of(
    layout: Layout,
    kind: str,
    agent_name: str,
    waiting: Waiting,
    evidence: Evidence,
    *,
    cwd: str = "",
    home: str = "",
) -> Prompt:
    """What a prompt that was found asks; see `read_prompt`."""
    part = layout.part
    return Prompt(
        agent=agent_name,
        waiting=part.waiting if waiting is Waiting.NONE else waiting,
        subject=_subject(layout),
        lines=_dedented(layout.body),
        choices=tuple(_choice(part, option) for option in layout.options),
        whole=layout.whole,
        fingerprint=fingerprint(kind, layout),
        evidence=evidence,
        risks=risks(layout.body, cwd=cwd, home=home),
        about=_about(layout),
    )


def fingerprint(kind: str, layout: Layout) -> str:
    """The hash of a question: its words, line by line, and its choices.

    The cursor's place, indentation and the padding of a box do not count, nor how high the box
    is drawn, nor what its own footer says behind a row of buttons.
    """
    told = [line for line in map(words, layout.block) if line]
    told += [f"{option.number}. {option.label}" for option in layout.options]
    text = "\0".join((kind, layout.part.id, *told))
    return hashlib.sha256(text.encode()).hexdigest()


def summary(prompt: Prompt) -> str:
    """What a waiting agent asks, in one line: `Bash  npm run migrate`, `asks  keep v1?`"""
    content = [line.strip() for line in prompt.lines if line.strip()]
    if prompt.about:
        return f"{prompt.subject}  {prompt.about}"[:SUMMARY_MAX]
    if prompt.waiting is Waiting.QUESTION:
        asked = next((line for line in content if line.endswith("?")), prompt.subject)
        return f"asks  {asked}"[:SUMMARY_MAX]
    commands = [line[2:] for line in content if line.startswith("$ ")]
    told = [line for line in content if line != prompt.subject]
    rest = commands or [line for line in told if not _ASKS.search(line)] or told
    subject = prompt.subject.removesuffix(" command").removesuffix(" file")
    what = _EDITED.sub("", rest[0]) if rest else ""
    return f"{subject}  {what}".strip()[:SUMMARY_MAX]


def _unboxed(line: str) -> str:
    """A line without the sides of a box around it; the box's edges become dividers.

    An edge keeps its place: one drawn inside a prompt's own text must not pass for its top.
    """
    line = line.rstrip()
    if line.lstrip()[:1] not in _BOX_SIGNS:
        return line
    if _BOX_EDGE.match(line):
        edge = line.strip()
        return line[: line.index(edge)] + "─" * len(edge)
    boxed = _BOX.match(line) or _BAR.match(line)
    return boxed["inner"].rstrip() if boxed else line


def _fit(
    part: PromptPart, lines: Sequence[str], offer: Offer, tops: Sequence[int]
) -> Layout | None:
    """The layout of one kind of prompt, if the lines around the choices are its own."""
    first, last = offer.options[0], offer.options[-1]
    end = len(lines) if offer.asked else last.at + 1
    while end < len(lines) and lines[end].strip() and belongs(lines[end], last.indent):
        if found(part.footer, lines[end].strip()):
            break
        end += 1
    below = [*offer.after, *(line.strip() for line in lines[end:] if line.strip())]
    if len(below) > FOOTER_LINES_MAX:
        return None
    if not all(found(part.footer, line) or DIVIDER.match(line) for line in below):
        return None
    top, whole = _top(part, lines, tops)
    asked = (offer.asked,) if offer.asked else ()
    body = (*lines[top : first.at], *asked)
    if not any(found(part.question, line.strip()) for line in asked or body):
        return None
    if part.cut is not None and any(found(part.cut, line) for line in body):
        whole = False
    if part.rows and len(lines) - top >= part.rows and any(map(str.strip, body[-SPARE_ROWS:])):
        whole = False
    # Beside buttons stands what the program says of its keys, before entries its cursor: neither
    # is part of the question.
    block = (*body, *lines[last.at + 1 : end]) if part.keys == "move-enter" else lines[top:end]
    return Layout(part, tuple(block), body, offer.options, whole, offer.draft)


def _tops(lines: Sequence[str], top: str, first_choice: int) -> list[int]:
    """Where a prompt may begin that has its first choice there."""
    search = compiled(top).search
    return [at for at in range(first_choice) if search(lines[at][:LINE_MAX])]


def _top(part: PromptPart, lines: Sequence[str], tops: Sequence[int]) -> tuple[int, bool]:
    """Where the prompt begins, and whether that was seen.

    A phrase may be quoted by what the prompt is about, so the first one on the screen counts:
    too much is shown then, and nothing is hidden. A rule across the screen is the program's own.
    """
    if not tops:
        return 0, False
    return (_above(part, lines, tops[0]), True) if part.top_included else (tops[-1] + 1, True)


def _above(part: PromptPart, lines: Sequence[str], top: int) -> int:
    """Where what the prompt is about begins: the next line over it that is not indented."""
    if part.above is None:
        return top
    for at in range(top - 1, -1, -1):
        if lines[at].strip() and not lines[at].startswith(" "):
            return at if found(part.above, lines[at]) else top
    return top


def _subject(layout: Layout) -> str:
    for subject in layout.part.subjects:
        if any(found(subject.line, line.strip()) for line in layout.body):
            return subject.name
    first = next((line.strip() for line in layout.body if line.strip()), "")
    return _MARKS.sub("", first)[:SUMMARY_MAX]


def _about(layout: Layout) -> str:
    """The line right over the question, where that is what it is about."""
    content = [line.strip() for line in layout.body if line.strip()]
    return content[-2] if layout.part.about_last and len(content) > 1 else ""


def _choice(part: PromptPart, option: Option) -> Choice:
    meaning = ""
    if found(part.no, option.label):
        meaning = "no"
    elif found(part.yes, option.label):
        meaning = "yes"
    return Choice(option.number, option.label, _keys(part, option, meaning), meaning)


def _keys(part: PromptPart, option: Option, meaning: str) -> tuple[str, ...]:
    """What to type; where one moves, as it is while the first is chosen: `Typist` sees to that."""
    if part.keys == "move-enter":
        key = NEXT_BUTTON if part.entries is None else NEXT_ENTRY
        return (*([key] * (option.number - 1)), "Enter")
    if part.keys == "letter-enter":
        return (option.key, "Enter")
    enter = part.keys == "digit-enter" or (part.keys == "digit-enter-yes" and meaning == "yes")
    return (str(option.number), "Enter") if enter else (str(option.number),)


def _dedented(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines without blank ends and without the indentation that all of them share."""
    kept = list(lines)
    while kept and not kept[0].strip():
        kept.pop(0)
    while kept and not kept[-1].strip():
        kept.pop()
    shared = min((len(line) - len(line.lstrip()) for line in kept if line.strip()), default=0)
    return tuple(line[shared:].rstrip() for line in kept)
