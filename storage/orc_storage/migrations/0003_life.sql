-- Signs of life and what a supervisor remembers: rewritten freely, never chained. A beat's age
-- is reckoned by the machine's monotonic clock, which `boot` tells from that of another boot.

CREATE TABLE beat (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    at REAL NOT NULL,
    monotonic_s REAL NOT NULL,
    boot TEXT NOT NULL,
    status TEXT NOT NULL,
    progress TEXT NOT NULL
) STRICT;

CREATE TABLE standing (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    phase TEXT NOT NULL CHECK (phase IN ('running', 'waiting', 'stopped', 'ended', 'error')),
    quick INTEGER NOT NULL CHECK (quick >= 0),
    restarts INTEGER NOT NULL CHECK (restarts >= 0),
    reason TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
