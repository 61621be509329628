-- The operator's customers.
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    suspended_at INTEGER,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- Persons who sign in.
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL CONSTRAINT users_email_key UNIQUE,
    password_hash TEXT NOT NULL,
    suspended_at INTEGER,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- Users in accounts.
CREATE TABLE members (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL,
    CONSTRAINT members_user_id_key PRIMARY KEY (account_id, user_id)
) STRICT;

CREATE INDEX members_user ON members (user_id);
CREATE INDEX members_role ON members (role);

-- Users who run the instance.
CREATE TABLE operators (
    user_id TEXT NOT NULL CONSTRAINT operators_user_id_key PRIMARY KEY REFERENCES users (id),
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- Roles that accounts made.
CREATE TABLE roles (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL,
    CONSTRAINT roles_name_key UNIQUE (account_id, name)
) STRICT;

-- Open offers to become a member.
CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    lookup TEXT NOT NULL CONSTRAINT invitations_lookup_key UNIQUE,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX invitations_account ON invitations (account_id, id);

-- Sign-ins.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    account_id TEXT REFERENCES accounts (id),
    lookup TEXT NOT NULL CONSTRAINT sessions_lookup_key UNIQUE,
    hash BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    hint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    row_version INTEGER NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_end ON sessions (expires_at);
