-- What a person put off: a line to an agent at a time, or not to hear of it until then. Rewritten
-- in place; the journal has who planned it, who carried it out and what became of it.

CREATE TABLE later (
    id TEXT PRIMARY KEY COLLATE NOCASE,
    what TEXT NOT NULL CHECK (what IN ('line', 'mute')),
    agent TEXT NOT NULL COLLATE NOCASE,
    server TEXT NOT NULL,
    server_start INTEGER NOT NULL,
    pane_id TEXT NOT NULL,
    pane_pid INTEGER NOT NULL,
    state TEXT NOT NULL,
    text TEXT NOT NULL,
    at REAL NOT NULL,
    made_at REAL NOT NULL,
    made_by TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('waiting', 'sending', 'sent', 'failed', 'cancelled', 'over')),
    outcome TEXT NOT NULL,
    ended_at REAL NOT NULL
) STRICT;

CREATE INDEX later_by_phase ON later (phase, at);
