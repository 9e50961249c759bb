"""Damage done to a store behind its back, as a failing disk does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orc_storage import engine
from orc_storage.engine import STORE_FILE, Connection


@contextmanager
def behind_its_back(folder: Path) -> Iterator[Connection]:
    """A connection to the store that no rule holds back."""
    conn = engine.pick().connect(folder / STORE_FILE, mode="rw")
    triggers = conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    conn.execute("BEGIN IMMEDIATE")
    try:
        for name, _ in triggers:
            conn.execute(f"DROP TRIGGER {name}")
        yield conn
        for _, sql in triggers:
            conn.execute(sql)
        conn.execute("COMMIT")
    finally:
        conn.close()


Damage = Callable[[Path, str], None]


def flip_a_byte(folder: Path, id: str) -> None:
    """The body is still a JSON object of that id, and not the one that was written."""
    with behind_its_back(folder) as conn:
        sql = "UPDATE document SET body = replace(body, 'Cart', 'Cbrt') WHERE id = ?"
        assert conn.execute(sql, (id,)).rowcount == 1


def break_the_text(folder: Path, id: str) -> None:
    """The body is no UTF-8 any more."""
    with behind_its_back(folder) as conn:
        sql = "UPDATE document SET body = CAST(x'7BFF7D' AS TEXT) WHERE id = ?"
        assert conn.execute(sql, (id,)).rowcount == 1


def break_both(folder: Path, id: str) -> None:
    """Neither the document nor its newest revision can be believed."""
    with behind_its_back(folder) as conn:
        for sql in (
            "UPDATE document SET body = '{' || body WHERE id = ?",
            "UPDATE revision SET body = '{' || body WHERE id = ? AND rev ="
            " (SELECT rev FROM document d WHERE d.id = revision.id AND d.kind = revision.kind)",
        ):
            assert conn.execute(sql, (id,)).rowcount == 1


def lose_revision(folder: Path, id: str, rev: int) -> None:
    """One revision is gone without a trace."""
    with behind_its_back(folder) as conn:
        sql = "DELETE FROM revision WHERE id = ? AND rev = ?"
        assert conn.execute(sql, (id, rev)).rowcount == 1


def break_the_revision(folder: Path, id: str) -> None:
    """The document is right; the revision that it is says something else."""
    with behind_its_back(folder) as conn:
        sql = (
            "UPDATE revision SET body = replace(body, 'Cart', 'Cbrt') WHERE id = ? AND rev ="
            " (SELECT rev FROM document d WHERE d.id = revision.id AND d.kind = revision.kind)"
        )
        assert conn.execute(sql, (id,)).rowcount == 1


def lose_the_row(folder: Path, id: str) -> None:
    """The row of the document is gone, as where a page lost its count; its revisions are there."""
    with behind_its_back(folder) as conn:
        assert conn.execute("DELETE FROM document WHERE id = ?", (id,)).rowcount == 1


def lose_all(folder: Path, id: str) -> None:
    """Nothing is left of the document but what layers know of it."""
    with behind_its_back(folder) as conn:
        conn.execute("DELETE FROM document WHERE id = ?", (id,))
        assert conn.execute("DELETE FROM revision WHERE id = ?", (id,)).rowcount


def call_it_deleted(folder: Path, id: str) -> None:
    """One bit says that the document was deleted."""
    with behind_its_back(folder) as conn:
        assert conn.execute("UPDATE document SET deleted = 1 WHERE id = ?", (id,)).rowcount == 1


def change_its_number(folder: Path, id: str) -> None:
    """The document says that it is an older revision than it is."""
    with behind_its_back(folder) as conn:
        assert conn.execute("UPDATE document SET rev = 1 WHERE id = ?", (id,)).rowcount == 1


EVERY: tuple[Damage, ...] = (
    flip_a_byte,
    break_the_text,
    break_both,
    break_the_revision,
    lose_the_row,
    lose_all,
    call_it_deleted,
    change_its_number,
)
