//! How many keys an account has.

use claviger_model::ids::AccountId;
use claviger_model::{Environment, UnixMillis};

use crate::db::Conn;
use crate::error::StoreError;

/// How many keys of an account there are, by what they are at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct KeyCounts {
    /// Those that work.
    pub active: i64,
    /// Those of them that end soon.
    pub expiring: i64,
    /// Those that are past their expiry.
    pub expired: i64,
    /// Those that are switched off.
    pub inactive: i64,
    /// Those that were revoked.
    pub revoked: i64,
}

impl KeyCounts {
    /// All of them.
    pub fn all(&self) -> i64 {
        self.active + self.expired + self.inactive + self.revoked
    }
}

/// Counts an account's keys of one environment at `now`; what ends by `soon` is expiring.
pub async fn counts(
    conn: &mut Conn,
    account: AccountId,
    environment: Environment,
    (now, soon): (UnixMillis, UnixMillis),
) -> Result<KeyCounts, StoreError> {
    let rows = conn
        .query(
            "SELECT state, COUNT(*),
                 COUNT(CASE WHEN expires_at <= $3 THEN 1 END),
                 COUNT(CASE WHEN expires_at > $3 AND expires_at <= $4 THEN 1 END)
             FROM keys WHERE account_id = $1 AND environment = $2 GROUP BY state",
        )
        .shown(account)
        .bind(environment.as_str())
        .time(now)
        .time(soon)
        .fetch_all()
        .await?;
    let mut counts = KeyCounts::default();
    for row in &rows {
        let (state, all, past, soon): (String, i64, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        match state.as_str() {
            "active" => {
                counts.active = all - past;
                counts.expired = past;
                counts.expiring = soon;
            }
            "inactive" => counts.inactive = all,
            _ => counts.revoked += all,
        }
    }
    Ok(counts)
}

/// The ids of an account's keys of one environment that work at `now`, at most `limit`, as a JSON
/// list, and how many they are: thousands, which a driver would hand over one by one.
pub async fn active_ids(
    conn: &mut Conn,
    account: AccountId,
    environment: Environment,
    now: UnixMillis,
    limit: u32,
) -> Result<(String, i64), StoreError> {
    let row = conn
        .query2(
            "SELECT json_group_array(id), COUNT(*) FROM
                 (SELECT id FROM keys WHERE account_id = $1 AND environment = $2
                     AND state = 'active' AND (expires_at IS NULL OR expires_at > $3) LIMIT $4)",
            "SELECT CAST(COALESCE(json_agg(id), '[]') AS TEXT), COUNT(*) FROM
                 (SELECT id FROM keys WHERE account_id = $1 AND environment = $2
                     AND state = 'active' AND (expires_at IS NULL OR expires_at > $3) LIMIT $4)
                 AS active",
        )
        .shown(account)
        .bind(environment.as_str())
        .time(now)
        .bind(i64::from(limit))
        .fetch_one()
        .await?;
    Ok((row.get(0)?, row.get(1)?))
}
