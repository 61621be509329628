//! Webhooks: addresses that are told what happens.

use std::collections::HashMap;

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, WebhookId};
use claviger_model::seal::Sealed as _;
use claviger_model::webhooks::{OffWhy, Webhook};

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for Webhook {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        let id = fields.parsed()?;
        let account_id = fields.optional_parsed()?;
        let url = fields.text()?;
        let events = fields.json()?;
        let off_at = fields.optional_time()?;
        let why = fields.optional_text()?;
        let off = match (off_at, why.as_deref().map(OffWhy::parse)) {
            (None, None) => None,
            (Some(at), Some(Some(why))) => Some((at, why)),
            _ => return Err(fields.corrupt()),
        };
        let secret = fields.optional_bytes()?.unwrap_or_default();
        let old_secret = fields.optional_bytes()?;
        let ends_at = fields.optional_time()?;
        Ok(Self {
            id,
            account_id,
            url,
            events,
            off,
            secret,
            old_secret: old_secret.zip(ends_at),
            after_place: fields.int()?,
            created_by: fields.text()?,
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a webhook.
pub async fn insert(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(webhook);
    let old = webhook.old_secret.as_ref();
    tx.query(
        "INSERT INTO webhooks (id, account_id, url, events, off_at, off_why, secret, old_secret,
             old_secret_ends_at, after_place, created_by, created_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
             $14)",
    )
    .shown(webhook.id)
    .shown_option(webhook.account_id)
    .bind(webhook.url.as_str())
    .bind(json_text(&webhook.events)?)
    .time_option(webhook.off.map(|(at, _)| at))
    .bind(webhook.off.map(|(_, why)| why.as_str()))
    .bind(webhook.secret.as_slice())
    .bind(old.map(|(secret, _)| secret.as_slice()))
    .time_option(old.map(|(_, ends)| *ends))
    .bind(webhook.after_place)
    .bind(webhook.created_by.as_str())
    .time(webhook.created_at)
    .bind(webhook.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed webhook over the version before it.
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(webhook);
    let old = webhook.old_secret.as_ref();
    let touched = tx
        .query(
            "UPDATE webhooks SET url = $2, events = $3, off_at = $4, off_why = $5, secret = $6,
                 old_secret = $7, old_secret_ends_at = $8, row_version = $9, seal = $10
             WHERE id = $1 AND row_version = $9 - 1",
        )
        .shown(webhook.id)
        .bind(webhook.url.as_str())
        .bind(json_text(&webhook.events)?)
        .time_option(webhook.off.map(|(at, _)| at))
        .bind(webhook.off.map(|(_, why)| why.as_str()))
        .bind(webhook.secret.as_slice())
        .bind(old.map(|(secret, _)| secret.as_slice()))
        .time_option(old.map(|(_, ends)| *ends))
        .bind(webhook.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Webhook::TABLE)
}

/// Deletes a webhook; its deliveries are removed later and sent no more.
pub async fn delete(tx: &mut Tx, id: WebhookId) -> Result<(), StoreError> {
    let query = tx.query("DELETE FROM webhooks WHERE id = $1");
    query.shown(id).execute().await.map(drop)
}

/// Takes the webhook's row, so that whoever else wants to change it waits.
pub async fn lock(tx: &mut Tx, id: WebhookId) -> Result<(), StoreError> {
    let query = tx.query("UPDATE webhooks SET row_version = row_version WHERE id = $1");
    query.shown(id).execute().await.map(drop)
}

/// The webhook.
pub async fn get(conn: &mut Conn, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, url, events, off_at, off_why, secret, old_secret,
                 old_secret_ends_at, after_place, created_by, created_at, row_version, seal
             FROM webhooks WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Every webhook of an account, or of the instance without one; the oldest first.
pub async fn of(
    conn: &mut Conn,
    account_id: Option<AccountId>,
) -> Result<Vec<Webhook>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, account_id, url, events, off_at, off_why, secret, old_secret,
                 old_secret_ends_at, after_place, created_by, created_at, row_version, seal
             FROM webhooks WHERE COALESCE(account_id, '') = $1 ORDER BY id",
        )
        .bind(account_id.map_or_else(String::new, |id| id.to_string()))
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// Those that are told: of these accounts, and of all.
pub async fn active_of(
    conn: &mut Conn,
    accounts: &[AccountId],
) -> Result<Vec<Webhook>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, account_id, url, events, off_at, off_why, secret, old_secret,
                 old_secret_ends_at, after_place, created_by, created_at, row_version, seal
             FROM webhooks WHERE off_at IS NULL AND (account_id IS NULL
                 OR account_id IN (SELECT value FROM json_each($1)))",
            "SELECT id, account_id, url, events, off_at, off_why, secret, old_secret,
                 old_secret_ends_at, after_place, created_by, created_at, row_version, seal
             FROM webhooks WHERE off_at IS NULL AND (account_id IS NULL
                 OR account_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb))))",
        )
        .bind(json_text(accounts)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// Since when nothing reaches those of the webhooks that fail.
pub async fn failing(
    conn: &mut Conn,
    ids: &[WebhookId],
) -> Result<HashMap<WebhookId, UnixMillis>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, failing_since FROM webhooks WHERE failing_since IS NOT NULL
                 AND id IN (SELECT value FROM json_each($1))",
            "SELECT id, failing_since FROM webhooks WHERE failing_since IS NOT NULL
                 AND id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    let pair = |row| {
        let mut fields = Fields::of(Webhook::TABLE, row);
        Ok((fields.parsed()?, fields.time()?))
    };
    rows.iter().map(pair).collect()
}

/// Notes whether the last attempt reached it; since when none did.
pub async fn note_health(
    tx: &mut Tx,
    id: WebhookId,
    failed_at: Option<UnixMillis>,
) -> Result<Option<UnixMillis>, StoreError> {
    let row = tx
        .query(
            "UPDATE webhooks SET failing_since = CASE WHEN CAST($2 AS BIGINT) IS NULL THEN NULL
                 ELSE COALESCE(failing_since, $2) END
             WHERE id = $1 RETURNING failing_since",
        )
        .shown(id)
        .time_option(failed_at)
        .fetch_optional()
        .await?;
    let since = row.map(|row| row.get::<Option<i64>>(0)).transpose()?;
    Ok(since.flatten().map(UnixMillis))
}
