//! Which credentials somebody has to be reminded of, and which reminders were given.

use claviger_model::ids::AccountId;
use claviger_model::{Environment, UnixMillis};

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::Fields;

/// A credential of which somebody has to be reminded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DueReminder {
    /// The key, or the secret of a client.
    pub credential_id: String,
    /// The key or the client.
    pub owner_id: String,
    /// Whose it is.
    pub account_id: AccountId,
    /// What people call the key or the client.
    pub name: String,
    /// Whether the client is an app; of no meaning for a key.
    pub is_app: bool,
    /// Which data it reaches.
    pub environment: Environment,
    /// The end of a client's secret; empty for a key.
    pub hint: String,
    /// Who made the key or the client.
    pub created_by: String,
    /// When it ends, or when it was made when it is too old.
    pub due_at: UnixMillis,
}

/// Which ones are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// After this time.
    pub after: UnixMillis,
    /// Until this time.
    pub until: UnixMillis,
}

fn read(row: &Row) -> Result<DueReminder, StoreError> {
    let mut fields = Fields::of("reminders", row);
    Ok(DueReminder {
        credential_id: fields.text()?,
        owner_id: fields.text()?,
        account_id: fields.parsed()?,
        name: fields.text()?,
        is_app: fields.text()? == "app",
        environment: fields.word(Environment::parse)?,
        hint: fields.text()?,
        created_by: fields.text()?,
        due_at: fields.time()?,
    })
}

/// Live keys that end in the window and were made at least `lead_millis` before their end: whoever
/// makes one for a day need not be told in advance.
pub async fn expiring_keys(
    conn: &mut Conn,
    window: Window,
    step: &str,
    lead_millis: i64,
    limit: u32,
) -> Result<Vec<DueReminder>, StoreError> {
    let rows = conn
        .query(
            "SELECT k.id, k.id, k.account_id, k.name, 'key', k.environment, '', k.created_by,
                 k.expires_at
             FROM keys k JOIN accounts a ON a.id = k.account_id
             WHERE a.suspended_at IS NULL AND k.state = 'active' AND k.expires_at > $1
                 AND k.expires_at <= $2 AND k.created_at < k.expires_at - $3
                 AND NOT EXISTS (SELECT 1 FROM reminders r WHERE r.credential_id = k.id
                     AND r.step = $4 AND r.due_at = k.expires_at)
             ORDER BY k.expires_at, k.id LIMIT $5",
        )
        .time(window.after)
        .time(window.until)
        .bind(lead_millis)
        .bind(step)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(read).collect()
}

/// The same of the secrets of clients. Those that a rotation has replaced are meant to end.
pub async fn expiring_secrets(
    conn: &mut Conn,
    window: Window,
    step: &str,
    lead_millis: i64,
    limit: u32,
) -> Result<Vec<DueReminder>, StoreError> {
    let rows = conn
        .query(
            "SELECT s.id, c.id, c.account_id, c.name, c.kind, c.environment, s.hint, c.created_by,
                 s.expires_at
             FROM client_secrets s JOIN clients c ON c.id = s.client_id
                 JOIN accounts a ON a.id = c.account_id
             WHERE a.suspended_at IS NULL AND c.deleted_at IS NULL AND s.revoked_at IS NULL
                 AND s.expires_at > $1 AND s.expires_at <= $2
                 AND s.created_at < s.expires_at - $3
                 AND NOT EXISTS (SELECT 1 FROM rotations o WHERE o.client_id = c.id
                     AND o.secret_id <> s.id)
                 AND NOT EXISTS (SELECT 1 FROM reminders r WHERE r.credential_id = s.id
                     AND r.step = $4 AND r.due_at = s.expires_at)
             ORDER BY s.expires_at, s.id LIMIT $5",
        )
        .time(window.after)
        .time(window.until)
        .bind(lead_millis)
        .bind(step)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(read).collect()
}

/// Live keys that were made in the window and do not end before `ends_after`.
pub async fn old_keys(
    conn: &mut Conn,
    window: Window,
    step: &str,
    ends_after: UnixMillis,
    limit: u32,
) -> Result<Vec<DueReminder>, StoreError> {
    let rows = conn
        .query(
            "SELECT k.id, k.id, k.account_id, k.name, 'key', k.environment, '', k.created_by,
                 k.created_at
             FROM keys k JOIN accounts a ON a.id = k.account_id
             WHERE a.suspended_at IS NULL AND k.state = 'active' AND k.created_at > $1
                 AND k.created_at <= $2 AND (k.expires_at IS NULL OR k.expires_at > $3)
                 AND NOT EXISTS (SELECT 1 FROM reminders r WHERE r.credential_id = k.id
                     AND r.step = $4 AND r.due_at = k.created_at)
             ORDER BY k.created_at, k.id LIMIT $5",
        )
        .time(window.after)
        .time(window.until)
        .time(ends_after)
        .bind(step)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(read).collect()
}

/// The same of the newest live secret of each client.
pub async fn old_secrets(
    conn: &mut Conn,
    window: Window,
    step: &str,
    ends_after: UnixMillis,
    limit: u32,
) -> Result<Vec<DueReminder>, StoreError> {
    let rows = conn
        .query(
            "SELECT s.id, c.id, c.account_id, c.name, c.kind, c.environment, s.hint, c.created_by,
                 s.created_at
             FROM client_secrets s JOIN clients c ON c.id = s.client_id
                 JOIN accounts a ON a.id = c.account_id
             WHERE a.suspended_at IS NULL AND c.deleted_at IS NULL AND s.revoked_at IS NULL
                 AND s.created_at > $1 AND s.created_at <= $2
                 AND (s.expires_at IS NULL OR s.expires_at > $3)
                 AND NOT EXISTS (SELECT 1 FROM client_secrets n WHERE n.client_id = s.client_id
                     AND n.revoked_at IS NULL AND n.created_at > s.created_at)
                 AND NOT EXISTS (SELECT 1 FROM reminders r WHERE r.credential_id = s.id
                     AND r.step = $4 AND r.due_at = s.created_at)
             ORDER BY s.created_at, s.id LIMIT $5",
        )
        .time(window.after)
        .time(window.until)
        .time(ends_after)
        .bind(step)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(read).collect()
}

/// Notes that a reminder is given; whether nobody has given it before.
pub async fn note(
    tx: &mut Tx,
    due: &DueReminder,
    step: &str,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let touched = tx
        .query(
            "INSERT INTO reminders (credential_id, step, due_at, told_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (credential_id, step, due_at) DO NOTHING",
        )
        .bind(due.credential_id.as_str())
        .bind(step)
        .time(due.due_at)
        .time(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes at most `limit` notes of reminders that were given before a time; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM reminders WHERE (credential_id, step, due_at) IN
             (SELECT credential_id, step, due_at FROM reminders WHERE told_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}

/// How many notes there are.
pub async fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    let query = conn.query("SELECT COUNT(*) FROM reminders");
    query.fetch_one().await?.get(0)
}
