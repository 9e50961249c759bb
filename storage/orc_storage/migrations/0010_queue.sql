-- Work that waits to be taken. A message is published once to a topic; each group of that topic
-- has a delivery of its own of it, which one holder at a time may lease. A lease is held by its
-- token; `fence` grows with every lease, so that what an older holder still does can be refused.
-- Leases have no end by the clock here: whoever leads ends those whose holder is gone.

CREATE TABLE queue_group (
    topic TEXT NOT NULL,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (topic, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 15),
    body TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL
) STRICT;

CREATE INDEX message_by_document ON message (kind, id);

CREATE TABLE delivery (
    message INTEGER NOT NULL REFERENCES message (seq),
    topic TEXT NOT NULL,
    group_name TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'done', 'dead')),
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    fence INTEGER NOT NULL CHECK (fence >= 0),
    holder TEXT NOT NULL COLLATE NOCASE,
    token TEXT NOT NULL,
    beats INTEGER NOT NULL CHECK (beats >= 0),
    progress TEXT NOT NULL,
    since REAL NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (message, group_name),
    CHECK ((state = 'leased') = (token <> ''))
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_in_order ON delivery (topic, group_name, state, priority DESC, message);
CREATE INDEX delivery_by_state ON delivery (state, since);
CREATE UNIQUE INDEX delivery_by_token ON delivery (token) WHERE token <> '';
CREATE INDEX delivery_by_holder ON delivery (holder, state) WHERE state = 'leased';
CREATE INDEX delivery_urgent ON delivery (group_name, priority DESC, message) WHERE state = 'ready';
