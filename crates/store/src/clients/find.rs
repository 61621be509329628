//! Finding clients by what people remember of them.

use claviger_model::clients::Client;
use claviger_model::ids::AccountId;

use crate::db::Conn;
use crate::error::StoreError;
use crate::rows;

/// The account's newest clients with `text` in their name, whatever the case of plain letters; at
/// most `limit`. Deleted ones are left out.
pub async fn find(
    conn: &mut Conn,
    account: AccountId,
    text: &str,
    limit: u32,
) -> Result<Vec<Client>, StoreError> {
    if text.contains('\0') {
        return Ok(Vec::new());
    }
    let rows = conn
        .query(
            "SELECT id, account_id, kind, environment, name, description, scopes, api_id,
                 token_lifetime_seconds, tokens_per_day, quota_mode, auth_method,
                 lifetime_ceiling_seconds, quota_ceiling, quota_mode_ceiling, deleted_at,
                 deleted_by, created_by, created_at, row_version, seal
             FROM clients WHERE account_id = $1 AND deleted_at IS NULL
                 AND LOWER(name) LIKE LOWER($2) ESCAPE '!'
             ORDER BY created_at DESC, id DESC LIMIT $3",
        )
        .shown(account)
        .bind(rows::containing(text))
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    Ok(rows::open_good(conn, &rows))
}
