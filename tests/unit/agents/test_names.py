"""Names are stable, unique, and free again when the pane is gone."""

from __future__ import annotations

from orc_core.agents.names import NameBook, assign, places
from orc_core.model.agent import OTHER, PaneRef
from orc_storage.records import LiveRow

SERVER = "/tmp/s"


def pane(number: int, *, server: str = SERVER, start: int = 1) -> PaneRef:
    return PaneRef(server, start, f"%{number}", 1000 + number)


def row(number: int, name: str, *, kind: str = "claude", server: str = SERVER) -> LiveRow:
    return LiveRow(server, 1, f"%{number}", 1000 + number, name, kind, "idle", 0.0, "", 0.0)


def test_names_count_up_by_kind_in_the_order_of_panes() -> None:
    names = assign(
        [],
        [
            (pane(10), "claude", "claude"),
            (pane(9), "claude", "claude"),
            (pane(3), "codex", "codex"),
        ],
    )
    assert names == {
        f"{SERVER}:%9": "claude-1",
        f"{SERVER}:%10": "claude-2",
        f"{SERVER}:%3": "codex-1",
    }


def test_a_known_pane_keeps_its_name_and_new_ones_take_the_next_free() -> None:
    known = [row(5, "claude-1"), row(6, "claude-3"), row(7, "claude-2")]
    names = assign(known, [(pane(n), "claude", "claude") for n in (4, 5, 6)])
    assert [names[pane(n).key] for n in (4, 5, 6)] == ["claude-2", "claude-1", "claude-3"]


def test_a_pane_number_used_again_is_another_pane() -> None:
    again = PaneRef(SERVER, 1, "%5", 4242)
    assert assign([row(5, "claude-9")], [(again, "claude", "claude")]) == {again.key: "claude-1"}


def test_another_kind_in_the_same_pane_gets_another_name() -> None:
    assert assign([row(5, "claude-1")], [(pane(5), "codex", "codex")])[pane(5).key] == "codex-1"


def test_names_on_another_server_stay_taken() -> None:
    known = [row(1, "claude-1", server="/tmp/other")]
    assert assign(known, [(pane(1), "claude", "claude")])[pane(1).key] == "claude-2"


def test_others_are_called_by_their_place() -> None:
    assert assign([], [(pane(1), OTHER, "ops:4")])[pane(1).key] == "ops:4"
    assert places(["ops:4.0", "ops:3.0"]) == {"ops:4.0": "ops:4", "ops:3.0": "ops:3"}
    assert places(["ops:4.0", "ops:4.1"]) == {"ops:4.0": "ops:4.0", "ops:4.1": "ops:4.1"}


def claudes(*numbers: int, server: str = SERVER) -> list[tuple[PaneRef, str, str]]:
    return [(pane(number, server=server), "claude", "claude") for number in numbers]


def called(book: NameBook, *numbers: int, server: str = SERVER) -> list[str]:
    """The names of these panes, all of one server, in their order."""
    names = book.name([], claudes(*numbers, server=server))
    return [names[f"{server}:%{number}"] for number in numbers]


def test_servers_that_share_a_book_give_no_name_twice() -> None:
    book = NameBook()
    assert called(book, 0, 1) == ["claude-1", "claude-2"]
    assert called(book, 0, 1, server="/tmp/b") == ["claude-3", "claude-4"]
    assert called(book, 0, 1) == ["claude-1", "claude-2"]
    assert called(book, 1, 2) == ["claude-2", "claude-1"]
    assert called(book, 0, server="/tmp/b") == ["claude-3"]


def test_names_known_from_before_wait_for_their_server() -> None:
    book = NameBook([row(0, "claude-1", server="/tmp/b"), row(5, "claude-2", server="/tmp/b")])
    assert called(book, 0) == ["claude-3"]
    assert called(book, 0, server="/tmp/b") == ["claude-1"]
    assert called(book, 0, 1) == ["claude-3", "claude-2"]


def test_the_names_of_a_server_that_is_over_are_free() -> None:
    book = NameBook([row(0, "claude-1", server="/tmp/b")])
    book.forget("/tmp/b")
    assert called(book, 0) == ["claude-1"]


def test_an_agent_that_comes_back_to_its_pane_has_its_name_unless_it_was_given_away() -> None:
    book = NameBook([row(5, "claude-7"), row(6, "claude-8")])
    shells = [(pane(5), OTHER, "ops:4"), (pane(6), OTHER, "ops:5")]
    book.name([], shells)
    assert called(book, 5) == ["claude-7"]
    assert called(book, 6) == ["claude-1"]


def test_a_name_that_another_server_has_is_not_kept_by_two() -> None:
    book = NameBook([row(0, "claude-1"), row(0, "claude-1", server="/tmp/b")])
    assert called(book, 0) == ["claude-2"]
    assert called(book, 0, server="/tmp/b") == ["claude-1"]
