-- What was done without the person on whose list it stands.
ALTER TABLE act ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0 CHECK (automatic IN (0, 1));
CREATE INDEX act_own ON act (actor, automatic, seq);
