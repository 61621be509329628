-- The latest generation of a family of tokens whose access token was used.
CREATE TABLE token_family_uses (
    family_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);

CREATE INDEX token_family_uses_time ON token_family_uses (used_at);

-- Authorization requests that ended on a page of ours because something was wrong with the app or
-- its redirect URI.
CREATE TABLE authorization_failures (
    request_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    told TEXT COLLATE "C" NOT NULL
);

CREATE INDEX authorization_failures_client ON authorization_failures (client_id, at);
CREATE INDEX authorization_failures_time ON authorization_failures (at);
