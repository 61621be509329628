//! Allowed requests among the recent decisions: the last one of a credential.

use claviger_model::UnixMillis;
use claviger_model::ids::AccountId;

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{Fields, json_text};

/// The last allowed request of a credential.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastAllowed {
    /// Which credential.
    pub credential_id: String,
    /// When.
    pub at: UnixMillis,
    /// From which address.
    pub ip: Option<String>,
}

/// The last allowed request of each of the account's credentials that has one.
pub async fn last(
    conn: &mut Conn,
    account_id: AccountId,
    credential_ids: &[String],
) -> Result<Vec<LastAllowed>, StoreError> {
    let rows = conn
        .query2(
            "SELECT d.credential_id, d.at, d.ip
             FROM json_each($1) AS wanted JOIN decisions AS d ON d.request_id =
                 (SELECT request_id FROM decisions
                  WHERE credential_id = wanted.value AND allowed
                  ORDER BY at DESC, request_id DESC LIMIT 1)
             WHERE d.account_id = $2",
            "SELECT d.credential_id, d.at, d.ip
             FROM jsonb_array_elements_text(CAST($1 AS jsonb)) AS wanted(value)
             CROSS JOIN LATERAL
                 (SELECT credential_id, account_id, at, ip FROM decisions
                  WHERE credential_id = wanted.value AND allowed
                  ORDER BY at DESC, request_id DESC LIMIT 1) AS d
             WHERE d.account_id = $2",
        )
        .bind(json_text(credential_ids)?)
        .shown(account_id)
        .fetch_all()
        .await?;
    let last = |row: &Row| {
        let mut fields = Fields::of("decisions", row);
        Ok(LastAllowed {
            credential_id: fields.text()?,
            at: fields.time()?,
            ip: fields.optional_text()?,
        })
    };
    rows.iter().map(last).collect()
}
