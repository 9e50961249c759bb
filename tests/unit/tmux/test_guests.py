"""Who is sent home from our hidden session, and where that is."""

from __future__ import annotations

import io

import pytest

from orc_core.tmux.farewell import Conversation, leave
from orc_core.tmux.guests import GUESTS_MAX, Host, find_own, moves, questions

HOST = Host("$3", "%9", "client-77")
SESSIONS = ["100 $1 Alpha", "900 $3 _orc-42", "950 $7 _orc-43-ab12", "300 $2 work and more"]
OURS = ["%9 @9 1"]
US = ["client-77 "]


def plan(panes: list[str], clients: list[str], sessions: list[str] = SESSIONS) -> list[str]:
    return moves(HOST, (sessions, panes, clients))[0]


def test_it_asks_for_our_own_session_alone() -> None:
    assert len(questions(HOST)) == 3
    assert all("'$3'" in question for question in questions(HOST)[1:])


def test_nobody_there_is_nothing_to_do() -> None:
    assert moves(HOST, (SESSIONS, OURS, US)) == ([], True)


def test_windows_and_panes_go_to_the_session_used_last() -> None:
    panes = ["%9 @9 0", "%10 @9 0", "%11 @10 1", "%12 @10 1", "%13 @11 0"]
    assert plan(panes, US) == [
        "break-pane -d -s %10 -t '$2:'",
        "move-window -s '$3:@10' -t '$2:'",
        "move-window -d -s '$3:@11' -t '$2:'",
    ]


@pytest.mark.parametrize(
    ("last", "to"),
    [
        ("", "$2"),  # attached here: home
        ("work and more", "$2"),  # no neighbour of ours: home
        ("Alpha", "$7"),  # came forward, goes on
        ("_orc-43-ab12", "$1"),  # came back, goes on
        ("gone", "$2"),
    ],
)
def test_a_person_goes_on_the_way_they_went(last: str, to: str) -> None:
    assert plan(OURS, [*US, f"/dev/pts/4 {last}"]) == [f"switch-client -c '/dev/pts/4' -t '{to}:'"]


def test_the_ends_of_the_row_meet() -> None:
    sessions = ["900 $3 _orc-42", "100 $1 a", "300 $2 b"]
    clients = [*US, "/dev/pts/4 a", "/dev/pts/5 b"]
    assert plan(OURS, clients, sessions) == [
        "switch-client -c '/dev/pts/4' -t '$2:'",
        "switch-client -c '/dev/pts/5' -t '$1:'",
    ]


def test_where_there_is_no_other_session_nothing_moves() -> None:
    alone = ["900 $3 _orc-42", "950 $7 _orc-43"]
    assert moves(HOST, (alone, [*OURS, "%10 @10 0"], US)) == ([], False)


def test_many_are_sent_home_a_few_at_a_time() -> None:
    panes = [*OURS, *(f"%{number} @{number} 0" for number in range(10, 90))]
    found, whole = moves(HOST, (SESSIONS, panes, US))
    assert (len(found), whole) == (GUESTS_MAX, False)


def test_our_own_pane_is_known_by_what_runs_in_it() -> None:
    assert find_own(['%2 "vim x"', '%9 "exec cat"', "%10 "]) == "%9"
    assert find_own(["%2 ", '%3 "exec cat x"']) == ""


def test_a_client_that_is_gone_is_the_end_of_the_farewell() -> None:
    """What the dead had asked may still be answered, and prove nothing."""
    left = b"half a line\n%begin 5 1 1\nlong ago\n%end 5 1 1\n%begin 5 2 1\nunfinished\n"
    commands = io.BytesIO()
    with pytest.raises(EOFError):
        leave("_orc-42", Conversation(io.BytesIO(left), commands))
    assert b"kill" not in commands.getvalue()
