//! Messages to webhooks, and each try of one.

use std::collections::HashMap;

use claviger_model::UnixMillis;
use claviger_model::ids::{DeliveryId, WebhookId};
use claviger_model::webhooks::{Attempt, Delivery};
use serde_json::json;

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, json_text};

/// The most of what went wrong that is kept, in characters.
const PROBLEM_LENGTH_MAX: usize = 300;

fn read(row: &Row) -> Result<Delivery, StoreError> {
    let mut fields = Fields::of("webhook_deliveries", row);
    Ok(Delivery {
        id: fields.parsed()?,
        webhook_id: fields.parsed()?,
        event_id: fields.parsed()?,
        event_type: fields.text()?,
        body: fields.text()?,
        created_at: fields.time()?,
        attempts: fields.small()?,
        tries: fields.small()?,
        next_at: fields.optional_time()?,
        delivered_at: fields.optional_time()?,
    })
}

/// Adds deliveries that were not tried yet.
pub async fn insert(tx: &mut Tx, deliveries: &[Delivery]) -> Result<(), StoreError> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let row = |one: &Delivery| {
        json!([
            one.id,
            one.webhook_id,
            one.event_id,
            one.event_type,
            one.body,
            one.created_at,
            one.next_at
        ])
    };
    let rows: Vec<_> = deliveries.iter().map(row).collect();
    tx.query2(
        "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event_type, body, created_at,
             attempts, tries, next_at)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, 0, 0,
             value ->> 6
         FROM json_each($1) WHERE true ON CONFLICT (webhook_id, event_id) DO NOTHING",
        "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event_type, body, created_at,
             attempts, tries, next_at)
         SELECT v ->> 0, v ->> 1, v ->> 2, v ->> 3, v ->> 4, CAST(v ->> 5 AS BIGINT), 0, 0,
             CAST(v ->> 6 AS BIGINT)
         FROM jsonb_array_elements(CAST($1 AS jsonb)) AS t(v)
         ON CONFLICT (webhook_id, event_id) DO NOTHING",
    )
    .bind(json_text(&rows)?)
    .execute()
    .await?;
    Ok(())
}

/// The webhooks that are told and have something due, with whether nothing reaches them.
pub async fn due_webhooks(
    conn: &mut Conn,
    now: UnixMillis,
) -> Result<Vec<(WebhookId, bool)>, StoreError> {
    let rows = conn
        .query(
            "SELECT w.id, w.failing_since FROM webhooks w WHERE w.off_at IS NULL AND EXISTS
                 (SELECT 1 FROM webhook_deliveries d
                  WHERE d.webhook_id = w.id AND d.next_at <= $1)
             ORDER BY w.id",
        )
        .time(now)
        .fetch_all()
        .await?;
    let pair = |row| {
        let mut fields = Fields::of("webhooks", row);
        Ok((fields.parsed()?, fields.optional_time()?.is_some()))
    };
    rows.iter().map(pair).collect()
}

/// Takes at most `limit` due deliveries of a webhook until `leased_until`, and counts an attempt
/// of each. Whoever takes them and dies leaves them due again then.
pub async fn take_due(
    tx: &mut Tx,
    webhook_id: WebhookId,
    (now, leased_until): (UnixMillis, UnixMillis),
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = tx
        .query(
            "UPDATE webhook_deliveries SET next_at = $3, attempts = attempts + 1, tries = tries + 1
             WHERE next_at <= $2 AND id IN
                 (SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND next_at <= $2
                  ORDER BY next_at, id LIMIT $4)
             RETURNING id, webhook_id, event_id, event_type, body, created_at, attempts, tries,
                 next_at, delivered_at",
        )
        .shown(webhook_id)
        .time(now)
        .time(leased_until)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(read).collect()
}

