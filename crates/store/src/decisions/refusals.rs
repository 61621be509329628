//! Refusals among the recent decisions: the last one of a credential, and how many there were.

use claviger_model::ids::{AccountId, RequestId};
use claviger_model::{Environment, UnixMillis};

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{Fields, can_match, json_text};

const TABLE: &str = "decisions";

/// The last refusal of a credential.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastRefusal {
    /// Which credential.
    pub credential_id: String,
    /// When.
    pub at: UnixMillis,
    /// Why.
    pub reason: String,
    /// Of which request.
    pub request_id: RequestId,
}

/// Which refusals are counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusalFilter {
    /// Of this account's credentials; none: everybody's, and those without any credential.
    pub account_id: Option<AccountId>,
    /// Where this environment was asked for.
    pub environment: Option<Environment>,
    /// Of this credential.
    pub credential_id: Option<String>,
    /// From this time on.
    pub from: UnixMillis,
    /// Before this time.
    pub to: UnixMillis,
}

/// What refusals are counted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalGroup {
    /// Why.
    Reason,
    /// Which credential; those without a known one are not counted.
    Credential,
    /// The audience of the API; those without one are not counted.
    Api,
    /// The environment that was asked for.
    Environment,
    /// Each scope that was missing.
    MissingScope,
}

/// Refusals in one step of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusalsInStep {
    /// When the step begins.
    pub from: UnixMillis,
    /// Why they were refused.
    pub reason: String,
    /// How many.
    pub count: i64,
}

/// The last refusal of each of the account's credentials that has one.
pub async fn last(
    conn: &mut Conn,
    account_id: AccountId,
    credential_ids: &[String],
) -> Result<Vec<LastRefusal>, StoreError> {
    let rows = conn
        .query2(
            "SELECT d.credential_id, d.at, d.reason, d.request_id
             FROM json_each($1) AS wanted JOIN decisions AS d ON d.request_id =
                 (SELECT request_id FROM decisions
                  WHERE credential_id = wanted.value AND NOT allowed
                  ORDER BY at DESC, request_id DESC LIMIT 1)
             WHERE d.account_id = $2",
            "SELECT d.credential_id, d.at, d.reason, d.request_id
             FROM jsonb_array_elements_text(CAST($1 AS jsonb)) AS wanted(value)
             CROSS JOIN LATERAL
                 (SELECT credential_id, account_id, at, reason, request_id FROM decisions
                  WHERE credential_id = wanted.value AND NOT allowed
                  ORDER BY at DESC, request_id DESC LIMIT 1) AS d
             WHERE d.account_id = $2",
        )
        .bind(json_text(credential_ids)?)
        .shown(account_id)
        .fetch_all()
        .await?;
    rows.iter().map(last_refusal).collect()
}

/// Which rows a count is about; the parameters are those of [`RefusalFilter`].
macro_rules! wanted {
    ($environment:literal) => {
        concat!(
            "WHERE NOT allowed AND ($1 IS NULL OR account_id = $1) AND ($2 IS NULL OR ",
            $environment,
            " = $2) AND ($3 IS NULL OR credential_id = $3) AND at >= $4 AND at < $5 ",
        )
    };
}

/// The statement that counts by an expression, for one driver.
macro_rules! count_sql {
    ($key:literal, $from:literal, $environment:literal) => {
        concat!(
            "SELECT ",
            $key,
            " AS counted_by, COUNT(*) AS refusals FROM decisions ",
            $from,
            wanted!($environment),
            "AND ",
            $key,
            " IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $6",
        )
    };
    (sqlite $key:literal, $from:literal) => {
        count_sql!($key, $from, "body ->> 'environment'")
    };
    (postgres $key:literal, $from:literal) => {
        count_sql!($key, $from, "CAST(body AS jsonb) ->> 'environment'")
    };
}

/// How many refusals there were, by what `group` says, the most first, `limit` groups at most.
pub async fn count(
    conn: &mut Conn,
    filter: &RefusalFilter,
    group: RefusalGroup,
    limit: u32,
) -> Result<Vec<(String, i64)>, StoreError> {
    if !can_match([&filter.credential_id]) {
        return Ok(Vec::new());
    }
    let (sqlite, postgres) = match group {
        RefusalGroup::Reason => (
            count_sql!(sqlite "reason", ""),
            count_sql!(postgres "reason", ""),
        ),
        RefusalGroup::Credential => (
            count_sql!(sqlite "credential_id", ""),
            count_sql!(postgres "credential_id", ""),
        ),
        RefusalGroup::Api => (
            count_sql!(sqlite "body ->> 'api'", ""),
            count_sql!(postgres "CAST(body AS jsonb) ->> 'api'", ""),
        ),
        RefusalGroup::Environment => (
            count_sql!(sqlite "body ->> 'environment'", ""),
            count_sql!(postgres "CAST(body AS jsonb) ->> 'environment'", ""),
        ),
        RefusalGroup::MissingScope => (
            count_sql!(sqlite "missing.value",
                ", json_each(body, '$.missing_scopes') AS missing "),
            count_sql!(postgres "missing.value",
                ", jsonb_array_elements_text(CAST(body AS jsonb) -> 'missing_scopes')
                     AS missing(value) "),
        ),
    };
    let rows = conn
        .query2(sqlite, postgres)
        .shown_option(filter.account_id)
        .bind(filter.environment.map(Environment::as_str))
        .bind(filter.credential_id.as_deref())
        .time(filter.from)
        .time(filter.to)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let counted = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    rows.iter().map(counted).collect()
}

/// The statement of [`over_time`], for one driver.
macro_rules! over_time_sql {
    ($environment:literal) => {
        concat!(
            "SELECT reason, at / CAST($6 AS BIGINT) AS step, COUNT(*) FROM decisions ",
            wanted!($environment),
            "GROUP BY 1, 2 ORDER BY 2, 1",
        )
    };
}

/// How many refusals there were in each step of `step_millis`, by reason; steps without any are
/// left out. Steps begin at multiples of their length since 1970.
pub async fn over_time(
    conn: &mut Conn,
    filter: &RefusalFilter,
    step_millis: i64,
) -> Result<Vec<RefusalsInStep>, StoreError> {
    if !can_match([&filter.credential_id]) {
        return Ok(Vec::new());
    }
    let step_millis = step_millis.max(1);
    let rows = conn
        .query2(
            over_time_sql!("body ->> 'environment'"),
            over_time_sql!("CAST(body AS jsonb) ->> 'environment'"),
        )
        .shown_option(filter.account_id)
        .bind(filter.environment.map(Environment::as_str))
        .bind(filter.credential_id.as_deref())
        .time(filter.from)
        .time(filter.to)
        .bind(step_millis)
        .fetch_all()
        .await?;
    let in_step = |row: &Row| {
        let step: i64 = row.get(1)?;
        Ok(RefusalsInStep {
            from: UnixMillis(step.saturating_mul(step_millis)),
            reason: row.get(0)?,
            count: row.get(2)?,
        })
    };
    rows.iter().map(in_step).collect()
}

fn last_refusal(row: &Row) -> Result<LastRefusal, StoreError> {
    let mut fields = Fields::of(TABLE, row);
    Ok(LastRefusal {
        credential_id: fields.text()?,
        at: fields.time()?,
        reason: fields.text()?,
        request_id: fields.parsed()?,
    })
}
