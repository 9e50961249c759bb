"""The stream of a control client: blocks, notices, and what must not be believed."""

from __future__ import annotations

import pytest

from orc_core.tmux.control import Disorder, Reply, ReplyReader
from orc_core.tmux.guests import HIDDEN

STREAM = (
    b"%begin 5 1 0\n%end 5 1 0\n%sessions-changed\n"
    b"%begin 6 2 1\nfirst\n%end 6 9 1\n%end 5 2 1\n%begin 6 2 1\n%exit\n\xc3\xbc\n%end 6 2 1\n"
    b"%output %1 x\n%begin 6 3 1\ncan't find pane\n%error 6 3 1\n"
)
REPLIES = [
    Reply((), failed=False, asked=False),
    Reply(
        ("first", "%end 6 9 1", "%end 5 2 1", "%begin 6 2 1", "%exit", "ü"),
        failed=False,
        asked=True,
    ),
    Reply(("can't find pane",), failed=True, asked=True),
]


def test_a_reply_ends_only_with_the_numbers_it_began_with() -> None:
    reader = ReplyReader()
    assert reader.feed(STREAM) == REPLIES
    assert reader.structural


def test_the_stream_may_come_in_any_pieces() -> None:
    for cut in range(len(STREAM)):
        reader = ReplyReader()
        assert reader.feed(STREAM[:cut]) + reader.feed(STREAM[cut:]) == REPLIES
    reader = ReplyReader()
    assert [r for i in range(len(STREAM)) for r in reader.feed(STREAM[i : i + 1])] == REPLIES


def test_text_between_replies_is_disorder() -> None:
    with pytest.raises(Disorder):
        ReplyReader().feed(b"%begin 6 2 1\na\n%end 6 2 1\nb\n")


def test_bytes_that_are_no_utf8_survive_until_they_are_cleaned() -> None:
    (reply,) = ReplyReader().feed(b"%begin 6 2 1\n\xff\n%end 6 2 1\n")
    assert reply.lines == ("\udcff",)


@pytest.mark.parametrize(
    ("name", "hidden"),
    [("_orc-12", True), ("_orc-12-0a9f", True), ("_orc-", False), ("_orc-x", False), ("a", False)],
)
def test_hidden_names(name: str, hidden: bool) -> None:
    assert bool(HIDDEN.fullmatch(name)) is hidden
