-- What persons want to be called. It gives no power, so it has no seal.
CREATE TABLE user_profiles (
    user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id),
    name TEXT COLLATE "C" NOT NULL,
    changed_at BIGINT NOT NULL
);

-- From where sessions were started, for the person whose they are. It gives no power.
CREATE TABLE session_origins (
    session_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    ip TEXT COLLATE "C",
    user_agent TEXT COLLATE "C"
);
