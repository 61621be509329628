//! Sign-ins.

use claviger_model::UnixMillis;
use claviger_model::ids::{RoleId, SessionId, UserId};
use claviger_model::seal::Sealed as _;
use claviger_model::secret::Lookup;
use claviger_model::sessions::Session;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{self, Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for Session {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            user_id: fields.parsed()?,
            account_id: fields.optional_parsed()?,
            stored: fields.stored_secret()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            ended_at: fields.optional_time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a session.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(session);
    tx.query(
        "INSERT INTO sessions (id, user_id, account_id, lookup, hash, pepper_version, hint,
             created_at, expires_at, ended_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .shown(session.id)
    .shown(session.user_id)
    .shown_option(session.account_id)
    .bind(session.stored.lookup.to_text())
    .bind(session.stored.hash.as_slice())
    .bind(i64::from(session.stored.pepper_version))
    .bind(session.stored.hint.as_str())
    .time(session.created_at)
    .time(session.expires_at)
    .time_option(session.ended_at)
    .bind(session.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed session over the version before it.
pub async fn update(tx: &mut Tx, session: &Session) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(session);
    let touched = tx
        .query(
            "UPDATE sessions SET account_id = $2, expires_at = $3, ended_at = $4,
                 row_version = $5, seal = $6
             WHERE id = $1 AND row_version = $5 - 1",
        )
        .shown(session.id)
        .shown_option(session.account_id)
        .time(session.expires_at)
        .time_option(session.ended_at)
        .bind(session.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Session::TABLE)
}

/// The session.
pub async fn get(conn: &mut Conn, id: SessionId) -> Result<Option<Session>, StoreError> {
    let row = conn
        .query(
            "SELECT id, user_id, account_id, lookup, hash, pepper_version, hint,
                 created_at, expires_at, ended_at, row_version, seal
             FROM sessions WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The session whose token has this public identifier; the token's hash is not compared here.
pub async fn by_lookup(conn: &mut Conn, lookup: Lookup) -> Result<Option<Session>, StoreError> {
    let row = conn
        .query(
            "SELECT id, user_id, account_id, lookup, hash, pepper_version, hint,
                 created_at, expires_at, ended_at, row_version, seal
             FROM sessions WHERE lookup = $1",
        )
        .bind(lookup.to_text())
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// A page of the sessions that are neither ended nor expired at `now`, in the order of their
/// ids. A short page is the last one.
pub async fn live_page(
    conn: &mut Conn,
    now: UnixMillis,
    after: Option<SessionId>,
    limit: u32,
) -> Result<Vec<Session>, StoreError> {
    let sql = "SELECT id, user_id, account_id, lookup, hash, pepper_version, hint,
             created_at, expires_at, ended_at, row_version, seal
         FROM sessions WHERE expires_at > $1 AND ended_at IS NULL AND id > $2
         ORDER BY id LIMIT $3";
    let after = after.map_or_else(String::new, |id| id.to_string());
    rows::page(
        conn,
        sql,
        after,
        limit,
        |query, after: &String| query.time(now).bind(after.as_str()),
        rows::by_id,
    )
    .await
}

/// The live sessions of any of the users.
pub async fn live_of_users(
    conn: &mut Conn,
    now: UnixMillis,
    users: &[UserId],
) -> Result<Vec<Session>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, user_id, account_id, lookup, hash, pepper_version, hint,
                 created_at, expires_at, ended_at, row_version, seal
             FROM sessions WHERE expires_at > $1 AND ended_at IS NULL
                 AND user_id IN (SELECT value FROM json_each($2))",
            "SELECT id, user_id, account_id, lookup, hash, pepper_version, hint,
                 created_at, expires_at, ended_at, row_version, seal
             FROM sessions WHERE expires_at > $1 AND ended_at IS NULL
                 AND user_id IN (SELECT jsonb_array_elements_text(CAST($2 AS jsonb)))",
        )
        .time(now)
        .bind(json_text(users)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// The live sessions of every member who has the role, in the role's account.
pub async fn live_of_role(
    conn: &mut Conn,
    now: UnixMillis,
    role: RoleId,
) -> Result<Vec<Session>, StoreError> {
    let rows = conn
        .query(
            "SELECT s.id, s.user_id, s.account_id, s.lookup, s.hash, s.pepper_version, s.hint,
                 s.created_at, s.expires_at, s.ended_at, s.row_version, s.seal
             FROM members m
             JOIN sessions s ON s.user_id = m.user_id AND s.account_id = m.account_id
             WHERE m.role = $1 AND s.expires_at > $2 AND s.ended_at IS NULL",
        )
        .shown(role)
        .time(now)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// Those of the sessions that exist, ended ones too.
pub async fn by_ids(conn: &mut Conn, ids: &[SessionId]) -> Result<Vec<Session>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, user_id, account_id, lookup, hash, pepper_version, hint,
                 created_at, expires_at, ended_at, row_version, seal
             FROM sessions WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, user_id, account_id, lookup, hash, pepper_version, hint,
                 created_at, expires_at, ended_at, row_version, seal
             FROM sessions WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// Every session of a user that is still kept, the newest first.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Session>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, user_id, account_id, lookup, hash, pepper_version, hint,
                 created_at, expires_at, ended_at, row_version, seal
             FROM sessions WHERE user_id = $1 ORDER BY id DESC",
        )
        .shown(user)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// Deletes at most `limit` sessions that ended or expired before `before`; how many.
pub async fn delete_ended_before(
    tx: &mut Tx,
    before: UnixMillis,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM sessions WHERE id IN
             (SELECT id FROM sessions WHERE expires_at < $1 OR ended_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}
