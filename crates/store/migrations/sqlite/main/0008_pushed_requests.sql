-- Authorization requests that apps pushed, as keyed hashes of their names.
CREATE TABLE pushed_requests (
    lookup TEXT NOT NULL CONSTRAINT pushed_requests_lookup_key PRIMARY KEY,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    client_id TEXT NOT NULL,
    -- A JSON list of names and values.
    parameters TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    opened_at INTEGER,
    used_at INTEGER,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX pushed_requests_end ON pushed_requests (expires_at);
