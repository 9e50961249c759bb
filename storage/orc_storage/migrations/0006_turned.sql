-- What taking an act back did, so that doing it again is its exact opposite: the revisions it
-- wrote, and the conflicts it left for somebody to decide.

ALTER TABLE act ADD COLUMN turned TEXT NOT NULL DEFAULT '[]';
ALTER TABLE act ADD COLUMN left_open TEXT NOT NULL DEFAULT '[]';
