-- A checkpoint names, for every document that was there, the revision it had: references, no
-- copies. `seq` is the journal's head when it was made.

CREATE TABLE checkpoint (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    note TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    seq INTEGER NOT NULL CHECK (seq >= 0),
    automatic INTEGER NOT NULL CHECK (automatic IN (0, 1))
) STRICT;

CREATE TABLE checkpoint_revision (
    checkpoint INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    rev INTEGER NOT NULL CHECK (rev >= 1),
    PRIMARY KEY (checkpoint, kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX checkpoint_revision_by_document ON checkpoint_revision (kind, id, rev);
