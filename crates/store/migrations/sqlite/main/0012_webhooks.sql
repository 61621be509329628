-- Of which audit event a message tells.
ALTER TABLE outbox ADD COLUMN event_id TEXT;
ALTER TABLE outbox ADD COLUMN actor TEXT;
ALTER TABLE outbox ADD COLUMN target TEXT;

CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;

-- Addresses that are told what happens. Without an account: of all.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT REFERENCES accounts (id),
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    off_at INTEGER,
    off_why TEXT,
    -- Encrypted.
    secret BLOB NOT NULL,
    old_secret BLOB,
    old_secret_ends_at INTEGER,
    -- The place in the outbox after which messages are its own.
    after_place INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL,
    -- Since when nothing reaches it; not sealed.
    failing_since INTEGER
) STRICT;

CREATE INDEX webhooks_account ON webhooks (account_id, id);

-- One message to one webhook. It is due at next_at; whoever takes it moves that on by a lease.
CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_at INTEGER,
    delivered_at INTEGER,
    CONSTRAINT webhook_deliveries_event_key UNIQUE (webhook_id, event_id)
) STRICT;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at)
    WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);

-- Each try of one.
CREATE TABLE webhook_attempts (
    delivery_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    millis INTEGER NOT NULL,
    status INTEGER,
    problem TEXT,
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;
