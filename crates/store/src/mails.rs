//! Letters that wait to be sent. One that was sent is gone.

use claviger_model::UnixMillis;
use claviger_model::ids::MailId;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::Fields;

/// A letter that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitingMail {
    /// Its id.
    pub id: MailId,
    /// Whom it is for.
    pub recipient: String,
    /// What it says, encrypted.
    pub sealed: Vec<u8>,
    /// When it was written.
    pub created_at: UnixMillis,
    /// How often it was tried.
    pub tries: u32,
}

/// Adds a letter that is due at once.
pub async fn insert(tx: &mut Tx, mail: &WaitingMail) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO mails (id, recipient, sealed, created_at, tries, next_at)
         VALUES ($1, $2, $3, $4, 0, $4)",
    )
    .shown(mail.id)
    .bind(mail.recipient.as_str())
    .bind(mail.sealed.as_slice())
    .time(mail.created_at)
    .execute()
    .await?;
    Ok(())
}

/// How many wait.
pub async fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    conn.query("SELECT COUNT(*) FROM mails")
        .fetch_one()
        .await?
        .get(0)
}

/// Whether one is due.
pub async fn is_due(conn: &mut Conn, now: UnixMillis) -> Result<bool, StoreError> {
    let query = conn.query("SELECT id FROM mails WHERE next_at <= $1 LIMIT 1");
    Ok(query.time(now).fetch_optional().await?.is_some())
}

/// Takes at most `limit` due letters until `leased_until`, and counts a try of each. Whoever takes
/// them and dies leaves them due again then.
pub async fn take_due(
    tx: &mut Tx,
    (now, leased_until): (UnixMillis, UnixMillis),
    limit: u32,
) -> Result<Vec<WaitingMail>, StoreError> {
    let rows = tx
        .query(
            "UPDATE mails SET next_at = $2, tries = tries + 1
             WHERE next_at <= $1 AND id IN
                 (SELECT id FROM mails WHERE next_at <= $1 ORDER BY next_at, id LIMIT $3)
             RETURNING id, recipient, sealed, created_at, tries",
        )
        .time(now)
        .time(leased_until)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let read = |row| {
        let mut fields = Fields::of("mails", row);
        Ok(WaitingMail {
            id: fields.parsed()?,
            recipient: fields.text()?,
            sealed: fields.optional_bytes()?.unwrap_or_default(),
            created_at: fields.time()?,
            tries: fields.small()?,
        })
    };
    rows.iter().map(read).collect()
}

/// Has a letter tried again at a time, unless somebody else has begun another try.
pub async fn put_off(
    tx: &mut Tx,
    mail: &WaitingMail,
    next_at: UnixMillis,
) -> Result<(), StoreError> {
    tx.query("UPDATE mails SET next_at = $3 WHERE id = $1 AND tries = $2")
        .shown(mail.id)
        .bind(i64::from(mail.tries))
        .time(next_at)
        .execute()
        .await
        .map(drop)
}

/// Forgets a letter that was sent or given up.
pub async fn delete(tx: &mut Tx, id: MailId) -> Result<(), StoreError> {
    let query = tx.query("DELETE FROM mails WHERE id = $1");
    query.shown(id).execute().await.map(drop)
}
