"""The answer card as lines: a prompt, its choices, and where the knowledge comes from.

Invariant: what may not be answered yes says why, and the card shows the whole prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orc_core.model.agent import Agent, Choice, Prompt, Source
from orc_core.text import age, clean
from orc_tui.view_models import box
from orc_tui.view_models.lines import Line
from orc_tui.view_models.live import short_path

INDENT = "    "
NOBODY: Final = "nobody asks now: the next prompt comes up here"
REPORTS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Said:
    """One line of what became of an answer, and its ink."""

    text: str
    style: str = "dim"


@dataclass(frozen=True, slots=True)
class Card:
    """What the card shows. `position` counts from 1; `now` is seconds since the epoch.

    `others` are the agents that ask the very same; `asked` is a choice that was pressed once
    where a risk wants it twice; `reports` are what became of the answer before, or what is going
    on now; `unread` says that the end of the prompt was not on the screen yet.
    """

    prompt: Prompt
    agent: Agent
    position: int
    total: int
    now: float
    task_title: str = ""
    reports: tuple[Said, ...] = ()
    others: tuple[Agent, ...] = ()
    asked: Choice | None = None
    scroll: int = 0
    unread: bool = False
    home: str = ""


def choice_for(prompt: Prompt, key: str) -> Choice | None:
    """The choice that a key stands for: `y`, `n`, or its number."""
    if key in ("y", "n"):
        meaning = "yes" if key == "y" else "no"
        return next((choice for choice in prompt.choices if choice.meaning == meaning), None)
    if key.isdigit():
        return next((choice for choice in prompt.choices if choice.number == int(key)), None)
    return None


def refusal(card: Card, choice: Choice) -> str:
    """Why a choice cannot be taken from here; "" where it can."""
    if choice.meaning == "no":
        return ""
    if not card.prompt.whole:
        return "not all of this prompt was seen, so it can only be refused here: a attaches"
    return "the prompt goes on below: read it with J first" if card.unread else ""


def wants_twice(prompt: Prompt, choice: Choice) -> bool:
    """Whether a choice has to be pressed a second time."""
    return bool(prompt.risks) and choice.meaning != "no"


def body_room(card: Card, width: int, height: int) -> int:
    """How many lines of the prompt a card of at most `height` lines has room for."""
    fixed = len(_above(card, width)) + len(_below(card, width)) + 2
    return max(height - fixed, 1)


def last_scroll(card: Card, width: int, height: int) -> int:
    """The furthest that the prompt can be scrolled."""
    return max(len(_body(card, width)) - body_room(card, width, height), 0)


def lines(card: Card, width: int, height: int) -> list[Line]:
    """The card, `width` cells wide and at most `height` lines high."""
    body = _body(card, width)
    room = body_room(card, width, height)
    start = min(card.scroll, last_scroll(card, width, height))
    shown = body[start : start + room]
    inner = [*_above(card, width), *shown, *_below(card, width)]
    hidden = len(body) - len(shown)
    foot = _foot(card, width, scrolls=hidden > 0)
    head = (("Answer", "bold"), (f"  {card.position} of {card.total}", ""))
    out = [box.top(head, _whose(card), width, "accent")]
    out.extend(box.row(line, width, "accent") for line in inner)
    out.append(box.bottom(foot, box.key("Esc", "back", press="escape"), width, "accent"))
    return out


def resting(reports: tuple[Said, ...], answered: int, width: int) -> list[Line]:
    """The card while nobody asks: what became of the last answer stays in view."""
    head = (("Answer", "bold"), (f"  {answered} answered", ""))
    inner: list[Line] = [*_reports(reports), ((f"  {NOBODY}", "dim"),)]
    foot = box.keys([box.key("a", "attach"), box.key("w", "why")], width - 17)
    return [
        box.top(head, (), width, "accent"),
        *(box.row(line, width, "accent") for line in inner),
        box.bottom(foot, box.key("Esc", "back", press="escape"), width, "accent"),
    ]


def _reports(reports: tuple[Said, ...]) -> list[Line]:
    return [((f"  {one.text}", one.style),) for one in reports[:REPORTS_MAX]]


def _whose(card: Card) -> Line:
    if card.others:
        return ((f"{len(card.others) + 1} agents", "bold"), (" ask the same", ""))
    task = f" · {card.agent.task}" if card.agent.task else ""
    title = f" {card.task_title}" if card.task_title else ""
    return ((card.agent.name, "bold"), (clean(f"{task}{title}", limit=48), ""))


def _above(card: Card, width: int) -> list[Line]:
    subject = clean(card.prompt.subject, limit=200) or card.prompt.waiting.value
    folders = {agent.cwd for agent in (card.agent, *card.others)}
    place = short_path(clean(card.agent.cwd, limit=200), card.home)
    if len(folders) > 1:
        place = f"{len(folders)} folders"
    line = box.spread(((f"  {subject}", "bold"),), ((f"{place} ", "dim"),), width - 2)
    told = _reports(card.reports or (Said("an answer cannot be undone"),))
    if not card.others:
        return [*told, line, ()]
    names = ", ".join(agent.name for agent in (card.agent, *card.others))
    said = box.wrap(f"one answer for {names}", width - 6)
    return [*told, *(((f"  {part}", "waiting"),) for part in said), line, ()]


def _body(card: Card, width: int) -> list[Line]:
    """The prompt's own lines, whole; the subject stands above them already."""
    texts = [clean(text) for text in card.prompt.lines]
    while texts and texts[0].strip() in ("", card.prompt.subject):
        texts.pop(0)
    while texts and not texts[-1].strip():
        texts.pop()
    out: list[Line] = []
    for text in texts:
        parts = box.wrap(text, width - 2 - len(INDENT) - 1)
        out.extend(((f"{INDENT}{part}", "text"),) for part in parts)
    return out or [((f"{INDENT}(no text)", "dim"),)]


