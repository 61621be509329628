//! What users allowed apps to do.

use claviger_model::UnixMillis;
use claviger_model::grants::{Grant, GrantEnd};
use claviger_model::ids::{AccountId, ClientId, GrantId, RoleId, UserId};
use claviger_model::seal::Sealed as _;
use serde_json::{Value, json};

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{self, Fields, Stored, good, hex, json_text, one_row, open_good, open_one};

impl Stored for Grant {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            client_id: fields.parsed()?,
            user_id: fields.parsed()?,
            account_id: fields.parsed()?,
            scopes: fields.json()?,
            created_at: fields.time()?,
            consented_at: fields.time()?,
            ended: ended(fields)?,
            version: fields.int()?,
        })
    }
}

/// Whose grants are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// Those that a user gave, in whichever account.
    User(UserId),
    /// Those in an account, whoever gave them.
    Account(AccountId),
    /// Those that a user gave in an account.
    Member(AccountId, UserId),
    /// All.
    Everybody,
}

/// Which grants are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Whose.
    pub whose: Whose,
    /// Of this app alone.
    pub client_id: Option<ClientId>,
    /// Also those of apps that were deleted, whose tokens are dead anyway.
    pub with_deleted_clients: bool,
}

/// Adds a grant. There is none that is not ended of the same app, user and account.
pub async fn insert(tx: &mut Tx, grant: &Grant) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(grant);
    let (ended_at, cause) = grant.ended.unzip();
    tx.query(
        "INSERT INTO grants (id, client_id, user_id, account_id, scopes, created_at, consented_at,
             ended_at, ended_by, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .shown(grant.id)
    .shown(grant.client_id)
    .shown(grant.user_id)
    .shown(grant.account_id)
    .bind(json_text(&grant.scopes)?)
    .time(grant.created_at)
    .time(grant.consented_at)
    .time_option(ended_at)
    .bind(cause.map(GrantEnd::as_str))
    .bind(grant.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed grant over the version before it.
pub async fn update(tx: &mut Tx, grant: &Grant) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(grant);
    let (ended_at, cause) = grant.ended.unzip();
    let touched = tx
        .query(
            "UPDATE grants SET scopes = $2, consented_at = $3, ended_at = $4, ended_by = $5,
                 row_version = $6, seal = $7
             WHERE id = $1 AND row_version = $6 - 1",
        )
        .shown(grant.id)
        .bind(json_text(&grant.scopes)?)
        .time(grant.consented_at)
        .time_option(ended_at)
        .bind(cause.map(GrantEnd::as_str))
        .bind(grant.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Grant::TABLE)
}

/// The grant, ended or not.
pub async fn get(conn: &mut Conn, id: GrantId) -> Result<Option<Grant>, StoreError> {
    let row = conn
        .query(
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The grant of this app, user and account that is not ended.
pub async fn live(
    conn: &mut Conn,
    client_id: ClientId,
    user_id: UserId,
    account_id: AccountId,
) -> Result<Option<Grant>, StoreError> {
    let row = conn
        .query(
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE client_id = $1 AND user_id = $2 AND account_id = $3
                 AND ended_at IS NULL",
        )
        .shown(client_id)
        .shown(user_id)
        .shown(account_id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Writes ends over the versions before them, in one statement; how many were written. Fewer than
/// there are when somebody else changed one meanwhile.
pub async fn update_ends(tx: &mut Tx, ended: &[Grant]) -> Result<u64, StoreError> {
    let keyring = std::sync::Arc::clone(tx.keyring());
    let row = |grant: &Grant| {
        let (at, cause) = grant.ended.unzip();
        let cause = cause.map(GrantEnd::as_str);
        json!([
            grant.id,
            at,
            cause,
            grant.version,
            hex(&keyring.seal(grant))
        ])
    };
    let rows: Vec<Value> = ended.iter().map(row).collect();
    tx.query2(
        "UPDATE grants SET ended_at = e.value ->> 1, ended_by = e.value ->> 2,
             row_version = e.value ->> 3, seal = unhex(e.value ->> 4)
         FROM json_each($1) AS e
         WHERE grants.id = e.value ->> 0 AND grants.row_version = (e.value ->> 3) - 1",
        "UPDATE grants SET ended_at = CAST(v ->> 1 AS BIGINT), ended_by = v ->> 2,
             row_version = CAST(v ->> 3 AS BIGINT), seal = decode(v ->> 4, 'hex')
         FROM jsonb_array_elements(CAST($1 AS jsonb)) AS e(v)
         WHERE grants.id = v ->> 0 AND grants.row_version = CAST(v ->> 3 AS BIGINT) - 1",
    )
    .bind(json_text(&rows)?)
    .execute()
    .await
}

/// A page of the grants that are not ended, in the order of their ids. A short page is the last
/// one.
pub async fn live_page(
    conn: &mut Conn,
    filter: Filter,
    after: Option<GrantId>,
    limit: u32,
) -> Result<Vec<Grant>, StoreError> {
    let (user, account) = match filter.whose {
        Whose::User(user) => (Some(user), None),
        Whose::Account(account) => (None, Some(account)),
        Whose::Member(account, user) => (Some(user), Some(account)),
        Whose::Everybody => (None, None),
    };
    let after = after.map_or_else(String::new, |id| id.to_string());
    rows::page(
        conn,
        live_page_sql(filter.whose),
        after,
        limit,
        |query, after: &String| {
            let query = query.shown_option(user).shown_option(account);
            let query = query.shown_option(filter.client_id);
            let query = query.bind(i64::from(filter.with_deleted_clients));
            query.bind(after.as_str())
        },
        rows::by_id,
    )
    .await
}

/// One statement for each index that it goes by: the last by that of the ids alone, whose order it
/// has already.
const fn live_page_sql(whose: Whose) -> &'static str {
    match whose {
        Whose::User(_) | Whose::Member(..) => {
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE user_id = $1 AND account_id = COALESCE($2, account_id)
                 AND client_id = COALESCE($3, client_id) AND ended_at IS NULL
                 AND ($4 = 1 OR EXISTS (SELECT 1 FROM clients c
                     WHERE c.id = client_id AND c.deleted_at IS NULL))
                 AND id > $5
             ORDER BY id LIMIT $6"
        }
        Whose::Account(_) => {
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE account_id = $2 AND user_id = COALESCE($1, user_id)
                 AND client_id = COALESCE($3, client_id) AND ended_at IS NULL
                 AND ($4 = 1 OR EXISTS (SELECT 1 FROM clients c
                     WHERE c.id = client_id AND c.deleted_at IS NULL))
                 AND id > $5
             ORDER BY id LIMIT $6"
        }
        Whose::Everybody => {
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE user_id = COALESCE($1, user_id)
                 AND account_id = COALESCE($2, account_id)
                 AND client_id = COALESCE($3, client_id) AND COALESCE(ended_at, 0) = 0
                 AND ($4 = 1 OR EXISTS (SELECT 1 FROM clients c
                     WHERE c.id = client_id AND c.deleted_at IS NULL))
                 AND id > $5
             ORDER BY id LIMIT $6"
        }
    }
}

/// How many users have a grant of this client that is not ended.
pub async fn users_of_client(conn: &mut Conn, client: ClientId) -> Result<i64, StoreError> {
    let row = conn
        .query(
            "SELECT COUNT(DISTINCT user_id) FROM grants
             WHERE client_id = $1 AND ended_at IS NULL",
        )
        .shown(client)
        .fetch_one()
        .await?;
    row.get(0)
}

/// A page of the grants that are not ended, or ended after `since`, in the order of their ids. A
/// short page is the last one.
pub async fn resident_page(
    conn: &mut Conn,
    since: UnixMillis,
    after: Option<GrantId>,
    limit: u32,
) -> Result<Vec<Grant>, StoreError> {
    let sql = "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at,
             ended_at, ended_by, row_version, seal
         FROM grants WHERE (ended_at IS NULL OR ended_at > $1) AND id > $2
         ORDER BY id LIMIT $3";
    let after = after.map_or_else(String::new, |id| id.to_string());
    rows::page(
        conn,
        sql,
        after,
        limit,
        |query, after: &String| query.time(since).bind(after.as_str()),
        rows::by_id,
    )
    .await
}

/// Those of the grants that exist and can be trusted, ended ones too.
pub async fn by_ids(conn: &mut Conn, ids: &[GrantId]) -> Result<Vec<Grant>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// The grants of any of the users that are not ended.
pub async fn live_of_users(conn: &mut Conn, users: &[UserId]) -> Result<Vec<Grant>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE ended_at IS NULL
                 AND user_id IN (SELECT value FROM json_each($1))",
            "SELECT id, client_id, user_id, account_id, scopes, created_at, consented_at, ended_at,
                 ended_by, row_version, seal
             FROM grants WHERE ended_at IS NULL
                 AND user_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(users)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// The grants that are not ended of every member who has the role, in the role's account.
pub async fn live_of_role(conn: &mut Conn, role: RoleId) -> Result<Vec<Grant>, StoreError> {
    let rows = conn
        .query(
            "SELECT g.id, g.client_id, g.user_id, g.account_id, g.scopes, g.created_at,
                 g.consented_at, g.ended_at, g.ended_by, g.row_version, g.seal
             FROM members m
             JOIN grants g ON g.user_id = m.user_id AND g.account_id = m.account_id
             WHERE m.role = $1 AND g.ended_at IS NULL",
        )
        .shown(role)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// At most `limit` grants that were ended before `before`, to be deleted.
pub async fn ended_before(
    conn: &mut Conn,
    before: UnixMillis,
    limit: u32,
) -> Result<Vec<GrantId>, StoreError> {
    let rows = conn
        .query("SELECT id FROM grants WHERE ended_at < $1 ORDER BY ended_at LIMIT $2")
        .time(before)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let id = |row| Fields::of(Grant::TABLE, row).parsed();
    Ok(rows.iter().filter_map(|row| good(id(row))).collect())
}

/// Deletes grants that were ended, with the refresh tokens that came of them.
pub async fn delete_ended(tx: &mut Tx, ids: &[GrantId]) -> Result<(), StoreError> {
    let ids = json_text(ids)?;
    for (sqlite, postgres) in [
        (
            "DELETE FROM refresh_tokens WHERE family_id IN (SELECT id FROM token_families
                 WHERE grant_id IN (SELECT value FROM json_each($1)))",
            "DELETE FROM refresh_tokens WHERE family_id IN (SELECT id FROM token_families
                 WHERE grant_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb))))",
        ),
        (
            "DELETE FROM token_families WHERE grant_id IN (SELECT value FROM json_each($1))",
            "DELETE FROM token_families
             WHERE grant_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        ),
        (
            "DELETE FROM grants WHERE ended_at IS NOT NULL
                 AND id IN (SELECT value FROM json_each($1))",
            "DELETE FROM grants WHERE ended_at IS NOT NULL
                 AND id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        ),
    ] {
        let query = tx.query2(sqlite, postgres);
        query.bind(ids.as_str()).execute().await?;
    }
    Ok(())
}

fn ended(fields: &mut Fields<'_>) -> Result<Option<(UnixMillis, GrantEnd)>, StoreError> {
    let at = fields.optional_time()?;
    let cause = fields.optional_text()?;
    match (at, cause) {
        (None, None) => Ok(None),
        (Some(at), Some(word)) => {
            let cause = GrantEnd::parse(&word).ok_or_else(|| fields.corrupt())?;
            Ok(Some((at, cause)))
        }
        _ => Err(fields.corrupt()),
    }
}
