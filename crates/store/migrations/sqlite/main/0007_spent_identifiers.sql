-- What clients may use once: hashes of the ids of their assertions and proofs, until those are over.
CREATE TABLE spent_identifiers (
    id TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX spent_identifiers_end ON spent_identifiers (expires_at);
