-- What is counted together. The number is made from the rest of the row, by every node alike.
CREATE TABLE usage_series (
    number INTEGER NOT NULL PRIMARY KEY,
    account_id TEXT,
    kind TEXT,
    credential_id TEXT,
    secret_id TEXT,
    api_id TEXT,
    route TEXT,
    scopes TEXT NOT NULL,
    environment TEXT NOT NULL,
    outcome TEXT NOT NULL,
    since_day INTEGER NOT NULL
) STRICT;

CREATE INDEX usage_series_account ON usage_series (account_id, credential_id);
CREATE INDEX usage_series_credential ON usage_series (credential_id);

-- How often, by minutes, hours and days since 1970. A row with a sum has no credential.
CREATE TABLE usage_minutes (
    series INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (series, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_hours (
    series INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (series, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_days (
    series INTEGER NOT NULL,
    day INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (series, day)
) STRICT, WITHOUT ROWID;

-- The last portion that each process has added, so that one that is sent again is not added twice.
CREATE TABLE usage_writers (
    id TEXT NOT NULL PRIMARY KEY,
    portion INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX usage_writers_time ON usage_writers (at);
