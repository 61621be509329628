-- The hashes of keys that were made elsewhere; erased at the first use of their keys.
CREATE TABLE imported_hashes (
    secret_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES key_secrets (id),
    key_id TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    external_id TEXT COLLATE "C",
    fingerprint TEXT COLLATE "C" NOT NULL CONSTRAINT imported_hashes_fingerprint_key UNIQUE,
    algorithm TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C",
    lead TEXT COLLATE "C",
    pepper BIGINT,
    placeholder TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    upgraded_at BIGINT,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE UNIQUE INDEX imported_hashes_external_id_key
    ON imported_hashes (account_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX imported_hashes_lead ON imported_hashes (lead) WHERE lead IS NOT NULL;
CREATE INDEX imported_hashes_waiting ON imported_hashes (secret_id) WHERE hash IS NOT NULL;

-- The peppers of those that were hashed with one, encrypted.
CREATE TABLE import_peppers (
    id BIGINT NOT NULL PRIMARY KEY,
    ciphertext BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
