-- What an act did, so that taking it back need not be guessed from its label.

ALTER TABLE act ADD COLUMN deed TEXT NOT NULL DEFAULT 'write'
    CHECK (deed IN ('write', 'decide', 'reopen', 'defer'));

UPDATE act SET deed = CASE
    WHEN label LIKE 'defer %' THEN 'defer'
    WHEN label LIKE 'reopen %' THEN 'reopen'
    ELSE 'decide'
END WHERE conflicts <> '[]';
