-- Rotations of the secrets of clients that are under way.
CREATE TABLE rotations (
    client_id TEXT COLLATE "C" NOT NULL CONSTRAINT rotations_pkey PRIMARY KEY
        REFERENCES clients (id),
    secret_id TEXT COLLATE "C" NOT NULL,
    old_ends TEXT COLLATE "C" NOT NULL,
    grace_seconds BIGINT,
    ends_at BIGINT,
    -- The older secrets as they were when it began, as JSON.
    old_secrets TEXT COLLATE "C" NOT NULL,
    started_by TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    first_used_at BIGINT,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX rotations_waiting ON rotations (client_id) WHERE first_used_at IS NULL;
