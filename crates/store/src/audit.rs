//! The audit log. Events are appended by [`crate::Tx::audit`] at the end of a transaction.

use claviger_model::UnixMillis;
use claviger_model::audit::{ChainedEvent, Event, Salt};
use claviger_model::ids::{AccountId, EventId};

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{Fields, can_match};

/// Which events a page shows; what is absent is not asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditFilter {
    /// The account's.
    pub account_id: Option<AccountId>,
    /// Of this action.
    pub action: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// About this thing.
    pub target: Option<String>,
    /// From this time on.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub to: Option<UnixMillis>,
}

/// The statement of a page. Its first condition leads the planner to an index: behind `IS NULL OR`
/// SQLite does not look for one.
macro_rules! page_sql {
    ($lead:literal, $order:literal) => {
        concat!(
            "SELECT seq, id, at, account_id, actor, action, target, before, after, ip,
                 request_id, hash, salt
             FROM audit WHERE ",
            $lead,
            "    AND seq > $1 AND seq < $2
                 AND ($3 IS NULL OR account_id = $3) AND ($4 IS NULL OR action = $4)
                 AND ($5 IS NULL OR actor = $5) AND ($6 IS NULL OR target = $6)
                 AND at >= $7 AND at < $8
             ORDER BY seq ",
            $order,
            " LIMIT $9",
        )
    };
}

/// The statement for a filter in an order.
macro_rules! page_sql_for {
    ($filter:ident, $order:literal) => {
        match $filter {
            filter if filter.target.is_some() => page_sql!("target = $6", $order),
            filter if filter.account_id.is_some() => page_sql!("account_id = $3", $order),
            filter if filter.actor.is_some() => page_sql!("actor = $5", $order),
            filter if filter.action.is_some() => page_sql!("action = $4", $order),
            _ => page_sql!("true", $order),
        }
    };
}

/// A page of events, the newest first, before the place `before_seq`.
pub async fn page(
    conn: &mut Conn,
    filter: &AuditFilter,
    before_seq: Option<i64>,
    limit: u32,
) -> Result<Vec<ChainedEvent>, StoreError> {
    let sql = page_sql_for!(filter, "DESC");
    let between = (0, before_seq.unwrap_or(i64::MAX));
    found(conn, sql, filter, between, limit).await
}

/// A page of events, the oldest first, after the place `after_seq` and up to `last_seq`.
pub async fn page_in_order(
    conn: &mut Conn,
    filter: &AuditFilter,
    (after_seq, last_seq): (i64, i64),
    limit: u32,
) -> Result<Vec<ChainedEvent>, StoreError> {
    let sql = page_sql_for!(filter, "ASC");
    let between = (after_seq, last_seq.saturating_add(1));
    found(conn, sql, filter, between, limit).await
}

async fn found(
    conn: &mut Conn,
    sql: &'static str,
    filter: &AuditFilter,
    (after, before): (i64, i64),
    limit: u32,
) -> Result<Vec<ChainedEvent>, StoreError> {
    if !can_match([&filter.action, &filter.actor, &filter.target]) {
        return Ok(Vec::new());
    }
    let rows = conn
        .query(sql)
        .bind(after)
        .bind(before)
        .shown_option(filter.account_id)
        .bind(filter.action.as_deref())
        .bind(filter.actor.as_deref())
        .bind(filter.target.as_deref())
        .bind(filter.from.map_or(i64::MIN, |at| at.0))
        .bind(filter.to.map_or(i64::MAX, |at| at.0))
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(chained).collect()
}

/// The event with this id.
pub async fn get(conn: &mut Conn, id: EventId) -> Result<Option<ChainedEvent>, StoreError> {
    let row = conn
        .query(
            "SELECT seq, id, at, account_id, actor, action, target, before, after, ip, request_id,
                 hash, salt
             FROM audit WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    row.as_ref().map(chained).transpose()
}

/// A page of the whole chain, the oldest first, after the place `after_seq`; zero for the start.
pub async fn chain_page(
    conn: &mut Conn,
    after_seq: i64,
    limit: u32,
) -> Result<Vec<ChainedEvent>, StoreError> {
    let rows = conn
        .query(
            "SELECT seq, id, at, account_id, actor, action, target, before, after, ip, request_id,
                 hash, salt
             FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(after_seq)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(chained).collect()
}

fn chained(row: &Row) -> Result<ChainedEvent, StoreError> {
    // The first column is a number, so it is its second that names the row in an error.
    let seq = row.get(0)?;
    let mut fields = Fields::from("audit", row, 1);
    let mut event = Event {
        id: fields.parsed()?,
        at: fields.time()?,
        account_id: fields.optional_parsed()?,
        actor: fields.text()?,
        action: fields.text()?,
        target: fields.text()?,
        before: fields.optional_json()?,
        after: fields.optional_json()?,
        ip: fields.optional_text()?,
        request_id: fields.optional_text()?,
        salt: Salt::default(),
    };
    let hash = fields.hash()?;
    event.salt = fields.bytes(|bytes| bytes.try_into().ok())?;
    Ok(ChainedEvent { seq, event, hash })
}
