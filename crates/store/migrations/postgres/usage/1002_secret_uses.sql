-- What became of each secret of a client: how often, when last, from where.
CREATE TABLE secret_uses (
    secret_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner_id TEXT COLLATE "C" NOT NULL,
    used BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    last_used_at BIGINT,
    last_used_ip TEXT COLLATE "C",
    last_used_agent TEXT COLLATE "C",
    last_refused_at BIGINT,
    last_refused_ip TEXT COLLATE "C",
    last_refused_reason TEXT COLLATE "C"
);

CREATE INDEX secret_uses_owner ON secret_uses (owner_id);
