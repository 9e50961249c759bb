"""Secrets that stand on a screen, hidden before anything of it is kept.

Invariant: pure; what is hidden keeps its cells, so that nothing else moves. A rule that knows how
a secret begins hides it from there on, however little of it has been typed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from orc_core.errors import UsageError
from orc_core.model.snapshot import Span
from orc_core.text import cells

Row: TypeAlias = tuple[Span, ...]

HIDDEN: Final = "*"
PRIVATE_KEY: Final = "private-key"
JOINED_MAX: Final = 50
"""Rows that are read as one line at most, where a long one wraps."""

PATTERNS: Final[Mapping[str, str]] = {
    "anthropic-key": r"\bsk-ant-[\w-]*",
    "openai-key": r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{8,}",
    "github-token": r"\b(?:gh[pousr]_|github_pat_)\w*",
    "gitlab-token": r"\bgl(?:pat|oas|dt|rt)-[\w-]*",
    "slack-token": r"\bxox[abeprs]-[\w-]*",
    "stripe-key": r"\b[rs]k_(?:live|test)_\w*",
    "npm-token": r"\bnpm_[A-Za-z0-9]{6,}",
    "huggingface-token": r"\bhf_[A-Za-z0-9]{6,}",
    "google-key": r"\bAIza[\w-]{4,}",
    "aws-key": r"\b(?:AKIA|ASIA)[A-Z0-9]{4,}",
    "jwt": r"\beyJ[\w-]{6,}(?:\.[\w-]*){0,2}",
    "bearer": r"(?i)\bbearer\s+([\w.~+/=-]{8,})",
    "authorization": r"(?i)\bauthorization[\"']?\s*:\s*[\"']?(?:[a-z]+\s+)?([^\s\"']{4,})",
    "url-password": r"://[^\s/:@]*:([^\s/@]+)@",
    "assignment": (
        r"(?i)(?<![a-z0-9])(?:[a-z0-9]+[_-])*"
        r"(?:secret|token|passwd|password|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
        r"(?:[_-][a-z0-9]+)*[\"']?\s*[=:]\s*[\"']?(?!\d+(?:[.,]\d+)*\b)([^\s\"',;]{4,})"
    ),
}
"""The rules by name. What the group of a pattern matches is hidden, else all that it matches."""

NAMES: Final = frozenset({*PATTERNS, PRIVATE_KEY})

_BEGIN: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_END: Final = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_EDGES: Final = " \t│|┃>"
_BODY: Final = re.compile(r"[A-Za-z0-9+/=]+|(?:Proc-Type|DEK-Info):.*|")
_LONG_BODY: Final = re.compile(r"[A-Za-z0-9+/=]{40,}")
_RUN: Final = 3
"""So many long lines of a key's letters after each other are one, its ends out of sight."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Hides what the rules match; `keys` says whether blocks of private keys are looked for."""

    patterns: tuple[re.Pattern[str], ...]
    keys: bool = True

    @classmethod
    def of(cls, more: Mapping[str, str], without: Collection[str]) -> Redactor:
        """The rules with a person's own, without those that are switched off.

        Raises UsageError for a name that is no rule, and a pattern that is none.
        """
        unknown = sorted(set(without) - NAMES)
        if unknown:
            known = ", ".join(sorted(NAMES))
            raise UsageError(f"recordings.show: no rule is called {unknown[0]!r}: they are {known}")
        chosen = {name: one for name, one in PATTERNS.items() if name not in without} | dict(more)
        patterns: list[re.Pattern[str]] = []
        for name, pattern in chosen.items():
            try:
                patterns.append(re.compile(pattern))
            except re.error as error:
                raise UsageError(f"recordings.hide.{name}: {error}: mend the pattern") from None
        return cls(tuple(patterns), PRIVATE_KEY not in without)

    def hide(self, rows: Sequence[Row], width: int) -> tuple[tuple[Row, ...], int]:
        """The rows of a screen `width` cells wide without secrets, and how many were hidden."""
        texts = ["".join(span.text for span in row) for row in rows]
        hidden: dict[int, list[tuple[int, int]]] = {}
        found = 0
        for first, last in _wrapped(texts, width):
            joined = "".join(texts[first:last])
            for start, end in self._matches(joined):
                found += 1
                _spread(hidden, texts, first, start, end)
        if self.keys:
            blocks = _key_rows(texts)
            found += bool(blocks)
            for at in blocks:
                hidden[at] = [(0, len(texts[at]))]
        if not hidden:
            return tuple(rows), 0
        done = [_masked(row, hidden[at]) if at in hidden else row for at, row in enumerate(rows)]
        return tuple(done), found

    def _matches(self, text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for pattern in self.patterns:
            for match in pattern.finditer(text):
                group = 1 if pattern.groups and match[1] is not None else 0
                if match.end(group) > match.start(group):
                    found.append(match.span(group))
        return found


def _wrapped(texts: Sequence[str], width: int) -> list[tuple[int, int]]:
    """The rows that are one line: one that fills the screen goes on in the next."""
    lines: list[tuple[int, int]] = []
    first = 0
    for at, text in enumerate(texts):
        full = cells(text.rstrip()) >= width and at - first + 1 < JOINED_MAX
        if not full or at == len(texts) - 1:
            lines.append((first, at + 1))
            first = at + 1
    return lines


def _spread(
    hidden: dict[int, list[tuple[int, int]]], texts: Sequence[str], row: int, start: int, end: int
) -> None:
    """Note which characters of which rows a span of joined rows takes."""
    while start < end:
        size = len(texts[row])
        if start < size:
            hidden.setdefault(row, []).append((start, min(end, size)))
        start, end, row = max(start - size, 0), end - size, row + 1


def _key_rows(texts: Sequence[str]) -> set[int]:
    """The rows of private keys, also of those of which only a part is in view."""
    rows: set[int] = set()
    inside = False
    long = 0
    for at, text in enumerate(texts):
        bare = text.strip(_EDGES)
        if _BEGIN.search(text):
            inside = True
        elif _END.search(text):
            rows |= {at, *_body_before(texts, at)}
            inside = False
        elif inside and not _BODY.fullmatch(bare):
            inside = False
        if inside:
            rows.add(at)
        long = long + 1 if _LONG_BODY.fullmatch(bare) else 0
        if long >= _RUN:
            rows |= set(range(at - long + 1, at + 1))
    return rows


def _body_before(texts: Sequence[str], end: int) -> set[int]:
    """The rows of a key above its last line."""
    found: set[int] = set()
    for at in range(end - 1, -1, -1):
        bare = texts[at].strip(_EDGES)
        if not bare or not _BODY.fullmatch(bare):
            break
        found.add(at)
    return found


def _masked(row: Row, spans: Sequence[tuple[int, int]]) -> Row:
    """The row with these characters hidden, cell by cell."""
    done: list[Span] = []
    at = 0
    for span in row:
        text = list(span.text)
        for start, end in spans:
            for index in range(max(start - at, 0), min(end - at, len(text))):
                text[index] = HIDDEN * cells(span.text[index])
        at += len(span.text)
        done.append(Span("".join(text), span.style))
    return tuple(done)
