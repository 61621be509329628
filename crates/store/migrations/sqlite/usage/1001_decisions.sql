-- Recent decisions, for as long as the operator keeps them.
CREATE TABLE decisions (
    request_id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    allowed INTEGER NOT NULL,
    reason TEXT NOT NULL,
    account_id TEXT,
    credential_id TEXT,
    ip TEXT,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX decisions_at ON decisions (at, request_id);
CREATE INDEX decisions_account ON decisions (account_id, at, request_id);
CREATE INDEX decisions_credential ON decisions (credential_id, at, request_id);
CREATE INDEX decisions_ip ON decisions (ip, at, request_id);
