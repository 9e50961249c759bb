-- What the audit trail is filtered by. Every index of the journal ends in `seq`, its rowid, so
-- that a page is read in order and never sorted.

DROP INDEX journal_by_document;
CREATE INDEX journal_by_document ON journal (id, kind, rev);
CREATE INDEX journal_by_kind ON journal (kind);
CREATE INDEX journal_by_actor ON journal (actor);
CREATE INDEX journal_by_time ON journal (at);
