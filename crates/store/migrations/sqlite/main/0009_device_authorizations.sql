-- Authorizations that devices ask for, as keyed hashes of both codes.
CREATE TABLE device_authorizations (
    lookup TEXT NOT NULL CONSTRAINT device_authorizations_lookup_key PRIMARY KEY,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    user_code_hash BLOB NOT NULL CONSTRAINT device_authorizations_user_code_key UNIQUE,
    user_code_pepper_version INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    -- Scopes, audiences and key, as JSON.
    authorized TEXT NOT NULL,
    state TEXT NOT NULL,
    decided_at INTEGER,
    grant_id TEXT,
    used_at INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX device_authorizations_end ON device_authorizations (expires_at);

-- How devices poll. Gives no power, so it is not sealed.
CREATE TABLE device_polls (
    lookup TEXT NOT NULL CONSTRAINT device_polls_lookup_key PRIMARY KEY,
    polled_at INTEGER NOT NULL,
    interval_seconds INTEGER NOT NULL,
    -- Whether the latest poll came too early.
    early INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX device_polls_end ON device_polls (expires_at);
