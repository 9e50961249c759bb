-- The oldest part of the journal may be moved into files. What is left of it here: one segment
-- per file, which says what the chain went on from; the revisions that only files hold; and the
-- revisions that outlast their entries, since something may still go back to them.

CREATE TABLE segment (
    first_seq INTEGER PRIMARY KEY CHECK (first_seq >= 1),
    last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
    prev_hash TEXT NOT NULL,
    head_hash TEXT NOT NULL,
    file TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT;

CREATE TABLE archived (
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    first_rev INTEGER NOT NULL CHECK (first_rev >= 1),
    last_rev INTEGER NOT NULL CHECK (last_rev >= first_rev),
    segment INTEGER NOT NULL REFERENCES segment (first_seq),
    PRIMARY KEY (kind, id, first_rev)
) STRICT, WITHOUT ROWID;

CREATE TABLE outlasting (
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    rev INTEGER NOT NULL CHECK (rev >= 1),
    sha256 TEXT NOT NULL,
    segment INTEGER NOT NULL REFERENCES segment (first_seq),
    PRIMARY KEY (kind, id, rev)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER segment_follows_the_last BEFORE INSERT ON segment
WHEN NEW.first_seq <> 1 + ifnull(
        (SELECT last_seq FROM segment ORDER BY first_seq DESC LIMIT 1), 0
    )
    OR NEW.last_seq >= (SELECT max(seq) FROM journal)
    OR NEW.prev_hash IS NOT (SELECT prev_hash FROM journal WHERE seq = NEW.first_seq)
    OR NEW.head_hash IS NOT (SELECT hash FROM journal WHERE seq = NEW.last_seq)
BEGIN SELECT RAISE(ABORT, 'a segment is not the oldest part of the journal'); END;
CREATE TRIGGER segment_is_not_changed BEFORE UPDATE ON segment
BEGIN SELECT RAISE(ABORT, 'a segment is never changed'); END;
CREATE TRIGGER segment_is_not_deleted BEFORE DELETE ON segment
BEGIN SELECT RAISE(ABORT, 'a segment is never deleted'); END;
CREATE TRIGGER archived_is_not_changed BEFORE UPDATE ON archived
BEGIN SELECT RAISE(ABORT, 'what is archived stays archived'); END;
CREATE TRIGGER archived_is_not_deleted BEFORE DELETE ON archived
BEGIN SELECT RAISE(ABORT, 'what is archived stays archived'); END;

DROP TRIGGER journal_is_not_deleted;
CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
WHEN OLD.seq > ifnull((SELECT last_seq FROM segment ORDER BY first_seq DESC LIMIT 1), 0)
BEGIN SELECT RAISE(ABORT, 'the journal is never cut'); END;

DROP TRIGGER revision_is_not_deleted;
CREATE TRIGGER revision_is_not_deleted BEFORE DELETE ON revision
WHEN NOT EXISTS (
    SELECT 1 FROM archived a WHERE a.kind = OLD.kind AND a.id = OLD.id
    AND OLD.rev BETWEEN a.first_rev AND a.last_rev
) OR EXISTS (
    SELECT 1 FROM document d WHERE d.kind = OLD.kind AND d.id = OLD.id AND d.rev = OLD.rev
)
BEGIN SELECT RAISE(ABORT, 'a revision is never deleted'); END;
