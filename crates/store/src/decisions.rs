//! Recent decisions. They are in the database that [`crate::Db::open_usage`] opens.

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, RequestId};
use serde_json::json;

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, can_match, json_text};

/// Among how many of the latest decisions names are looked for.
const NAMES_AMONG: i64 = 20_000;

/// A decision as it is kept: what it is found by, and all of it as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredDecision {
    /// The request that it is about.
    pub request_id: RequestId,
    /// When it was made.
    pub at: UnixMillis,
    /// Whether the request was allowed.
    pub allowed: bool,
    /// Why.
    pub reason: String,
    /// Whose credential it was, when that is known.
    pub account_id: Option<AccountId>,
    /// Which credential it was, when that is known.
    pub credential_id: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// The whole decision, as JSON.
    pub body: String,
}

/// Which decisions a page shows; what is absent is not asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DecisionFilter {
    /// About the account's credentials.
    pub account_id: Option<AccountId>,
    /// About this credential.
    pub credential_id: Option<String>,
    /// Allowed ones, or refused ones.
    pub allowed: Option<bool>,
    /// From this address.
    pub ip: Option<String>,
    /// From this time on.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub to: Option<UnixMillis>,
}

/// Adds decisions; one that is there already stays.
pub async fn insert_many(tx: &mut Tx, decisions: &[StoredDecision]) -> Result<(), StoreError> {
    let row = |decision: &StoredDecision| {
        json!([
            decision.request_id,
            decision.at,
            i64::from(decision.allowed),
            decision.reason,
            decision.account_id,
            decision.credential_id,
            decision.ip,
            decision.body,
        ])
    };
    let rows: Vec<_> = decisions.iter().map(row).collect();
    tx.query2(
        "INSERT INTO decisions (request_id, at, allowed, reason, account_id, credential_id, ip,
             body)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
             value ->> 6, value ->> 7
         FROM json_each($1) WHERE true ON CONFLICT (request_id) DO NOTHING",
        "INSERT INTO decisions (request_id, at, allowed, reason, account_id, credential_id, ip,
             body)
         SELECT v ->> 0, CAST(v ->> 1 AS BIGINT), v ->> 2 = '1', v ->> 3, v ->> 4, v ->> 5,
             v ->> 6, v ->> 7
         FROM jsonb_array_elements(CAST($1 AS jsonb)) AS t(v)
         ON CONFLICT (request_id) DO NOTHING",
    )
    .bind(json_text(&rows)?)
    .execute()
    .await?;
    Ok(())
}

/// The decision about a request.
pub async fn by_request_id(
    conn: &mut Conn,
    id: RequestId,
) -> Result<Option<StoredDecision>, StoreError> {
    let row = conn
        .query(
            "SELECT request_id, at, allowed, reason, account_id, credential_id, ip, body
             FROM decisions WHERE request_id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    row.as_ref().map(decision).transpose()
}

/// The statement of a page. Its first condition leads the planner to an index: behind `IS NULL OR`
/// SQLite does not look for one.
macro_rules! page_sql {
    ($lead:literal) => {
        concat!(
            "SELECT request_id, at, allowed, reason, account_id, credential_id, ip, body
             FROM decisions WHERE ",
            $lead,
            "    AND (at, request_id) < ($1, $2) AND at < $3 AND at >= $4
                 AND ($5 IS NULL OR account_id = $5) AND ($6 IS NULL OR credential_id = $6)
                 AND ($7 IS NULL OR ip = $7) AND ($8 IS NULL OR allowed = $8)
             ORDER BY at DESC, request_id DESC LIMIT $9",
        )
    };
}

/// A page of decisions, the newest first, before the one that was made at that time about that
/// request.
pub async fn page(
    conn: &mut Conn,
    filter: &DecisionFilter,
    before: Option<(UnixMillis, RequestId)>,
    limit: u32,
) -> Result<Vec<StoredDecision>, StoreError> {
    if !can_match([&filter.credential_id, &filter.ip]) {
        return Ok(Vec::new());
    }
    let to = filter.to.map_or(i64::MAX, |at| at.0);
    let (before_at, before_id) =
        before.map_or((to, String::new()), |(at, id)| (at.0, id.to_string()));
    let sql = match filter {
        filter if filter.credential_id.is_some() => page_sql!("credential_id = $6"),
        filter if filter.account_id.is_some() => page_sql!("account_id = $5"),
        filter if filter.ip.is_some() => page_sql!("ip = $7"),
        _ => page_sql!("true"),
    };
    let rows = conn
        .query(sql)
        .bind(before_at)
        .bind(before_id)
        .bind(to)
        .bind(filter.from.map_or(i64::MIN, |at| at.0))
        .shown_option(filter.account_id)
        .bind(filter.credential_id.as_deref())
        .bind(filter.ip.as_deref())
        .bind(filter.allowed)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(decision).collect()
}

/// The statement of [`named`]: its condition leads to an index where there is an account.
macro_rules! named_sql {
    ($lead:literal, $name:literal, $position:literal) => {
        concat!(
            "SELECT credential_id, MAX(name) FROM
                 (SELECT credential_id, ",
            $name,
            " AS name FROM
                     (SELECT credential_id, body FROM decisions WHERE ",
            $lead,
            " AND credential_id IS NOT NULL ORDER BY at DESC LIMIT $3) AS latest) AS with_names
             WHERE ",
            $position,
            "(lower(name), lower($2)) > 0
             GROUP BY credential_id ORDER BY 2, 1 LIMIT $4",
        )
    };
    (sqlite $lead:literal) => {
        named_sql!($lead, "body ->> '$.credential.name'", "instr")
    };
    (postgres $lead:literal) => {
        named_sql!(
            $lead,
            "CAST(body AS jsonb) -> 'credential' ->> 'name'",
            "strpos"
        )
    };
}

/// The ids and names of credentials whose names hold `text`, whatever the case of its letters,
/// among those of the latest decisions; `limit` of them at most.
pub async fn named(
    conn: &mut Conn,
    account: Option<AccountId>,
    text: &str,
    limit: u32,
) -> Result<Vec<(String, String)>, StoreError> {
    if text.is_empty() || text.contains('\0') {
        return Ok(Vec::new());
    }
    let (sqlite, postgres) = match account {
        Some(_) => (
            named_sql!(sqlite "account_id = $1"),
            named_sql!(postgres "account_id = $1"),
        ),
        None => (
            named_sql!(sqlite "$1 IS NULL"),
            named_sql!(postgres "CAST($1 AS TEXT) IS NULL"),
        ),
    };
    let rows = conn
        .query2(sqlite, postgres)
        .shown_option(account)
        .bind(text)
        .bind(NAMES_AMONG)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let read = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    rows.iter().map(read).collect()
}

/// Deletes at most `limit` decisions that were made before `before`; how many.
pub async fn purge_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM decisions WHERE request_id IN
             (SELECT request_id FROM decisions WHERE at < $1 ORDER BY at LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}

fn decision(row: &Row) -> Result<StoredDecision, StoreError> {
    let mut fields = Fields::of("decisions", row);
    Ok(StoredDecision {
        request_id: fields.parsed()?,
        at: fields.time()?,
        allowed: fields.flag()?,
        reason: fields.text()?,
        account_id: fields.optional_parsed()?,
        credential_id: fields.optional_text()?,
        ip: fields.optional_text()?,
        body: fields.text()?,
    })
}
