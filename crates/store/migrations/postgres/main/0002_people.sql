-- The operator's customers.
CREATE TABLE accounts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    suspended_at BIGINT,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

-- Persons who sign in.
CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL CONSTRAINT users_email_key UNIQUE,
    password_hash TEXT COLLATE "C" NOT NULL,
    suspended_at BIGINT,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

-- Users in accounts.
CREATE TABLE members (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    role TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    CONSTRAINT members_user_id_key PRIMARY KEY (account_id, user_id)
);

CREATE INDEX members_user ON members (user_id);
CREATE INDEX members_role ON members (role);

-- Users who run the instance.
CREATE TABLE operators (
    user_id TEXT COLLATE "C" NOT NULL CONSTRAINT operators_user_id_key PRIMARY KEY REFERENCES users (id),
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

-- Roles that accounts made.
CREATE TABLE roles (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    name TEXT COLLATE "C" NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    CONSTRAINT roles_name_key UNIQUE (account_id, name)
);

-- Open offers to become a member.
CREATE TABLE invitations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    email TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT invitations_lookup_key UNIQUE,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX invitations_account ON invitations (account_id, id);

-- Sign-ins.
CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    account_id TEXT COLLATE "C" REFERENCES accounts (id),
    lookup TEXT COLLATE "C" NOT NULL CONSTRAINT sessions_lookup_key UNIQUE,
    hash BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    row_version BIGINT NOT NULL,
    seal BYTEA NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_end ON sessions (expires_at);
