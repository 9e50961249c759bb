"""Secrets on a screen are hidden, however they stand there, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.errors import UsageError
from orc_core.model.snapshot import Span, Style
from orc_core.text import cells
from orc_core.tmux.redaction import Redactor

REDACTOR = Redactor.of({}, ())
WIDTH = 60


def hidden(*texts: str, redactor: Redactor = REDACTOR, width: int = WIDTH) -> list[str]:
    rows = [(Span(text, Style()),) if text else () for text in texts]
    done, _ = redactor.hide(rows, width)
    return ["".join(span.text for span in row) for row in done]


SECRETS = [
    ("export ANTHROPIC_API_KEY=sk-ant-api03-Abc_9", "sk-ant-api03-Abc_9"),
    ("key sk-proj-4f5g6h7j8k9l", "sk-proj-4f5g6h7j8k9l"),
    ("git clone https://me:hunter22@example.org/x", "hunter22"),
    (
        "remote: ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    ),
    ("glpat-12345abcde", "glpat-12345abcde"),
    ("xoxb-123-456-abc", "xoxb-123-456-abc"),
    ("aws AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("AIzaSyA1234567", "AIzaSyA1234567"),
    ("Authorization: Bearer abc.def-123456", "abc.def-123456"),
    ("curl -H 'authorization: Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
    ("eyJhbGciOi.eyJzdWIiOi.SflKxwRJ", "eyJhbGciOi.eyJzdWIiOi.SflKxwRJ"),
    ('{"client_secret": "s3cr3tvalue", "x": 1}', "s3cr3tvalue"),
    ("DB_PASSWORD=correct-horse", "correct-horse"),
    ("password: correct-horse", "correct-horse"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[one[1][:12] for one in SECRETS])
def test_a_secret_is_hidden_cell_by_cell(text: str, secret: str) -> None:
    (shown,) = hidden(text)
    assert secret not in shown
    assert shown == text.replace(secret, "*" * len(secret))


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn is a library; task-1 and disk-usage-report too",
        "context 62 % used, 48,210 tokens: 48,210",
        "the bearer of the token said so",
        "https://example.org:8080/path@v1 and me@example.org",
        "passwords are kept elsewhere",
        "def token(self) -> str: ...",
        "max_tokens = 4096",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert hidden(text) == [text]


def test_a_secret_is_hidden_from_its_first_letters_while_it_is_typed() -> None:
    for end in range(len("sk-ant-"), len("sk-ant-api03-xyz") + 1):
        assert hidden("$ key=" + "sk-ant-api03-xyz"[:end])[0].count("*") == end


def test_a_secret_that_wraps_is_hidden_in_both_rows() -> None:
    token = "ghp_" + "a1" * 20
    line = "x" * 45 + " " + token
    rows = [line[:WIDTH], line[WIDTH:]]
    assert hidden(*rows) == ["x" * 45 + " " + "*" * 14, "*" * 30]
    assert hidden(line[:40], token) == [line[:40], "*" * 44]


KEY = ("A1b2" * 16, "C3d4" * 16, "E5f6" * 16, "G7h=")


def test_private_keys_are_hidden_also_where_an_end_is_out_of_sight() -> None:
    begin, end = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
    whole = hidden("$ cat key", begin, *KEY, end, "$ done", width=80)
    assert (whole[0], whole[-1]) == ("$ cat key", "$ done")
    assert all(set(row) == {"*"} for row in whole[1:-1])
    for part in (
        (*KEY, end),
        (begin, *KEY),
        KEY[:3],
        ("│ " + KEY[0], "│ " + KEY[1], "│ " + KEY[2]),
    ):
        shown = "\n".join(hidden(*part, width=80))
        assert not any(row[:8] in shown for row in KEY)
    assert hidden(begin, KEY[0], "$ ls", KEY[3], width=80)[2:] == ["$ ls", KEY[3]]
    assert hidden(KEY[0], "prose", width=80) == [KEY[0], "prose"]


def test_rules_are_switched_off_and_added_by_name() -> None:
    own = Redactor.of({"customer": r"\bC-\d{4}\b", "pin": r"pin (\d+)"}, ("github-token",))
    assert hidden("C-1234 pin 99 ghp_abc", redactor=own) == ["****** pin ** ghp_abc"]
    with pytest.raises(UsageError, match="no rule is called 'github'"):
        Redactor.of({}, ("github",))
    with pytest.raises(UsageError, match="mend the pattern"):
        Redactor.of({"x": "("}, ())
    keys = Redactor.of({}, ("private-key",))
    assert hidden(*KEY[:3], redactor=keys, width=80) == list(KEY[:3])


@given(st.lists(st.text(alphabet="ab1=: sk-antpword\u6f22\u0301|", max_size=30), max_size=6))
def test_what_is_hidden_keeps_its_cells(texts: list[str]) -> None:
    assert list(map(cells, hidden(*texts, width=20))) == list(map(cells, texts))
