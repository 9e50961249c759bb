"""The sieve: what it leaves out could not have matched, whatever the pattern and the line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.agents import sieve
from orc_core.agents.patterns import LINE_MAX, found
from orc_core.agents.risks import _COMPILED, risks
from orc_core.agents.rules import load
from orc_core.agents.sieve import Demand, Sieve, Trait, demand

CORPUS: Final = Path(__file__).parents[2] / "corpus"
LINES: Final = sorted(
    {
        line.rstrip()
        for path in CORPUS.glob("*/*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
)
PATTERNS: Final = sorted(
    {
        one
        for kind in load().kinds
        for one in (
            *(one for rule in kind.rules for one in (*rule.any, *rule.all, *rule.not_)),
            *kind.reads.activity,
            *kind.reads.last_prompt,
            *kind.reads.input,
            *kind.agent.marks,
        )
    }
)

ODD: Final = "İıſK"
"""Letters that are an i, an s and a k where case is ignored."""

pieces = st.sampled_from([*"isk:✻❯─. \t\n\u00a0", *ODD, "Retrying in 5 s", "· ", "1. ", "esc to "])
lines = st.one_of(
    st.sampled_from(LINES),
    st.lists(pieces, max_size=8).map("".join),
    st.tuples(st.sampled_from(LINES), st.sampled_from(LINES), st.integers(0, 40)).map(
        lambda cut: cut[0][: cut[2]] + cut[1][cut[2] :]
    ),
    st.sampled_from(LINES).map(str.swapcase),
    st.sampled_from(LINES).map(lambda line: line.translate({ord("s"): "ſ", ord("k"): "K"})),
    st.integers(LINE_MAX - 20, LINE_MAX + 5).map(lambda count: " " * count + "esc to interrupt"),
)
atoms = st.one_of(
    st.sampled_from("aKsié✻❯─Σ .$^"),
    st.sampled_from([r"\d", r"\w", r"\s", r"\S", r"\.", r"\b", "ks", "is ", "(?=a)"]),
    st.sampled_from(["[ab]", "[^a]", "[ ✻]", "[a-z]", "[─-▔]", r"[\sA-Z]"]),
)
repeats = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{0,3}", "{2,}", "*?"])
patterns = st.recursive(
    st.lists(
        st.tuples(atoms, repeats).map(lambda one: _repeated(*one)), min_size=1, max_size=4
    ).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda all_: f"({'|'.join(all_)})"),
        inner.map(lambda one: f"(?i:{one})"),
        inner.map(lambda one: f"(?:{one})?"),
        st.tuples(inner, inner).map("".join),
    ),
    max_leaves=6,
)
heads = st.sampled_from(["", "", "^", r"^\s*", "(?i)", "(?i)^", r"(?i)^\s*", "(?m)^", r"\A"])


def _repeated(atom: str, repeat: str) -> str:
    return atom if atom in (r"\b", "$", "^", "(?=a)") else atom + repeat


def plainly(patterns: list[str], line: str) -> frozenset[str]:
    return frozenset(one for one in patterns if found(one, line))


@given(st.lists(lines, max_size=8))
def test_the_built_in_patterns_match_as_if_each_was_searched_for(screen: list[str]) -> None:
    known = Sieve(PATTERNS)
    told = known.lines(screen)
    assert told == [plainly(PATTERNS, line) for line in screen]
    assert known.lines(screen) == told, "what is remembered is the same"


def test_every_line_of_the_corpus_matches_as_if_each_was_searched_for() -> None:
    assert Sieve(PATTERNS).lines(LINES) == [plainly(PATTERNS, line) for line in LINES]


@given(heads, patterns, st.lists(st.one_of(lines, st.text("aAkKsSié✻❯─▔ 1.Σς" + ODD)), max_size=6))
def test_any_pattern_matches_as_if_it_was_searched_for(
    head: str, pattern: str, screen: list[str]
) -> None:
    whole = head + pattern
    assert Sieve([whole]).lines(screen) == [plainly([whole], line) for line in screen], whole


@pytest.mark.parametrize(
    ("pattern", "lets_pass", "stops"),
    [
        (r"^\s*[✻✶]\s+\S", "✻✶", "ax❯ "),
        (r"(?i)^\s*(❯ )?yes", "❯yY", "xn1"),
        (r"^\d\. ", "19٣", "ax"),
        (r"(?i)^k", "kK\u212a", "ab"),
        (r"(?i)^[h-j]", "iI\u0130\u0131", "ab"),
        (r"^a|^b", "ab", "c"),
        (r"^\s*$", "a ", ""),
        (r"^.b", "a✻", ""),
        (r"(?m)^b", "ab", ""),
        (r"b", "ab", ""),
    ],
)
def test_what_a_line_may_begin_with(pattern: str, lets_pass: str, stops: str) -> None:
    wants = demand(pattern)
    assert all(wants.allows(char) for char in lets_pass)
    assert not any(wants.allows(char) for char in stops)


@pytest.mark.parametrize(
    ("pattern", "needles"),
    [
        (r"(?i)Esc to interrupt", ("esc to interrupt",)),
        (r"\bretrying in \d+ ?s", ("retrying in ",)),
        (r"/effort|⏵|^─{8,}", ("/effort", "⏵", "─" * 8)),
        (r"(quota|limit) x", ("quota", "limit")),
        (r"(quota|.)", ("",)),
        (r"[ab]+", ("",)),
        (r"(?:abc)?", ("",)),
    ],
)
def test_what_a_line_has_to_have(pattern: str, needles: tuple[str, ...]) -> None:
    assert demand(pattern).needles == needles


def test_most_patterns_are_never_searched_for() -> None:
    claude = load().kind("claude")
    assert claude is not None
    patterns = {one for rule in claude.rules for one in (*rule.any, *rule.all, *rule.not_)}
    open_to_all = [one for one in patterns if demand(one) == Demand(None, ("",))]
    assert not open_to_all


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sieve, "LINES_KEPT", 8)
    known = Sieve(["^a", "b$"])
    for number in range(100):
        screen = ["a b", f"a {number}", f"{number} b"]
        assert known.lines(screen) == [plainly(["^a", "b$"], line) for line in screen]
        assert len(known) <= 8 + len(screen)


def test_lines_that_match_the_same_share_one_set(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Sieve(["a", "b"])
    first, second, third = one.lines(["a 1", "a 2", "b 1"])
    assert first is second and first == {"a"} and third == {"b"}
    monkeypatch.setattr(sieve, "HITS_KEPT", 2)
    assert one.line("a b") == {"a", "b"} and len(one._shared) == 1


@given(st.lists(st.one_of(lines, st.sampled_from(["", "  ", "ſay]:", "]:", "x"])), max_size=8))
def test_a_trait_is_told_wherever_it_holds(screen: list[str]) -> None:
    holds = {"*blank": lambda line: not line.strip(), "*asks": lambda line: "]:" in line}
    traits = {"*blank": Trait(holds["*blank"]), "*asks": Trait(holds["*asks"], ("]:", "x"))}
    for line, told in zip(screen, Sieve(["^a"], traits).lines(screen), strict=True):
        assert told - {"^a"} == {name for name, test in holds.items() if test(line)}


def test_a_few_long_lines_are_as_much_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sieve, "CHARS_KEPT", 1000)
    known = Sieve(["^a"])
    for number in range(50):
        known.lines([f"{number}" + "a" * 300])
        assert len(known) <= 6


@given(
    st.lists(
        st.one_of(lines, st.sampled_from(["sudo rm -rf /", "git push", "  -f", "curl x", "| sh"]))
    )
)
def test_risks_are_told_as_if_each_was_searched_for(body: list[str]) -> None:
    text, joined = "\n".join(body), " ".join(line.strip() for line in body)
    plain = [name for name, rule, _ in _COMPILED if rule.search(text) or rule.search(joined)]
    assert list(risks(body)) == plain
