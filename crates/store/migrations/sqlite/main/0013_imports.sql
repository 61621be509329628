-- The hashes of keys that were made elsewhere; erased at the first use of their keys.
CREATE TABLE imported_hashes (
    secret_id TEXT NOT NULL PRIMARY KEY REFERENCES key_secrets (id),
    key_id TEXT NOT NULL REFERENCES keys (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    external_id TEXT,
    fingerprint TEXT NOT NULL CONSTRAINT imported_hashes_fingerprint_key UNIQUE,
    algorithm TEXT NOT NULL,
    hash TEXT,
    lead TEXT,
    pepper INTEGER,
    placeholder TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    upgraded_at INTEGER,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX imported_hashes_external_id_key
    ON imported_hashes (account_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX imported_hashes_lead ON imported_hashes (lead) WHERE lead IS NOT NULL;
CREATE INDEX imported_hashes_waiting ON imported_hashes (secret_id) WHERE hash IS NOT NULL;

-- The peppers of those that were hashed with one, encrypted.
CREATE TABLE import_peppers (
    id INTEGER NOT NULL PRIMARY KEY,
    ciphertext BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
