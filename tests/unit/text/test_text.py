"""Untrusted text: what must be gone, what must stay, and how wide it is."""

from __future__ import annotations

import time
import unicodedata

import pytest
from rich.cells import cell_len

from orc_core.text import age, cells, clean, fit, has_single_cells

HOSTILE = [
    "\x1b]52;c;QQ==\x07",
    "\x1b]0;x\x07",
    "\x1b[6n",
    "\x9b5n",
    "\x1b]8;;http://e\x1b\\",
    "\x1bP$q unterminated",
    "\x1b_apc\x1b\\",
    "\x1b^pm\x9c",
    "\x1bXsos\x9c",
    "\x9d0;title\x9c",
    "\x90dcs\x9c",
    "\x1bc",
    "\x1b(0",
    "\x1b#8",
    "\x1b[?1049h",
    "\x1b[38;2;1;2;3m",
    "\x1b[",
    "\x1b",
    "\u202e",
    "\u2066\u2069",
    "\u200b\u200d\ufeff",
    "\ud800",
    "\x00",
    "\x07",
    "\x7f",
    "\x85",
    "\U000e0041",
]


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_leaves_only_what_is_around_it(payload: str) -> None:
    assert clean(f"a\n{payload}\nb", newlines=True).replace("\n", "") == "ab"
    assert "a" in clean(f"a{payload}")


def test_sequence_cut_at_any_byte_is_inert() -> None:
    whole = "x\x1b]0;t\x07y\x9b5nz\x1b[31mw\x1b\\"
    for cut in range(len(whole) + 1):
        joined = clean(whole[:cut]) + clean(whole[cut:])
        assert not any(unicodedata.category(char) == "Cc" for char in joined)


def test_unterminated_title_does_not_swallow_the_lines_below() -> None:
    assert clean("\x1b]0;evil\nsecond", newlines=True) == "\nsecond"


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert clean(b"a\x9b31mb\xff\xc3") == "ab\ufffd\ufffd"
    assert clean("größe €".encode()) == "größe €"


def test_line_breaks_and_tabs() -> None:
    assert clean("a\r\nb\rc\td") == "a b c d"
    assert clean("a\r\nb\rc\td", newlines=True) == "a\nb\nc    d"
    assert clean("a\u2028b\u2029c\x0bd") == "a b c d"


def test_ordinary_text_stays() -> None:
    for text in ("╭─ 1 Agents ─╮", "⠋ working ✳ ❯ │", "naïve 日本語 한국어", "🎉 done", "e\u0301"):
        assert clean(text) == text


def test_variation_selectors_and_skin_tones_go() -> None:
    assert clean("⚠\ufe0f 👍\U0001f3fd 👩\u200d💻") == "⚠ 👍 👩💻"


def test_pile_of_combining_marks_is_thinned() -> None:
    assert clean("e" + "\u0301" * 5000 + "f") == "e" + "\u0301" * 3 + "f"
    assert clean("e" + "\u0301\u200d" * 50, limit=400) == "e" + "\u0301" * 3


def test_limit_counts_characters_of_the_result() -> None:
    assert clean("x" * 200_000) == "x" * 4000
    assert clean("\x1b[31m" * 3 + "x" * 50, limit=10) == "x" * 10


def test_every_format_character_is_covered() -> None:
    left = [
        hex(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and clean(chr(code)) not in ("", " ")
    ]
    assert left == []


def test_work_is_linear() -> None:
    def seconds(count: int) -> float:
        text = "\x1b]" * count + "e" + "\u0301" * count
        began = time.perf_counter()
        clean(text, limit=10 * count)
        return time.perf_counter() - began

    assert min(seconds(50_000) for _ in range(3)) < 0.25


def test_cells_agree_with_what_draws_them() -> None:
    differ = [
        hex(code)
        for code in (*range(0x20, 0x3000), *range(0x3000, 0x20000, 3))
        if (char := clean(chr(code)))
        and unicodedata.category(char) != "Cn"
        and cells(char) != cell_len(char)
    ]
    assert differ == []


@pytest.mark.parametrize(
    ("text", "single"),
    [("", True), ("abc", True), ("● — ⎿", True), ("日", False), ("日本\u0301\u0301", False)],
)
def test_wide_characters_and_marks_are_no_single_cells(text: str, single: bool) -> None:
    assert has_single_cells(text) is single


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 5, "abc  "),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        ("abcd", 0, ""),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日… "),
        ("日本語", 2, "… "),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
    ],
)
def test_fit_fills_exactly_the_width(text: str, width: int, expected: str) -> None:
    assert fit(text, width) == expected
    assert cells(fit(text, width)) == width


def test_fit_with_an_ascii_ellipsis() -> None:
    assert fit("abcdef", 4, ellipsis="..") == "ab.."
    assert fit("abcdef", 1, ellipsis="..") == "."


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "now"),
        (0, "now"),
        (59.9, "now"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h00"),
        (4020, "1h07"),
        (86_399, "23h59"),
        (86_400, "1d"),
        (200_000, "2d"),
    ],
)
def test_age_steps_by_the_minute(seconds: float, said: str) -> None:
    assert age(seconds) == said
