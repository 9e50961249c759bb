-- Workflows in progress. A row says how far one is; the journal has how it came there. `fence`
-- grows with every process that takes one on, so that what an older one still writes is refused;
-- `wish` is what a person asked for and whoever runs it has not done yet.

CREATE TABLE saga (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('PENDING', 'RUNNING', 'PAUSED', 'COMPENSATING',
        'COMPLETED', 'FAILED', 'ROLLED_BACK', 'ABORTED')),
    wish TEXT NOT NULL CHECK (wish IN ('', 'pause', 'cancel', 'rollback')),
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL CHECK (fence >= 0),
    round INTEGER NOT NULL CHECK (round >= 1),
    spent_s REAL NOT NULL,
    made_at REAL NOT NULL,
    made_by TEXT NOT NULL,
    since REAL NOT NULL
) STRICT;

CREATE INDEX saga_by_state ON saga (state, seq);

CREATE TABLE saga_step (
    saga TEXT NOT NULL REFERENCES saga (id),
    number INTEGER NOT NULL CHECK (number >= 0),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    retries INTEGER NOT NULL CHECK (retries >= 0),
    undoable INTEGER NOT NULL CHECK (undoable IN (0, 1)),
    phase TEXT NOT NULL CHECK (phase IN ('waiting', 'doing', 'done', 'failed', 'unsure',
        'undoing', 'undone', 'undo_failed', 'kept', 'skipped')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    answer TEXT NOT NULL,
    result TEXT NOT NULL,
    output TEXT NOT NULL,
    reason TEXT NOT NULL,
    begun_at REAL NOT NULL,
    ended_at REAL NOT NULL,
    PRIMARY KEY (saga, number)
) STRICT, WITHOUT ROWID;
