-- What became of each secret of a client: how often, when last, from where.
CREATE TABLE secret_uses (
    secret_id TEXT NOT NULL PRIMARY KEY,
    owner_id TEXT NOT NULL,
    used INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    last_used_at INTEGER,
    last_used_ip TEXT,
    last_used_agent TEXT,
    last_refused_at INTEGER,
    last_refused_ip TEXT,
    last_refused_reason TEXT
) STRICT;

CREATE INDEX secret_uses_owner ON secret_uses (owner_id);
