-- Which reminders were given: each once for a step before one end.
CREATE TABLE reminders (
    credential_id TEXT NOT NULL,
    step TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    CONSTRAINT reminders_pkey PRIMARY KEY (credential_id, step, due_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX reminders_told ON reminders (told_at);

CREATE INDEX keys_expires ON keys (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX keys_created ON keys (created_at);
CREATE INDEX client_secrets_expires ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX client_secrets_created ON client_secrets (created_at);

-- Letters that wait to be sent. What they say is encrypted: an invitation carries a secret.
CREATE TABLE mails (
    id TEXT NOT NULL PRIMARY KEY,
    recipient TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_at INTEGER NOT NULL
) STRICT;

CREATE INDEX mails_due ON mails (next_at);
