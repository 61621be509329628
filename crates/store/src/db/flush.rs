//! The end of a transaction: epoch, changes, audit log and outbox, under the ledger's one row.
//!
//! The row's lock makes commits that change something one at a time, so that epochs and audit
//! places become visible in their order. It is taken here, last, and held until the commit.

use std::fmt::Write as _;

use claviger_model::audit::{ChainHash, Event, chain_hash};
use claviger_model::changes::Change;
use serde_json::{Value, json};

use super::conn::{Conn, OutboxEntry, Pending};
use crate::error::StoreError;
use crate::rows::Fields;

/// What the ledger gave to a transaction.
struct Reserved {
    epoch: i64,
    audit_seq: i64,
    audit_hash: ChainHash,
    outbox_seq: i64,
}

/// Writes what waits; the epoch when there were changes.
pub(super) async fn flush(conn: &mut Conn, pending: Pending) -> Result<Option<i64>, StoreError> {
    if pending.is_empty() {
        return Ok(None);
    }
    let Pending {
        mut changes,
        audit,
        outbox,
    } = pending;
    changes.sort();
    changes.dedup();
    let dated = audit.last().map_or(0, |event| event.at.0);
    let reserved = reserve(conn, changes.len(), audit.len(), outbox.len()).await?;
    if !audit.is_empty() {
        append_audit(conn, &reserved, &audit).await?;
    }
    if !outbox.is_empty() {
        insert_outbox(conn, reserved.outbox_seq, dated, &outbox).await?;
    }
    if changes.is_empty() {
        return Ok(None);
    }
    insert_changes(conn, reserved.epoch, &changes).await?;
    if !conn.is_sqlite() {
        // Delivered by the commit. It only wakes nodes early: they read the epoch in any case.
        conn.run("NOTIFY claviger_changes").await?;
    }
    Ok(Some(reserved.epoch))
}

/// Takes the ledger's lock and reserves one epoch and as many places as are needed.
async fn reserve(
    conn: &mut Conn,
    changes: usize,
    audit: usize,
    outbox: usize,
) -> Result<Reserved, StoreError> {
    let row = conn
        .query(
            "UPDATE ledger SET epoch = epoch + $1, audit_seq = audit_seq + $2,
                 outbox_seq = outbox_seq + $3
             WHERE id = 1 RETURNING epoch, audit_seq, audit_hash, outbox_seq",
        )
        .bind(i64::from(changes > 0))
        .bind(length(audit))
        .bind(length(outbox))
        .fetch_one()
        .await?;
    let mut fields = Fields::of("ledger", &row);
    let epoch = fields.int()?;
    let audit_seq = fields.int()? - length(audit);
    let audit_hash = fields.hash()?;
    let outbox_seq = fields.int()? - length(outbox);
    Ok(Reserved {
        epoch,
        audit_seq,
        audit_hash,
        outbox_seq,
    })
}

async fn append_audit(
    conn: &mut Conn,
    reserved: &Reserved,
    events: &[Event],
) -> Result<(), StoreError> {
    let mut hash = reserved.audit_hash;
    let mut seq = reserved.audit_seq;
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        seq += 1;
        hash = chain_hash(&hash, seq, event);
        rows.push(json!([
            seq,
            event.id,
            event.at,
            event.account_id,
            event.actor,
            event.action,
            event.target,
            event.before.as_ref().map(Value::to_string),
            event.after.as_ref().map(Value::to_string),
            event.ip,
            event.request_id,
            hex(&hash),
        ]));
    }
    conn.query2(
        "INSERT INTO audit (seq, id, at, account_id, actor, action, target, before, after, ip,
             request_id, hash)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
             value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10,
             unhex(value ->> 11)
         FROM json_each($1)",
        "INSERT INTO audit (seq, id, at, account_id, actor, action, target, before, after, ip,
             request_id, hash)
         SELECT CAST(v ->> 0 AS BIGINT), v ->> 1, CAST(v ->> 2 AS BIGINT), v ->> 3, v ->> 4,
             v ->> 5, v ->> 6, v ->> 7, v ->> 8, v ->> 9, v ->> 10, decode(v ->> 11, 'hex')
         FROM jsonb_array_elements(CAST($1 AS jsonb)) AS t(v)",
    )
    .bind(Value::Array(rows).to_string())
    .execute()
    .await?;
    conn.query("UPDATE ledger SET audit_hash = $1 WHERE id = 1")
        .bind(hash.as_slice())
        .execute()
        .await?;
    Ok(())
}

async fn insert_changes(conn: &mut Conn, epoch: i64, changes: &[Change]) -> Result<(), StoreError> {
    let rows = changes
        .iter()
        .map(|change| json!([change.kind.as_str(), change.id]));
    conn.query2(
        "INSERT INTO changes (epoch, kind, id)
         SELECT $1, value ->> 0, value ->> 1 FROM json_each($2)",
        "INSERT INTO changes (epoch, kind, id)
         SELECT $1, v ->> 0, v ->> 1 FROM jsonb_array_elements(CAST($2 AS jsonb)) AS t(v)",
    )
    .bind(epoch)
    .bind(rows.collect::<Value>().to_string())
    .execute()
    .await?;
    Ok(())
}

async fn insert_outbox(
    conn: &mut Conn,
    last_id: i64,
    at: i64,
    entries: &[OutboxEntry],
) -> Result<(), StoreError> {
    let rows = (last_id + 1..).zip(entries).map(|(id, entry)| {
        json!([
            id,
            at,
            entry.topic,
            entry.account_id,
            entry.payload.to_string()
        ])
    });
    conn.query2(
        "INSERT INTO outbox (id, at, topic, account_id, payload)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
         FROM json_each($1)",
        "INSERT INTO outbox (id, at, topic, account_id, payload)
         SELECT CAST(v ->> 0 AS BIGINT), CAST(v ->> 1 AS BIGINT), v ->> 2, v ->> 3, v ->> 4
         FROM jsonb_array_elements(CAST($1 AS jsonb)) AS t(v)",
    )
    .bind(rows.collect::<Value>().to_string())
    .execute()
    .await?;
    Ok(())
}

/// Bytes in hexadecimal, as JSON can carry them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
