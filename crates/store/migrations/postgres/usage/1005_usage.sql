-- What is counted together. The number is made from the rest of the row, by every node alike.
CREATE TABLE usage_series (
    number BIGINT NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C",
    kind TEXT COLLATE "C",
    credential_id TEXT COLLATE "C",
    secret_id TEXT COLLATE "C",
    api_id TEXT COLLATE "C",
    route TEXT COLLATE "C",
    scopes TEXT COLLATE "C" NOT NULL,
    environment TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    since_day BIGINT NOT NULL
);

CREATE INDEX usage_series_account ON usage_series (account_id, credential_id);
CREATE INDEX usage_series_credential ON usage_series (credential_id);

-- How often, by minutes, hours and days since 1970. A row with a sum has no credential.
CREATE TABLE usage_minutes (
    series BIGINT NOT NULL,
    minute BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (series, minute)
);

CREATE TABLE usage_hours (
    series BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (series, hour)
);

CREATE TABLE usage_days (
    series BIGINT NOT NULL,
    day BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (series, day)
);

-- The last portion that each process has added, so that one that is sent again is not added twice.
CREATE TABLE usage_writers (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    portion BIGINT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX usage_writers_time ON usage_writers (at);
