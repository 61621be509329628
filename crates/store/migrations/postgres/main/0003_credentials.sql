-- Resource servers.
CREATE TABLE apis (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    audience TEXT COLLATE "C" NOT NULL CONSTRAINT apis_audience_key UNIQUE,
    scopes TEXT COLLATE "C" NOT NULL,
    routes TEXT COLLATE "C" NOT NULL,
    accepts TEXT COLLATE "C" NOT NULL,
    token_lifetime_seconds BIGINT,
    signing_algorithm TEXT COLLATE "C" NOT NULL,
    live_url TEXT COLLATE "C",
    sandbox_url TEXT COLLATE "C",
    unmatched TEXT COLLATE "C" NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE UNIQUE INDEX apis_is_default_key ON apis (is_default) WHERE is_default;

-- API keys.
CREATE TABLE keys (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    environment TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT,
    allowed_ips TEXT COLLATE "C" NOT NULL,
    rate_limit BIGINT,
    rate_window_seconds BIGINT,
    state TEXT COLLATE "C" NOT NULL,
    state_at BIGINT,
    revoked_by TEXT COLLATE "C",
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX keys_account ON keys (account_id, created_at, id);

-- Their secrets, as keyed hashes.
CREATE TABLE key_secrets (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    key_id TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT key_secrets_lookup_key UNIQUE,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX key_secrets_key ON key_secrets (key_id, id);

-- Credentials of automation.
CREATE TABLE management_tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    name TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT management_tokens_lookup_key UNIQUE,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX management_tokens_account ON management_tokens (account_id, created_at, id);

-- What the demo API keeps.
CREATE TABLE demo_records (
    environment TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT demo_records_id_key PRIMARY KEY (environment, collection, id)
);
