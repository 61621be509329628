-- Of which audit event a message tells.
ALTER TABLE outbox ADD COLUMN event_id TEXT COLLATE "C";
ALTER TABLE outbox ADD COLUMN actor TEXT COLLATE "C";
ALTER TABLE outbox ADD COLUMN target TEXT COLLATE "C";

CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;

-- Addresses that are told what happens. Without an account: of all.
CREATE TABLE webhooks (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT webhooks_pkey PRIMARY KEY,
    account_id TEXT COLLATE "C" REFERENCES accounts (id),
    url TEXT COLLATE "C" NOT NULL,
    events TEXT COLLATE "C" NOT NULL,
    off_at BIGINT,
    off_why TEXT COLLATE "C",
    -- Encrypted.
    secret BYTEA NOT NULL,
    old_secret BYTEA,
    old_secret_ends_at BIGINT,
    -- The place in the outbox after which messages are its own.
    after_place BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    -- Since when nothing reaches it; not sealed.
    failing_since BIGINT
);

CREATE INDEX webhooks_account ON webhooks (account_id, id);

-- One message to one webhook. It is due at next_at; whoever takes it moves that on by a lease.
CREATE TABLE webhook_deliveries (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT webhook_deliveries_pkey PRIMARY KEY,
    webhook_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next_at BIGINT,
    delivered_at BIGINT,
    CONSTRAINT webhook_deliveries_event_key UNIQUE (webhook_id, event_id)
);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at)
    WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);

-- Each try of one.
CREATE TABLE webhook_attempts (
    delivery_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    millis BIGINT NOT NULL,
    status BIGINT,
    problem TEXT COLLATE "C",
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (delivery_id, number)
);
