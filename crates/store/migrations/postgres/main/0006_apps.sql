-- What a client is beside its settings, as sealed JSON.
CREATE TABLE client_metadata (
    client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES clients (id),
    metadata TEXT COLLATE "C" NOT NULL,
    -- The address of the document that describes it, if one does.
    document_url TEXT COLLATE "C" CONSTRAINT client_metadata_document_key UNIQUE,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

-- What users allowed apps to do.
CREATE TABLE grants (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    -- A JSON list.
    scopes TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    consented_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT COLLATE "C",
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE UNIQUE INDEX grants_live_key ON grants (client_id, user_id, account_id) WHERE ended_at IS NULL;
CREATE INDEX grants_user ON grants (user_id, id);
CREATE INDEX grants_account ON grants (account_id, id);
CREATE INDEX grants_end ON grants (ended_at);

-- Authorization codes, as keyed hashes.
CREATE TABLE authorization_codes (
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT authorization_codes_lookup_key PRIMARY KEY,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    grant_id TEXT COLLATE "C" NOT NULL,
    redirect_uri TEXT COLLATE "C" NOT NULL,
    redirect_uri_named BIGINT NOT NULL,
    challenge TEXT COLLATE "C",
    -- Scopes, audiences and key, as JSON.
    authorized TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    family_id TEXT COLLATE "C",
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX authorization_codes_end ON authorization_codes (expires_at);

-- The refresh tokens of one authorization.
CREATE TABLE token_families (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    grant_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    authorized TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    used_generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX token_families_grant ON token_families (grant_id, id);
CREATE INDEX token_families_expiry ON token_families (expires_at);
CREATE INDEX token_families_end ON token_families (ended_at);

-- Refresh tokens, as keyed hashes.
CREATE TABLE refresh_tokens (
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT refresh_tokens_lookup_key PRIMARY KEY,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    family_id TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    superseded_at BIGINT,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    CONSTRAINT refresh_tokens_generation_key UNIQUE (family_id, generation)
);

CREATE INDEX refresh_tokens_end ON refresh_tokens (expires_at);