/// Writes what became of an attempt, unless the lease ran out and somebody else has begun another
/// one; whether it was written.
pub async fn finish(
    tx: &mut Tx,
    delivery: &Delivery,
    next_at: Option<UnixMillis>,
    delivered_at: Option<UnixMillis>,
) -> Result<bool, StoreError> {
    let touched = tx
        .query(
            "UPDATE webhook_deliveries SET next_at = $3, delivered_at = COALESCE($4, delivered_at)
             WHERE id = $1 AND attempts = $2",
        )
        .shown(delivery.id)
        .bind(i64::from(delivery.attempts))
        .time_option(next_at)
        .time_option(delivered_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Keeps an attempt.
pub async fn insert_attempt(
    tx: &mut Tx,
    delivery_id: DeliveryId,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    let short = |text: &String| text.chars().take(PROBLEM_LENGTH_MAX).collect::<String>();
    tx.query(
        "INSERT INTO webhook_attempts (delivery_id, number, at, millis, status, problem)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (delivery_id, number) DO NOTHING",
    )
    .shown(delivery_id)
    .bind(i64::from(attempt.number))
    .time(attempt.at)
    .bind(i64::from(attempt.millis))
    .bind(attempt.status.map(i64::from))
    .bind(attempt.problem.as_ref().map(short))
    .execute()
    .await?;
    Ok(())
}

/// Has a delivery tried again from the start, now; whether there is one.
pub async fn restart(
    tx: &mut Tx,
    webhook_id: WebhookId,
    id: DeliveryId,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let touched = tx
        .query(
            "UPDATE webhook_deliveries SET next_at = $3, tries = 0
             WHERE id = $1 AND webhook_id = $2",
        )
        .shown(id)
        .shown(webhook_id)
        .time(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// A delivery of a webhook.
pub async fn get(
    conn: &mut Conn,
    webhook_id: WebhookId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    let row = conn
        .query(
            "SELECT id, webhook_id, event_id, event_type, body, created_at, attempts, tries,
                 next_at, delivered_at
             FROM webhook_deliveries WHERE id = $1 AND webhook_id = $2",
        )
        .shown(id)
        .shown(webhook_id)
        .fetch_optional()
        .await?;
    row.as_ref().map(read).transpose()
}

/// The deliveries of a webhook before one, the newest first.
pub async fn list(
    conn: &mut Conn,
    webhook_id: WebhookId,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, webhook_id, event_id, event_type, body, created_at, attempts, tries,
                 next_at, delivered_at
             FROM webhook_deliveries WHERE webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .shown(webhook_id)
        .bind(before.map_or_else(|| "e".to_owned(), |id| id.to_string()))
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(read).collect()
}

/// The attempts of these deliveries, the first one first.
pub async fn attempts(
    conn: &mut Conn,
    ids: &[DeliveryId],
) -> Result<HashMap<DeliveryId, Vec<Attempt>>, StoreError> {
    let rows = conn
        .query2(
            "SELECT delivery_id, number, at, millis, status, problem FROM webhook_attempts
             WHERE delivery_id IN (SELECT value FROM json_each($1)) ORDER BY delivery_id, number",
            "SELECT delivery_id, number, at, millis, status, problem FROM webhook_attempts
             WHERE delivery_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))
             ORDER BY delivery_id, number",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    let mut found: HashMap<DeliveryId, Vec<Attempt>> = HashMap::new();
    for row in &rows {
        let mut fields = Fields::of("webhook_attempts", row);
        let id = fields.parsed()?;
        found.entry(id).or_default().push(Attempt {
            number: fields.small()?,
            at: fields.time()?,
            millis: fields.small()?,
            status: fields.optional_small()?,
            problem: fields.optional_text()?,
        });
    }
    Ok(found)
}

/// Deletes at most `limit` deliveries that came about before a time or whose webhook is gone, with
/// their attempts; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    let rows = tx
        .query(
            "DELETE FROM webhook_deliveries WHERE id IN
                 (SELECT id FROM webhook_deliveries WHERE created_at < $1
                      OR webhook_id NOT IN (SELECT id FROM webhooks) LIMIT $2)
             RETURNING id",
        )
        .time(before)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let ids = rows.iter().map(|row| row.get::<String>(0));
    let ids = ids.collect::<Result<Vec<String>, StoreError>>()?;
    tx.query2(
        "DELETE FROM webhook_attempts WHERE delivery_id IN (SELECT value FROM json_each($1))",
        "DELETE FROM webhook_attempts WHERE delivery_id IN
             (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
    )
    .bind(json_text(&ids)?)
    .execute()
    .await?;
    Ok(ids.len() as u64)
}
