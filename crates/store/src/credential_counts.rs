//! How many credentials there are, by who made them and by what they reach.

use claviger_model::Environment;
use claviger_model::ids::{AccountId, UserId};

use crate::db::Conn;
use crate::error::StoreError;
use crate::rows::{Fields, json_text};

const TABLE: &str = "keys";

/// Credentials of an account in one environment that are neither revoked nor deleted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CredentialCounts {
    /// API keys.
    pub keys: i64,
    /// Clients.
    pub clients: i64,
}

/// How many API keys of the account each of the users made that are not revoked; users without
/// one are left out.
pub async fn keys_by_maker(
    conn: &mut Conn,
    account: AccountId,
    makers: &[UserId],
) -> Result<Vec<(UserId, i64)>, StoreError> {
    let rows = conn
        .query2(
            "SELECT created_by, COUNT(*) FROM keys
             WHERE account_id = $1 AND state <> 'revoked'
                 AND created_by IN (SELECT value FROM json_each($2))
             GROUP BY created_by",
            "SELECT created_by, COUNT(*) FROM keys
             WHERE account_id = $1 AND state <> 'revoked'
                 AND created_by IN (SELECT jsonb_array_elements_text(CAST($2 AS jsonb)))
             GROUP BY created_by",
        )
        .shown(account)
        .bind(json_text(makers)?)
        .fetch_all()
        .await?;
    let counted = rows.iter().map(|row| {
        let mut fields = Fields::of(TABLE, row);
        Ok((fields.parsed()?, fields.int()?))
    });
    counted.collect()
}

/// How many credentials the account has in an environment.
pub async fn in_environment(
    conn: &mut Conn,
    account: AccountId,
    environment: Environment,
) -> Result<CredentialCounts, StoreError> {
    let row = conn
        .query(
            "SELECT (SELECT COUNT(*) FROM keys
                     WHERE account_id = $1 AND environment = $2 AND state <> 'revoked'),
                 (SELECT COUNT(*) FROM clients
                     WHERE account_id = $1 AND environment = $2 AND deleted_at IS NULL)",
        )
        .shown(account)
        .bind(environment.as_str())
        .fetch_one()
        .await?;
    Ok(CredentialCounts {
        keys: row.get(0)?,
        clients: row.get(1)?,
    })
}