def _below(card: Card, width: int) -> list[Line]:
    out: list[Line] = [()]
    prompt = card.prompt
    out.extend(_warning(f"risk: {clean(risk, limit=200)}") for risk in prompt.risks)
    if not prompt.whole:
        out.append(_warning("its beginning or end was not seen: yes is off, a attaches"))
    for choice in prompt.choices:
        out.extend(_choice(card, choice, width))
    if card.asked is not None:
        out.append(_warning(f"{card.asked.number} again to answer: {clean(card.asked.label)}"))
    out.extend([(), ((f"  {source(card)}", "dim"),)])
    return out


def _warning(text: str) -> Line:
    return ((f"  ▲ {text}", "error bold"),)


def _choice(card: Card, choice: Choice, width: int) -> list[Line]:
    letter = next((k for k in ("y", "n") if choice_for(card.prompt, k) is choice), " ")
    number = str(choice.number) if choice.number < 10 else " "
    off = bool(refusal(card, choice))
    tint = "dim" if off else "accent bold"
    style = "dim" if off else "error reverse" if card.asked is choice else "text"
    press = f"press:{letter if letter != ' ' else number}"
    first, *more = box.wrap(clean(choice.label, limit=400), width - 12)
    head: Line = (
        ("  ", ""),
        (f"{letter}  {number}", f"{tint} {press}"),
        ("  ", ""),
        (first, f"{style} {press}"),
    )
    return [head, *(((f"{'':8}{part}", f"{style} {press}"),) for part in more)]


def source(card: Card) -> str:
    """The last line: how long it waits, who says so, and that an answer is final."""
    evidence = card.agent.evidence
    waits = f"waits {age(max(card.now - card.agent.since, 0.0))}"
    if evidence.source is Source.SCREEN:
        known = "screen only"
    else:
        agrees = "the screen shows the same prompt" if card.agent.agrees else "the screen differs"
        known = f"{evidence.source.value} {clean(evidence.rule, limit=60)} · {agrees}"
    return f"{waits} · {known}"


def _foot(card: Card, width: int, *, scrolls: bool) -> Line:
    numbers = sorted(choice.number for choice in card.prompt.choices)
    pairs = []
    if choice_for(card.prompt, "y") is not None:
        pairs.append(box.key("y", "yes"))
    if choice_for(card.prompt, "n") is not None:
        pairs.append(box.key("n", "no"))
    if numbers:
        name = f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
        pairs.append(((name, "accent"), (" choose", "")))
    if scrolls:
        pairs.append(box.key("J K", "scroll", press="J"))
    if choice_for(card.prompt, "n") is not None:
        pairs.append(box.key("i", "no, because"))
    pairs.append(box.key(".", "skip", press="full_stop"))
    pairs.append(box.key("a", "attach"))
    pairs.append(box.key("w", "why"))
    return box.keys(pairs, width - 17)
