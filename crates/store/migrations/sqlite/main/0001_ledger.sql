-- The one row that orders every change: each commit that changes something takes its lock.
CREATE TABLE ledger (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    changes_floor INTEGER NOT NULL,
    audit_seq INTEGER NOT NULL,
    audit_hash BLOB NOT NULL,
    outbox_seq INTEGER NOT NULL
) STRICT;

INSERT INTO ledger (id, epoch, changes_floor, audit_seq, audit_hash, outbox_seq)
VALUES (1, 0, 0, 0, zeroblob(32), 0);

-- What to read again, by epoch.
CREATE TABLE changes (
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (epoch, kind, id)
) STRICT, WITHOUT ROWID;

-- The processes that serve, and how far each has read.
CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    incarnation TEXT NOT NULL,
    applied_epoch INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    lease_millis INTEGER NOT NULL,
    started_at INTEGER NOT NULL
) STRICT;

-- The audit log, hash-chained by seq.
CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    account_id TEXT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before TEXT,
    after TEXT,
    ip TEXT,
    request_id TEXT,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX audit_account ON audit (account_id, seq);
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_target ON audit (target, seq);
CREATE INDEX audit_action ON audit (action, seq);
CREATE INDEX audit_at ON audit (at);

-- Messages to the outside, delivered after the commit that wrote them.
CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    topic TEXT NOT NULL,
    account_id TEXT,
    payload TEXT NOT NULL,
    delivered_at INTEGER
) STRICT;

CREATE INDEX outbox_waiting ON outbox (id) WHERE delivered_at IS NULL;

-- One row for each Idempotency-Key of an actor, method and path.
CREATE TABLE idempotency (
    scope_hash BLOB NOT NULL PRIMARY KEY,
    body_hash BLOB NOT NULL,
    object_id TEXT NOT NULL,
    sealed_secret BLOB,
    secret_expires_at INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX idempotency_end ON idempotency (expires_at);
CREATE INDEX idempotency_secret_end ON idempotency (secret_expires_at)
    WHERE sealed_secret IS NOT NULL;

-- Facts about the instance.
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Recognises the master key; says nothing about it.
CREATE TABLE master_keys (
    version INTEGER NOT NULL PRIMARY KEY,
    check_value BLOB NOT NULL
) STRICT;
