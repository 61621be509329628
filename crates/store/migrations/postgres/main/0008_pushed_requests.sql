-- Authorization requests that apps pushed, as keyed hashes of their names.
CREATE TABLE pushed_requests (
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT pushed_requests_lookup_key PRIMARY KEY,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    -- A JSON list of names and values.
    parameters TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    opened_at BIGINT,
    used_at BIGINT,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX pushed_requests_end ON pushed_requests (expires_at);
