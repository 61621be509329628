-- What access tokens are signed with; the private halves are encrypted.
CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    generation INTEGER NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    published_until INTEGER,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL,
    CONSTRAINT signing_keys_generation_key UNIQUE (algorithm, generation)
) STRICT;

-- Access tokens that were revoked before their end.
CREATE TABLE revoked_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT;

CREATE INDEX revoked_tokens_end ON revoked_tokens (expires_at);

-- Tokens of a client or an account that were issued below this epoch are dead.
CREATE TABLE token_floors (
    owner_id TEXT NOT NULL PRIMARY KEY,
    not_before_epoch INTEGER NOT NULL
) STRICT;

-- How many tokens a client with a quota got on a day, counted from 1970 in UTC.
CREATE TABLE token_counts (
    client_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    used INTEGER NOT NULL,
    CONSTRAINT token_counts_day_key PRIMARY KEY (client_id, day)
) STRICT;

CREATE INDEX token_counts_day ON token_counts (day);

-- Clients took the place of these.
DROP TABLE management_tokens;
