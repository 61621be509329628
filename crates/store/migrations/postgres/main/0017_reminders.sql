-- Which reminders were given: each once for a step before one end.
CREATE TABLE reminders (
    credential_id TEXT COLLATE "C" NOT NULL,
    step TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    CONSTRAINT reminders_pkey PRIMARY KEY (credential_id, step, due_at)
);

CREATE INDEX reminders_told ON reminders (told_at);

CREATE INDEX keys_expires ON keys (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX keys_created ON keys (created_at);
CREATE INDEX client_secrets_expires ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX client_secrets_created ON client_secrets (created_at);

-- Letters that wait to be sent. What they say is encrypted: an invitation carries a secret.
CREATE TABLE mails (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT mails_pkey PRIMARY KEY,
    recipient TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL
);

CREATE INDEX mails_due ON mails (next_at);
