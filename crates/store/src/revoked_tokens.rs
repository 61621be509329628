//! Access tokens that were revoked before their end, kept until then.

use claviger_model::UnixMillis;
use claviger_model::ids::{ClientId, TokenId};

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Walk, by_id, good, json_text};

/// A revoked token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RevokedToken {
    /// Its `jti`.
    pub id: TokenId,
    /// The client that it was issued to.
    pub client_id: ClientId,
    /// When it would have ended anyway.
    pub expires_at: UnixMillis,
    /// When it was revoked.
    pub revoked_at: UnixMillis,
}

/// Notes that a token is revoked; whether it was not before.
pub async fn insert(tx: &mut Tx, token: &RevokedToken) -> Result<bool, StoreError> {
    let touched = tx
        .query(
            "INSERT INTO revoked_tokens (id, client_id, expires_at, revoked_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        )
        .shown(token.id)
        .shown(token.client_id)
        .time(token.expires_at)
        .time(token.revoked_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Those of the tokens that are revoked, with when they would have ended anyway.
pub async fn by_ids(
    conn: &mut Conn,
    ids: &[TokenId],
) -> Result<Vec<(TokenId, UnixMillis)>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, expires_at FROM revoked_tokens
             WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, expires_at FROM revoked_tokens
             WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(rows.iter().filter_map(|row| good(read(row))).collect())
}

/// A page of the revoked tokens that would not have ended by `now`, in the order of their ids, as
/// [`by_ids`] has them. The last page is the one without tokens.
pub async fn live_page(
    conn: &mut Conn,
    now: UnixMillis,
    after: Option<TokenId>,
    limit: u32,
) -> Result<Vec<(TokenId, UnixMillis)>, StoreError> {
    let after = after.map_or_else(String::new, |id| id.to_string());
    let mut walk = Walk::of("revoked_tokens").behind(Some(after));
    loop {
        let after = walk.after().unwrap_or_default();
        let rows = conn
            .query(
                "SELECT id, expires_at FROM revoked_tokens
                 WHERE expires_at > $1 AND id > $2 ORDER BY id LIMIT $3",
            )
            .time(now)
            .bind(after.as_str())
            .bind(i64::from(limit))
            .fetch_all()
            .await?;
        let page: Vec<_> = rows.iter().filter_map(|row| good(read(row))).collect();
        match rows.last() {
            Some(last) if page.is_empty() => walk.on_to(by_id(last)?)?,
            _ => return Ok(page),
        }
    }
}

/// Forgets at most `limit` tokens that ended before `before`; how many.
pub async fn purge(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM revoked_tokens WHERE id IN
             (SELECT id FROM revoked_tokens WHERE expires_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}

fn read(row: &Row) -> Result<(TokenId, UnixMillis), StoreError> {
    let mut fields = Fields::of("revoked_tokens", row);
    Ok((fields.parsed()?, fields.time()?))
}
