-- The one row that orders every change: each commit that changes something takes its lock.
CREATE TABLE ledger (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL,
    changes_floor BIGINT NOT NULL,
    audit_seq BIGINT NOT NULL,
    audit_hash BYTEA NOT NULL,
    outbox_seq BIGINT NOT NULL
);

INSERT INTO ledger (id, epoch, changes_floor, audit_seq, audit_hash, outbox_seq)
VALUES (1, 0, 0, 0, decode(repeat('00', 32), 'hex'), 0);

-- What to read again, by epoch.
CREATE TABLE changes (
    epoch BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (epoch, kind, id)
);

-- The processes that serve, and how far each has read.
CREATE TABLE nodes (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    incarnation TEXT COLLATE "C" NOT NULL,
    applied_epoch BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    lease_millis BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);

-- The audit log, hash-chained by seq.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    account_id TEXT COLLATE "C",
    actor TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    before TEXT COLLATE "C",
    after TEXT COLLATE "C",
    ip TEXT COLLATE "C",
    request_id TEXT COLLATE "C",
    hash BYTEA NOT NULL
);

CREATE INDEX audit_account ON audit (account_id, seq);
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_target ON audit (target, seq);
CREATE INDEX audit_action ON audit (action, seq);
CREATE INDEX audit_at ON audit (at);

-- Messages to the outside, delivered after the commit that wrote them.
CREATE TABLE outbox (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C",
    payload TEXT COLLATE "C" NOT NULL,
    delivered_at BIGINT
);

CREATE INDEX outbox_waiting ON outbox (id) WHERE delivered_at IS NULL;

-- One row for each Idempotency-Key of an actor, method and path.
CREATE TABLE idempotency (
    scope_hash BYTEA NOT NULL PRIMARY KEY,
    body_hash BYTEA NOT NULL,
    object_id TEXT COLLATE "C" NOT NULL,
    sealed_secret BYTEA,
    secret_expires_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX idempotency_end ON idempotency (expires_at);
CREATE INDEX idempotency_secret_end ON idempotency (secret_expires_at)
    WHERE sealed_secret IS NOT NULL;

-- Facts about the instance.
CREATE TABLE settings (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- Recognises the master key; says nothing about it.
CREATE TABLE master_keys (
    version BIGINT NOT NULL PRIMARY KEY,
    check_value BYTEA NOT NULL
);
