"""Errors of the storage floor. Each message names what is at fault and what to do about it."""

from __future__ import annotations


class StorageError(Exception):
    """Any failure of the store or of a mirrored file."""


class StaleRevision(StorageError):
    """A compare-and-set lost: the document moved on since it was read."""

    def __init__(self, kind: str, id: str, expected: int, found: int) -> None:
        super().__init__(
            f"{kind} {id} is at revision {found}, not {expected}: read it again and repeat the edit"
        )
        self.kind, self.id, self.expected, self.found = kind, id, expected, found


class NotFound(StorageError):
    """There is no such document, revision or conflict."""


class Archived(StorageError):
    """A revision that the store does not hold any more; the message names the archive that does."""


class InvalidId(StorageError):
    """An id that could leave its folder or collide with another."""


class StoreUnavailable(StorageError):
    """The store cannot be opened, read or written now: locked, full, read-only or foreign."""


class OutcomeUnknown(StoreUnavailable):
    """A write that was begun and not answered in time: it may be on disk, or get there yet."""


class StoreCorrupt(StorageError):
    """The store's own checks failed: a page, a hash or the chain."""


class DamagedDocument(StorageError):
    """A document, or one revision of it, that is not what was written.

    Its row stays as it is, and nothing is made of it. `why` says what is wrong, `text` all but
    the name of the document.
    """

    def __init__(self, kind: str, id: str, rev: int, why: str) -> None:
        # A row that is damaged may hold anything, in place of these too.
        self.kind, self.id, self.why = kind, str(id), why
        self.rev = rev if type(rev) is int else 0
        name = f"{kind} {self.id}"
        which = f", revision {self.rev}" if self.rev else ""
        self.text = f"is damaged in the store{which} ({why}): `orc audit mend {name}`"
        super().__init__(f"{name} {self.text}")


class DamagedRow(StorageError):
    """A row beside the documents that cannot be read any more; it stays as it is."""

    def __init__(self, kind: str, id: str) -> None:
        self.kind, self.id = kind, id
        name = f"{kind} {id}"
        self.text = f"is damaged in the store: `orc audit mend {name}`"
        super().__init__(f"{name} {self.text}")


class UnsafePath(StorageError):
    """A path that belongs to someone else, is a symlink, or is open to others."""


class InvalidBody(StorageError):
    """A body that is not a JSON object, or that holds what JSON or Unicode cannot."""


class BadExport(StorageError):
    """A file that is not a whole export, or one of a newer make; the message names the line."""


class FileFault(StorageError):
    """A mirrored file that cannot be read as its document; `line` and `column` count from 1.

    Without them it is the file as a whole.
    """

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"line {line}, column {column}: {text}" if line else text)
        self.text, self.line, self.column = text, max(line, 1), max(column, 1)


class FileMoved(StorageError):
    """A mirrored file is not what it was when it was last read: read it again and merge."""
