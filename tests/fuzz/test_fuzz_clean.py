"""Properties of `clean` over generated text, escapes mixed in.

Drawing a text costs more than cleaning it, so all properties look at each draw.
"""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from orc_core import text as text_module
from orc_core.text import MARKS_MAX, cells, clean, fit
from orc_core.tmux.screen import clean_lines, parse_lines, plain

pytestmark = pytest.mark.timeout(120)  # a busy machine gives a worker a small part of a core

PIECES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["\x1b", "\x1b]", "\x1b[", "\x9b", "\x9d", "\x90", "\x1b\\", "\x9c", "\x07", "31m", ";"]
    ),
    st.sampled_from(
        ["\u202e", "\u0301" * 9, "\ud83d", "\r", "\n", "\t", "\ufe0f", "\u200d", "\x0e", "\x0f"]
    ),
    st.characters(categories=["Cc", "Cf", "Cs", "Mn", "Me"]),
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)


def assert_safe(text: str, allowed: str = "") -> None:
    marks = 0
    for char in text:
        kind = unicodedata.category(char)
        assert char in allowed or kind not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        assert marks <= MARKS_MAX
    text.encode("utf-8")


@settings(max_examples=2000, deadline=None)
@given(TEXTS, st.integers(1, 60), st.integers(0, 30))
def test_any_text_becomes_safe(text: str, limit: int, width: int) -> None:
    clean_is_safe_and_idempotent(text, limit)
    fit_is_exact(text, width)
    screens_are_safe(text)


def clean_is_safe_and_idempotent(text: str, limit: int) -> None:
    once = clean(text, limit=limit)
    assert_safe(once)
    assert len(once) <= limit
    assert clean(once, limit=limit) == once
    lines = clean(text, newlines=True)
    assert_safe(lines, allowed="\n")
    assert clean(lines, newlines=True) == lines


def fit_is_exact(text: str, width: int) -> None:
    fitted = fit(clean(text), width)
    assert cells(fitted) == width


def screens_are_safe(text: str) -> None:
    lines = parse_lines(text)
    for line in plain(lines):
        assert_safe(line)
    for line in clean_lines(text):
        assert_safe(line)


@settings(max_examples=1000, deadline=None)
@given(TEXTS)
def test_what_needs_no_cleaning_is_told_rightly(text: str) -> None:
    """The short way out gives what the long way does."""
    if text.isprintable() and text_module._SUSPECT.search(text) is None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text_module, "_SUSPECT", re.compile(""))
            assert clean(text, limit=60) == text[:60]


@given(st.binary(max_size=200))
def test_clean_takes_any_bytes(data: bytes) -> None:
    assert_safe(clean(data))


@settings(max_examples=500, deadline=None)
@given(st.text(st.characters(max_codepoint=0x1FAFF, exclude_categories=["Cn", "Co"])))
def test_cells_agree_with_rich(text: str) -> None:
    safe = clean(text)
    assert cells(safe) == cell_len(safe)
