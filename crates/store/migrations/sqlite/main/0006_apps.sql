-- What a client is beside its settings, as sealed JSON.
CREATE TABLE client_metadata (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES clients (id),
    metadata TEXT NOT NULL,
    -- The address of the document that describes it, if one does.
    document_url TEXT CONSTRAINT client_metadata_document_key UNIQUE,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- What users allowed apps to do.
CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    -- A JSON list.
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    consented_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX grants_live_key ON grants (client_id, user_id, account_id) WHERE ended_at IS NULL;
CREATE INDEX grants_user ON grants (user_id, id);
CREATE INDEX grants_account ON grants (account_id, id);
CREATE INDEX grants_end ON grants (ended_at);

-- Authorization codes, as keyed hashes.
CREATE TABLE authorization_codes (
    lookup TEXT NOT NULL CONSTRAINT authorization_codes_lookup_key PRIMARY KEY,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    client_id TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    redirect_uri_named INTEGER NOT NULL,
    challenge TEXT,
    -- Scopes, audiences and key, as JSON.
    authorized TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    family_id TEXT,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX authorization_codes_end ON authorization_codes (expires_at);

-- The refresh tokens of one authorization.
CREATE TABLE token_families (
    id TEXT NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    authorized TEXT NOT NULL,
    generation INTEGER NOT NULL,
    used_generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX token_families_grant ON token_families (grant_id, id);
CREATE INDEX token_families_expiry ON token_families (expires_at);
CREATE INDEX token_families_end ON token_families (ended_at);

-- Refresh tokens, as keyed hashes.
CREATE TABLE refresh_tokens (
    lookup TEXT NOT NULL CONSTRAINT refresh_tokens_lookup_key PRIMARY KEY,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    family_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    superseded_at INTEGER,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL,
    CONSTRAINT refresh_tokens_generation_key UNIQUE (family_id, generation)
) STRICT;

CREATE INDEX refresh_tokens_end ON refresh_tokens (expires_at);
