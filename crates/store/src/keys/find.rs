//! Finding keys by what people remember of them.

use claviger_model::ids::AccountId;
use claviger_model::keys::ApiKey;

use crate::db::Conn;
use crate::error::StoreError;
use crate::rows;

/// The account's newest keys with `text` in their name, whatever the case of plain letters, or as
/// the hint of a secret; at most `limit`.
pub async fn find(
    conn: &mut Conn,
    account: AccountId,
    text: &str,
    limit: u32,
) -> Result<Vec<ApiKey>, StoreError> {
    if text.contains('\0') {
        return Ok(Vec::new());
    }
    let rows = conn
        .query(
            "SELECT id, account_id, environment, name, description, scopes, expires_at,
                 allowed_ips, rate_limit, rate_window_seconds, rate_ceiling,
                 rate_ceiling_window_seconds, state, state_at, revoked_by, created_by, created_at,
                 row_version, seal
             FROM keys WHERE account_id = $1 AND (LOWER(name) LIKE LOWER($2) ESCAPE '!'
                 OR id IN (SELECT s.key_id FROM key_secrets s WHERE s.hint = $3))
             ORDER BY created_at DESC, id DESC LIMIT $4",
        )
        .shown(account)
        .bind(rows::containing(text))
        .bind(text)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    Ok(rows::open_good(conn, &rows))
}
