-- Authorizations that devices ask for, as keyed hashes of both codes.
CREATE TABLE device_authorizations (
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT device_authorizations_lookup_key PRIMARY KEY,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    user_code_hash BYTEA NOT NULL CONSTRAINT device_authorizations_user_code_key UNIQUE,
    user_code_pepper_version BIGINT NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    -- Scopes, audiences and key, as JSON.
    authorized TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    decided_at BIGINT,
    grant_id TEXT COLLATE "C",
    used_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX device_authorizations_end ON device_authorizations (expires_at);

-- How devices poll. Gives no power, so it is not sealed.
CREATE TABLE device_polls (
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT device_polls_lookup_key PRIMARY KEY,
    polled_at BIGINT NOT NULL,
    interval_seconds BIGINT NOT NULL,
    -- Whether the latest poll came too early.
    early BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX device_polls_end ON device_polls (expires_at);
