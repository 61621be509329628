-- Clients: an id with secrets, exchanged for access tokens.
CREATE TABLE clients (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    kind TEXT COLLATE "C" NOT NULL,
    environment TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    -- A JSON list; null is every scope.
    scopes TEXT COLLATE "C",
    -- The only API that it may ask tokens for.
    api_id TEXT COLLATE "C",
    token_lifetime_seconds BIGINT,
    tokens_per_day BIGINT,
    quota_mode TEXT COLLATE "C",
    auth_method TEXT COLLATE "C",
    deleted_at BIGINT,
    deleted_by TEXT COLLATE "C",
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX clients_account ON clients (account_id, created_at, id);

-- Their secrets, as keyed hashes.
CREATE TABLE client_secrets (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT client_secrets_lookup_key UNIQUE,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    revoked_by TEXT COLLATE "C",
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX client_secrets_client ON client_secrets (client_id, id);

-- Unscoped, unexpiring keys: at most one of an account is live.
CREATE TABLE legacy_keys (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT legacy_keys_lookup_key UNIQUE,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_by TEXT COLLATE "C",
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX legacy_keys_account ON legacy_keys (account_id, id);
CREATE UNIQUE INDEX legacy_keys_live_key ON legacy_keys (account_id) WHERE revoked_at IS NULL;
