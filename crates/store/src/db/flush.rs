//! The end of a transaction: epoch, changes, token floors, audit log and outbox, under the ledger's
//! one row.
//!
//! The row's lock makes commits that change something one at a time, so that epochs and audit
//! places become visible in their order. It is taken here, last, and held until the commit.

use claviger_model::audit::{ChainHash, Event, chain_hash, leaf_hash};
use claviger_model::changes::Change;
use claviger_model::tokens::TokenOwner;
use serde_json::{Value, json};

use super::conn::{Conn, OutboxEntry, Pending};
use crate::error::StoreError;
use crate::rows::{Fields, hex};

/// What the ledger gave to a transaction.
struct Reserved {
    epoch: i64,
    audit_seq: i64,
    audit_hash: ChainHash,
    outbox_seq: i64,
}

/// What is inserted, as JSON lists, and where it leaves the chain.
struct Inserts {
    audit: String,
    changes: String,
    floors: String,
    outbox: String,
    hash: ChainHash,
}

/// Writes what waits; the epoch when there were changes.
pub(super) async fn flush(
    conn: &mut Conn,
    mut pending: Pending,
) -> Result<Option<i64>, StoreError> {
    if pending.is_empty() {
        return Ok(None);
    }
    pending.tell_the_rest();
    let Pending {
        mut changes,
        mut ended,
        audit,
        outbox,
    } = pending;
    changes.sort();
    changes.dedup();
    ended.sort();
    ended.dedup();
    let reserved = reserve(conn, changes.len(), audit.len(), outbox.len()).await?;
    let (chained, hash) = audit_rows(&reserved, &audit);
    let dated = audit.last().map_or(0, |event| event.at.0);
    let inserts = Inserts {
        audit: chained.to_string(),
        changes: change_rows(reserved.epoch, &changes).to_string(),
        floors: floor_rows(reserved.epoch, &ended).to_string(),
        outbox: outbox_rows(reserved.outbox_seq, dated, &outbox).to_string(),
        hash,
    };
    if conn.is_sqlite() {
        insert_on_sqlite(conn, inserts).await?;
    } else {
        insert_on_postgres(conn, inserts).await?;
    }
    Ok((!changes.is_empty()).then_some(reserved.epoch))
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

/// The events in their places, and the hash of the last.
fn audit_rows(reserved: &Reserved, events: &[Event]) -> (Value, ChainHash) {
    let mut hash = reserved.audit_hash;
    let mut seq = reserved.audit_seq;
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        seq += 1;
        hash = chain_hash(&hash, &leaf_hash(seq, event));
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
            hex(&event.salt),
        ]));
    }
    (Value::Array(rows), hash)
}

fn change_rows(epoch: i64, changes: &[Change]) -> Value {
    let rows = changes.iter();
    rows.map(|change| json!([epoch, change.kind.as_str(), change.id]))
        .collect()
}

fn floor_rows(epoch: i64, ended: &[TokenOwner]) -> Value {
    let rows = ended.iter();
    rows.map(|owner| json!([owner.to_string(), epoch]))
        .collect()
}

fn outbox_rows(last_id: i64, at: i64, entries: &[OutboxEntry]) -> Value {
    let row = |(id, entry): (i64, &OutboxEntry)| {
        let payload = entry.payload.to_string();
        let about = entry.about.as_ref();
        json!([
            id,
            about.map_or(at, |about| about.at.0),
            entry.topic,
            entry.account_id,
            payload,
            about.map(|about| about.event_id),
            about.map(|about| &about.actor),
            about.map(|about| &about.target),
        ])
    };
    (last_id + 1..).zip(entries).map(row).collect()
}

/// All in one go. Where there is nothing for a table, nothing is inserted; where there is no event,
/// the chain's end is what it was.
async fn insert_on_sqlite(conn: &mut Conn, inserts: Inserts) -> Result<(), StoreError> {
    // Without WHERE, "ON" would be read as that of a join.
    conn.query(
        "INSERT INTO audit (seq, id, at, account_id, actor, action, target, before, after,
             ip, request_id, hash, salt)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
             value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10,
             unhex(value ->> 11), unhex(value ->> 12)
         FROM json_each($1);
         INSERT INTO changes (epoch, kind, id)
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($2);
         INSERT INTO outbox (id, at, topic, account_id, payload, event_id, actor, target)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
             value ->> 6, value ->> 7
         FROM json_each($3);
         INSERT INTO token_floors (owner_id, not_before_epoch)
         SELECT value ->> 0, value ->> 1 FROM json_each($4) WHERE true
         ON CONFLICT (owner_id) DO UPDATE SET not_before_epoch = excluded.not_before_epoch;
         UPDATE ledger SET audit_hash = $5 WHERE id = 1",
    )
    .bind(inserts.audit)
    .bind(inserts.changes)
    .bind(inserts.outbox)
    .bind(inserts.floors)
    .bind(inserts.hash.as_slice())
    .execute()
    .await?;
    Ok(())
}

/// All in one statement: everybody else waits for the ledger meanwhile.
async fn insert_on_postgres(conn: &mut Conn, inserts: Inserts) -> Result<(), StoreError> {
    conn.query(
        "WITH new_audit AS (
             INSERT INTO audit (seq, id, at, account_id, actor, action, target, before, after, ip,
                 request_id, hash, salt)
             SELECT CAST(v ->> 0 AS BIGINT), v ->> 1, CAST(v ->> 2 AS BIGINT), v ->> 3, v ->> 4,
                 v ->> 5, v ->> 6, v ->> 7, v ->> 8, v ->> 9, v ->> 10, decode(v ->> 11, 'hex'),
                 decode(v ->> 12, 'hex')
             FROM jsonb_array_elements(CAST($1 AS jsonb)) AS t(v)
         ), new_changes AS (
             INSERT INTO changes (epoch, kind, id)
             SELECT CAST(v ->> 0 AS BIGINT), v ->> 1, v ->> 2
             FROM jsonb_array_elements(CAST($2 AS jsonb)) AS t(v)
         ), new_outbox AS (
             INSERT INTO outbox (id, at, topic, account_id, payload, event_id, actor, target)
             SELECT CAST(v ->> 0 AS BIGINT), CAST(v ->> 1 AS BIGINT), v ->> 2, v ->> 3, v ->> 4,
                 v ->> 5, v ->> 6, v ->> 7
             FROM jsonb_array_elements(CAST($3 AS jsonb)) AS t(v)
         ), new_floors AS (
             INSERT INTO token_floors (owner_id, not_before_epoch)
             SELECT v ->> 0, CAST(v ->> 1 AS BIGINT)
             FROM jsonb_array_elements(CAST($4 AS jsonb)) AS t(v)
             ON CONFLICT (owner_id) DO UPDATE SET not_before_epoch = excluded.not_before_epoch
         )
         UPDATE ledger SET audit_hash = $5 WHERE id = 1",
    )
    .bind(inserts.audit)
    .bind(inserts.changes)
    .bind(inserts.outbox)
    .bind(inserts.floors)
    .bind(inserts.hash.as_slice())
    .execute()
    .await?;
    Ok(())
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
