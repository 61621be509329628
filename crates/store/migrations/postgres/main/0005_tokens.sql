-- What access tokens are signed with; the private halves are encrypted.
CREATE TABLE signing_keys (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    algorithm TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    public_jwk TEXT COLLATE "C" NOT NULL,
    sealed_private BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    published_until BIGINT,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    CONSTRAINT signing_keys_generation_key UNIQUE (algorithm, generation)
);

-- Access tokens that were revoked before their end.
CREATE TABLE revoked_tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

CREATE INDEX revoked_tokens_end ON revoked_tokens (expires_at);

-- Tokens of a client or an account that were issued below this epoch are dead.
CREATE TABLE token_floors (
    owner_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    not_before_epoch BIGINT NOT NULL
);

-- How many tokens a client with a quota got on a day, counted from 1970 in UTC.
CREATE TABLE token_counts (
    client_id TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    used BIGINT NOT NULL,
    CONSTRAINT token_counts_day_key PRIMARY KEY (client_id, day)
);

CREATE INDEX token_counts_day ON token_counts (day);

-- Clients took the place of these.
DROP TABLE management_tokens;
