-- Clients: an id with secrets, exchanged for access tokens.
CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- A JSON list; null is every scope.
    scopes TEXT,
    -- The only API that it may ask tokens for.
    api_id TEXT,
    token_lifetime_seconds INTEGER,
    tokens_per_day INTEGER,
    quota_mode TEXT,
    auth_method TEXT,
    deleted_at INTEGER,
    deleted_by TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX clients_account ON clients (account_id, created_at, id);

-- Their secrets, as keyed hashes.
CREATE TABLE client_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    lookup TEXT NOT NULL CONSTRAINT client_secrets_lookup_key UNIQUE,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    revoked_by TEXT,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX client_secrets_client ON client_secrets (client_id, id);

-- Unscoped, unexpiring keys: at most one of an account is live.
CREATE TABLE legacy_keys (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    lookup TEXT NOT NULL CONSTRAINT legacy_keys_lookup_key UNIQUE,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_by TEXT,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX legacy_keys_account ON legacy_keys (account_id, id);
CREATE UNIQUE INDEX legacy_keys_live_key ON legacy_keys (account_id) WHERE revoked_at IS NULL;
