-- What persons want to be called. It gives no power, so it has no seal.
CREATE TABLE user_profiles (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    name TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- From where sessions were started, for the person whose they are. It gives no power.
CREATE TABLE session_origins (
    session_id TEXT NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    ip TEXT,
    user_agent TEXT
) STRICT;
