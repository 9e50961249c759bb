-- Ids compare without regard to case everywhere: they become file names, and some file
-- systems fold case. JSON is checked before it comes here: with trusted_schema off, older
-- SQLite refuses json_valid() in a CHECK.

CREATE TABLE document (
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    rev INTEGER NOT NULL CHECK (rev >= 1),
    body TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    updated_at REAL NOT NULL,
    updated_by TEXT NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    PRIMARY KEY (kind, id)
) STRICT;

CREATE TABLE revision (
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    rev INTEGER NOT NULL CHECK (rev >= 1),
    parent_rev INTEGER NOT NULL CHECK (parent_rev = rev - 1),
    body TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    cause TEXT NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    PRIMARY KEY (kind, id, rev)
) STRICT;

CREATE TABLE journal (
    seq INTEGER PRIMARY KEY CHECK (seq >= 1),
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    rev INTEGER NOT NULL,
    detail TEXT NOT NULL,
    prev_hash TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL UNIQUE
) STRICT;

CREATE INDEX journal_by_document ON journal (kind, id, rev);

CREATE TRIGGER revision_is_not_changed BEFORE UPDATE ON revision
BEGIN SELECT RAISE(ABORT, 'a revision is never changed'); END;
CREATE TRIGGER revision_is_not_deleted BEFORE DELETE ON revision
BEGIN SELECT RAISE(ABORT, 'a revision is never deleted'); END;
CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is never changed'); END;
CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is never cut'); END;

CREATE TABLE serial (
    prefix TEXT PRIMARY KEY COLLATE NOCASE,
    last INTEGER NOT NULL CHECK (last >= 1)
) STRICT;

CREATE TABLE base (
    layer TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    rev INTEGER NOT NULL CHECK (rev >= 0),
    body TEXT,
    seen TEXT,
    seen_sha256 TEXT NOT NULL,
    PRIMARY KEY (layer, kind, id)
) STRICT;

-- `record` holds the whole conflict; the columns beside it are what lists filter on.
CREATE TABLE conflict (
    id TEXT PRIMARY KEY COLLATE NOCASE,
    layer TEXT NOT NULL,
    doc_kind TEXT NOT NULL,
    doc TEXT NOT NULL COLLATE NOCASE,
    state TEXT NOT NULL CHECK (state IN ('open', 'deferred', 'resolved', 'superseded')),
    opened_at REAL NOT NULL,
    decided_at REAL NOT NULL,
    record TEXT NOT NULL
) STRICT;

CREATE INDEX conflict_by_state ON conflict (state, decided_at);
CREATE INDEX conflict_by_document ON conflict (layer, doc_kind, doc, state);

-- `turn` counts the marks, so that of two undone acts the one undone last is known.
CREATE TABLE act (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    label TEXT NOT NULL,
    changes TEXT NOT NULL,
    conflicts TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('done', 'undone', 'dropped')),
    turn INTEGER NOT NULL
) STRICT;

CREATE INDEX act_by_actor ON act (actor, state, seq);

CREATE TABLE live (
    server TEXT NOT NULL,
    pane_id TEXT NOT NULL,
    server_start INTEGER NOT NULL,
    pane_pid INTEGER NOT NULL,
    name TEXT NOT NULL,
    agent_kind TEXT NOT NULL,
    state TEXT NOT NULL,
    since REAL NOT NULL,
    evidence TEXT NOT NULL,
    seen_at REAL NOT NULL,
    PRIMARY KEY (server, pane_id)
) STRICT;

CREATE TABLE agent_event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    evidence TEXT NOT NULL
) STRICT;

CREATE INDEX agent_event_by_name ON agent_event (name, seq);

CREATE TABLE counter (
    name TEXT NOT NULL,
    day TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (name, day)
) STRICT;
