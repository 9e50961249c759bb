-- An act may have restored the files of a work tree: from which of its checkpoints to which.
-- The table is made anew, since what a CHECK allows cannot be changed.

CREATE TABLE act_with_files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    label TEXT NOT NULL,
    changes TEXT NOT NULL,
    conflicts TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('done', 'undone', 'dropped')),
    turn INTEGER NOT NULL,
    deed TEXT NOT NULL DEFAULT 'write'
        CHECK (deed IN ('write', 'decide', 'reopen', 'defer', 'files')),
    turned TEXT NOT NULL DEFAULT '[]',
    left_open TEXT NOT NULL DEFAULT '[]',
    tree TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO act_with_files
    (seq, at, actor, label, changes, conflicts, state, turn, deed, turned, left_open)
    SELECT seq, at, actor, label, changes, conflicts, state, turn, deed, turned, left_open
    FROM act;
UPDATE sqlite_sequence SET seq = (SELECT s.seq FROM sqlite_sequence s WHERE s.name = 'act')
    WHERE name = 'act_with_files' AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'act');
DROP TABLE act;
ALTER TABLE act_with_files RENAME TO act;

CREATE INDEX act_by_actor ON act (actor, state, seq);
