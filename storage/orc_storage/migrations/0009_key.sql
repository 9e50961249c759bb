-- Keys under which something was made, so that asking for it again makes it no second time.
-- Rewritten freely and never chained: they tell of documents and are none.

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    asked TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;

CREATE INDEX idempotency_by_time ON idempotency (at);
