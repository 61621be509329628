-- Resource servers.
CREATE TABLE apis (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    audience TEXT NOT NULL CONSTRAINT apis_audience_key UNIQUE,
    scopes TEXT NOT NULL,
    routes TEXT NOT NULL,
    accepts TEXT NOT NULL,
    token_lifetime_seconds INTEGER,
    signing_algorithm TEXT NOT NULL,
    live_url TEXT,
    sandbox_url TEXT,
    unmatched TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX apis_is_default_key ON apis (is_default) WHERE is_default;

-- API keys.
CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at INTEGER,
    allowed_ips TEXT NOT NULL,
    rate_limit INTEGER,
    rate_window_seconds INTEGER,
    state TEXT NOT NULL,
    state_at INTEGER,
    revoked_by TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX keys_account ON keys (account_id, created_at, id);

-- Their secrets, as keyed hashes.
CREATE TABLE key_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id),
    lookup TEXT NOT NULL CONSTRAINT key_secrets_lookup_key UNIQUE,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX key_secrets_key ON key_secrets (key_id, id);

-- Credentials of automation.
CREATE TABLE management_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    lookup TEXT NOT NULL CONSTRAINT management_tokens_lookup_key UNIQUE,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX management_tokens_account ON management_tokens (account_id, created_at, id);

-- What the demo API keeps.
CREATE TABLE demo_records (
    environment TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT demo_records_id_key PRIMARY KEY (environment, collection, id)
) STRICT;
