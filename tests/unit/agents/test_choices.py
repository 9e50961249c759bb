"""Choices read off lines: letters, buttons, lists, numbers without a cursor."""

from __future__ import annotations

import pytest

from orc_core.agents.choices import Option, buttons, entries, lettered, numbered, pressed
from orc_core.model.snapshot import Span, Style

ASKED = "Run shell command? (Y)es/(N)o/(A)ll/(S)kip all/(D)on't ask again [Yes]:"
LABELS = "^(Allow once|Allow always|Reject)$"
ROW = "  Allow once   Allow always   Reject        ⇆ select  enter confirm"
LIT, BASE = Style(bg=215), Style(bg=234)


def letters(lines: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(one.key, one.label) for one in lettered(lines).options]


def test_letters_are_choices() -> None:
    offer = lettered(("make test", ASKED))
    assert letters((ASKED,)) == [
        ("y", "Yes"),
        ("n", "No"),
        ("a", "All"),
        ("s", "Skip all"),
        ("d", "Don't ask again"),
    ]
    assert (offer.asked, offer.draft) == ("Run shell command?", "")


def test_what_is_begun_as_an_answer_is_a_draft() -> None:
    assert lettered((f"{ASKED} no, bec",)).draft == "no, bec"


@pytest.mark.parametrize("width", [20, 26, 39, 40, 41, 60])
def test_letters_wrap_anywhere(width: int) -> None:
    lines = tuple(ASKED[at : at + width].rstrip() for at in range(0, len(ASKED), width))
    assert letters(("x" * width, "", *lines)) == letters((ASKED,))


@pytest.mark.parametrize(
    "lines",
    [
        (ASKED, "> "),
        (f"{ASKED} n", "> "),
        ("(Y)es/(N)o [Yes]:",),
        ("prompt = f'{question} (Y)es/(N)o'",),
        ("Proceed? [y/N]:",),
        (),
        ("", ""),
    ],
)
def test_other_lines_are_no_letters(lines: tuple[str, ...]) -> None:
    assert lettered(lines).options == ()


def test_buttons_stand_on_one_row() -> None:
    offer = buttons(LABELS, ("△ Permission required", ROW, ""))
    assert [(one.number, one.label, one.at) for one in offer.options] == [
        (1, "Allow once", 1),
        (2, "Allow always", 1),
        (3, "Reject", 1),
    ]
    assert offer.after == ("⇆ select", "enter confirm")


@pytest.mark.parametrize("line", ["Reject", "Reject it or Allow once", "You can   Allow once"])
def test_a_sentence_is_no_row_of_buttons(line: str) -> None:
    assert buttons(LABELS, (line,)).options == ()


def row(*lit: str) -> tuple[Span, ...]:
    spans = [Span("  ┃  ", Style())]
    for label in ("Allow once", "Allow always", "Reject"):
        spans += [Span(f" {label} ", LIT if label in lit else BASE), Span(" ", BASE)]
    return (*spans, Span("        enter confirm", BASE))


@pytest.mark.parametrize("label", ["Allow once", "Allow always", "Reject"])
def test_the_lit_button_is_the_chosen_one(label: str) -> None:
    options = buttons(LABELS, (ROW,)).options
    chosen = pressed(options, row(label))
    assert chosen is not None
    assert chosen.label == label


@pytest.mark.parametrize("lit", [(), ("Allow once", "Reject")])
def test_none_is_chosen_where_not_exactly_one_is_lit(lit: tuple[str, ...]) -> None:
    assert pressed(buttons(LABELS, (ROW,)).options, row(*lit)) is None


def test_a_button_that_is_not_there_is_not_chosen() -> None:
    assert pressed((Option(1, "Elsewhere", False, 0, 0),), row("Reject")) is None
    assert pressed((), ()) is None


def test_numbers_without_a_cursor_have_to_be_asked_for() -> None:
    lines = ("Which database of these shall I use?", "", "1. SQLite", "   one file", "2. Postgres")
    assert numbered(lines) == ()
    assert [one.label for one in numbered(lines, cursor=False)] == ["SQLite", "Postgres"]
    assert numbered(("❯ 1. SQLite", "  2. Postgres"), cursor=False) == ()


ENTRIES = "^(No, exit|Yes, I trust this folder)$"


def test_entries_stand_below_each_other() -> None:
    told = entries(ENTRIES, ("Yours?", "", " ❯ No, exit", "   Yes, I trust this folder", "", "esc"))
    assert [(one.number, one.label, one.cursor, one.at) for one in told] == [
        (1, "No, exit", True, 2),
        (2, "Yes, I trust this folder", False, 3),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ("   No, exit", "   Yes, I trust this folder"),
        (" ❯ No, exit", " ❯ Yes, I trust this folder"),
        (" ❯ No, exit", "     Yes, I trust this folder"),
        (" ❯ No, exit", "", "   Yes, I trust this folder"),
        (" ❯ No, exit", "   Yes, I trust this folder, I said"),
        ("   Yes, I trust this folder",),
        (" ❯ No, exit", "   Yes, I trust this folder", *["a line"] * 30),
    ],
)
def test_other_lines_are_no_entries(lines: tuple[str, ...]) -> None:
    assert entries(ENTRIES, lines) == ()
