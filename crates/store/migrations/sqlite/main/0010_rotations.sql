-- Rotations of the secrets of clients that are under way.
CREATE TABLE rotations (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES clients (id),
    secret_id TEXT NOT NULL,
    old_ends TEXT NOT NULL,
    grace_seconds INTEGER,
    ends_at INTEGER,
    -- The older secrets as they were when it began, as JSON.
    old_secrets TEXT NOT NULL,
    started_by TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    first_used_at INTEGER,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX rotations_waiting ON rotations (client_id) WHERE first_used_at IS NULL;
