-- Recent decisions, for as long as the operator keeps them.
CREATE TABLE decisions (
    request_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    allowed BOOLEAN NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C",
    credential_id TEXT COLLATE "C",
    ip TEXT COLLATE "C",
    body TEXT COLLATE "C" NOT NULL
);

CREATE INDEX decisions_at ON decisions (at, request_id);
CREATE INDEX decisions_account ON decisions (account_id, at, request_id);
CREATE INDEX decisions_credential ON decisions (credential_id, at, request_id);
CREATE INDEX decisions_ip ON decisions (ip, at, request_id);
