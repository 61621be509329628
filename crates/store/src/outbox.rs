//! Messages to the outside: written in the transaction of the change that they tell of, taken by
//! one node after its commit.

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, EventId};
use serde_json::Value;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::Fields;

/// A message.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// Its place, by which messages are in the order of their commits.
    pub place: i64,
    /// When what it tells of happened.
    pub at: UnixMillis,
    /// What happened.
    pub topic: String,
    /// Whose matter it is; none for the instance's.
    pub account_id: Option<AccountId>,
    /// What there is to know.
    pub payload: Value,
    /// The event; none of messages that were written before events had one.
    pub event_id: Option<EventId>,
    /// Who did it.
    pub actor: Option<String>,
    /// To what: an id.
    pub target: Option<String>,
}

/// Whether a message waits.
pub async fn is_waiting(conn: &mut Conn) -> Result<bool, StoreError> {
    let query = conn.query("SELECT id FROM outbox WHERE delivered_at IS NULL LIMIT 1");
    Ok(query.fetch_optional().await?.is_some())
}

/// The place of the last message so far. Those of whoever has not committed yet come after it.
pub async fn last_place(conn: &mut Conn) -> Result<i64, StoreError> {
    let query = conn.query("SELECT outbox_seq FROM ledger WHERE id = 1");
    query.fetch_one().await?.get(0)
}

/// Takes at most `limit` messages, in their order, so that nobody else gets them.
pub async fn take(tx: &mut Tx, now: UnixMillis, limit: u32) -> Result<Vec<Message>, StoreError> {
    // Whoever waited for a row that somebody else has just taken finds that it was.
    let rows = tx
        .query(
            "UPDATE outbox SET delivered_at = $1
             WHERE delivered_at IS NULL AND id IN
                 (SELECT id FROM outbox WHERE delivered_at IS NULL ORDER BY id LIMIT $2)
             RETURNING id, at, topic, account_id, payload, event_id, actor, target",
        )
        .time(now)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let read = |row| {
        let mut fields = Fields::of("outbox", row);
        Ok(Message {
            place: fields.int()?,
            at: fields.time()?,
            topic: fields.text()?,
            account_id: fields.optional_parsed()?,
            payload: fields.json()?,
            event_id: fields.optional_parsed()?,
            actor: fields.optional_text()?,
            target: fields.optional_text()?,
        })
    };
    let mut messages = rows
        .iter()
        .map(read)
        .collect::<Result<Vec<Message>, StoreError>>()?;
    messages.sort_by_key(|message| message.place);
    Ok(messages)
}

/// Deletes at most `limit` messages that were taken before a time; how many.
pub async fn delete_taken_before(
    tx: &mut Tx,
    before: UnixMillis,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM outbox WHERE id IN
             (SELECT id FROM outbox WHERE delivered_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}
