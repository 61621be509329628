//! Clients.

mod find;
mod metadata;
mod secrets;

pub use find::find;
pub use metadata::{
    delete_metadata, documented, insert_metadata, metadata, metadata_of, update_metadata,
};
pub use secrets::{insert_secret, secret, secrets, secrets_of, update_secret};

use claviger_model::clients::{
    Client, ClientAuthMethod, ClientCeilings, ClientKind, ClientScopes, ClientSettings,
    ClientState, QuotaMode,
};
use claviger_model::ids::{AccountId, ClientId};
use claviger_model::seal::Sealed as _;
use claviger_model::{Environment, UnixMillis};

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{self, Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for Client {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            account_id: fields.parsed()?,
            kind: fields.word(ClientKind::parse)?,
            environment: fields.word(Environment::parse)?,
            settings: ClientSettings {
                name: fields.text()?,
                description: fields.text()?,
                scopes: scopes(fields)?,
                api_id: fields.optional_parsed()?,
                token_lifetime_seconds: fields.optional_small()?,
                tokens_per_day: fields.optional_small()?,
                quota_mode: optional_word(fields, QuotaMode::parse)?,
                auth_method: optional_word(fields, ClientAuthMethod::parse)?,
            },
            ceilings: ClientCeilings {
                token_lifetime_seconds: fields.optional_small()?,
                tokens_per_day: fields.optional_small()?,
                quota_mode: optional_word(fields, QuotaMode::parse)?,
            },
            state: state(fields)?,
            created_by: fields.text()?,
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a client, without secrets and metadata.
pub async fn insert(tx: &mut Tx, client: &Client) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(client);
    let (settings, ceilings) = (&client.settings, &client.ceilings);
    let (deleted_at, deleted_by) = state_columns(&client.state);
    tx.query(
        "INSERT INTO clients (id, account_id, kind, environment, name, description, scopes, api_id,
             token_lifetime_seconds, tokens_per_day, quota_mode, auth_method,
             lifetime_ceiling_seconds, quota_ceiling, quota_mode_ceiling, deleted_at,
             deleted_by, created_by, created_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21)",
    )
    .shown(client.id)
    .shown(client.account_id)
    .bind(client.kind.as_str())
    .bind(client.environment.as_str())
    .bind(settings.name.as_str())
    .bind(settings.description.as_str())
    .bind(scopes_text(&settings.scopes)?)
    .shown_option(settings.api_id)
    .bind(settings.token_lifetime_seconds.map(i64::from))
    .bind(settings.tokens_per_day.map(i64::from))
    .bind(settings.quota_mode.map(QuotaMode::as_str))
    .bind(settings.auth_method.map(ClientAuthMethod::as_str))
    .bind(ceilings.token_lifetime_seconds.map(i64::from))
    .bind(ceilings.tokens_per_day.map(i64::from))
    .bind(ceilings.quota_mode.map(QuotaMode::as_str))
    .time_option(deleted_at)
    .bind(deleted_by)
    .bind(client.created_by.as_str())
    .time(client.created_at)
    .bind(client.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed client over the version before it.
pub async fn update(tx: &mut Tx, client: &Client) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(client);
    let (settings, ceilings) = (&client.settings, &client.ceilings);
    let (deleted_at, deleted_by) = state_columns(&client.state);
    let touched = tx
        .query(
            "UPDATE clients SET name = $2, description = $3, scopes = $4, api_id = $5,
                 token_lifetime_seconds = $6, tokens_per_day = $7, quota_mode = $8,
                 auth_method = $9, lifetime_ceiling_seconds = $10, quota_ceiling = $11,
                 quota_mode_ceiling = $12, deleted_at = $13, deleted_by = $14, row_version = $15,
                 seal = $16
             WHERE id = $1 AND row_version = $15 - 1",
        )
        .shown(client.id)
        .bind(settings.name.as_str())
        .bind(settings.description.as_str())
        .bind(scopes_text(&settings.scopes)?)
        .shown_option(settings.api_id)
        .bind(settings.token_lifetime_seconds.map(i64::from))
        .bind(settings.tokens_per_day.map(i64::from))
        .bind(settings.quota_mode.map(QuotaMode::as_str))
        .bind(settings.auth_method.map(ClientAuthMethod::as_str))
        .bind(ceilings.token_lifetime_seconds.map(i64::from))
        .bind(ceilings.tokens_per_day.map(i64::from))
        .bind(ceilings.quota_mode.map(QuotaMode::as_str))
        .time_option(deleted_at)
        .bind(deleted_by)
        .bind(client.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Client::TABLE)
}

/// Takes the client's row, so that whoever else wants to change it or its secrets waits until this
/// transaction ends.
pub async fn lock(tx: &mut Tx, id: ClientId) -> Result<(), StoreError> {
    let query = tx.query("UPDATE clients SET row_version = row_version WHERE id = $1");
    query.shown(id).execute().await.map(drop)
}

/// The client, when it belongs to the account; of whichever account without one.
pub async fn get(
    conn: &mut Conn,
    account: Option<AccountId>,
    id: ClientId,
) -> Result<Option<Client>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, kind, environment, name, description, scopes, api_id,
                 token_lifetime_seconds, tokens_per_day, quota_mode, auth_method,
                 lifetime_ceiling_seconds, quota_ceiling, quota_mode_ceiling, deleted_at,
                 deleted_by, created_by, created_at, row_version, seal
             FROM clients WHERE id = $1 AND account_id = COALESCE($2, account_id)",
        )
        .shown(id)
        .shown_option(account)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Which clients of an account a page shows; what is absent is not asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClientFilter {
    /// Also those that were deleted.
    pub with_deleted: bool,
    /// Those that act like this.
    pub kind: Option<ClientKind>,
    /// Those whose tokens reach this data.
    pub environment: Option<Environment>,
}

/// A page of an account's clients, the newest first, after the one that was made at that time with
/// that id. A short page is the last one.
pub async fn page(
    conn: &mut Conn,
    account: AccountId,
    filter: ClientFilter,
    after: Option<(UnixMillis, ClientId)>,
    limit: u32,
) -> Result<Vec<Client>, StoreError> {
    let sql = "SELECT id, account_id, kind, environment, name, description, scopes, api_id,
             token_lifetime_seconds, tokens_per_day, quota_mode, auth_method,
             lifetime_ceiling_seconds, quota_ceiling, quota_mode_ceiling, deleted_at,
             deleted_by, created_by, created_at, row_version, seal
         FROM clients WHERE account_id = $1 AND ($2 = 1 OR deleted_at IS NULL)
             AND (created_at, id) < ($3, $4) AND kind = COALESCE($5, kind)
             AND environment = COALESCE($6, environment)
         ORDER BY created_at DESC, id DESC LIMIT $7";
    let after = after.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
    rows::page(
        conn,
        sql,
        after,
        limit,
        |query, (at, id)| {
            let query = query.shown(account).bind(i64::from(filter.with_deleted));
            let query = query.bind(*at).bind(id.as_str());
            let query = query.bind(filter.kind.map(ClientKind::as_str));
            query.bind(filter.environment.map(Environment::as_str))
        },
        |row| Ok((row.get(18)?, row.get(0)?)),
    )
    .await
}

/// A page of all clients, deleted ones too, in the order of their ids. Bad rows are alarmed and
/// left out. A short page is the last one.
pub async fn resident_page(
    conn: &mut Conn,
    after: Option<ClientId>,
    limit: u32,
) -> Result<Vec<Client>, StoreError> {
    let sql = "SELECT id, account_id, kind, environment, name, description, scopes, api_id,
             token_lifetime_seconds, tokens_per_day, quota_mode, auth_method,
             lifetime_ceiling_seconds, quota_ceiling, quota_mode_ceiling, deleted_at,
             deleted_by, created_by, created_at, row_version, seal
         FROM clients WHERE id > $1 ORDER BY id LIMIT $2";
    rows::page_by_id(conn, sql, after, limit).await
}

/// Those of the clients that exist and can be trusted, deleted ones too.
pub async fn by_ids(conn: &mut Conn, ids: &[ClientId]) -> Result<Vec<Client>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, account_id, kind, environment, name, description, scopes, api_id,
                 token_lifetime_seconds, tokens_per_day, quota_mode, auth_method,
                 lifetime_ceiling_seconds, quota_ceiling, quota_mode_ceiling, deleted_at,
                 deleted_by, created_by, created_at, row_version, seal
             FROM clients WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, account_id, kind, environment, name, description, scopes, api_id,
                 token_lifetime_seconds, tokens_per_day, quota_mode, auth_method,
                 lifetime_ceiling_seconds, quota_ceiling, quota_mode_ceiling, deleted_at,
                 deleted_by, created_by, created_at, row_version, seal
             FROM clients WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

fn scopes(fields: &mut Fields<'_>) -> Result<ClientScopes, StoreError> {
    let Some(text) = fields.optional_text()? else {
        return Ok(ClientScopes::All);
    };
    serde_json::from_str(&text)
        .map(ClientScopes::Named)
        .map_err(|_| fields.corrupt())
}

fn scopes_text(scopes: &ClientScopes) -> Result<Option<String>, StoreError> {
    match scopes {
        ClientScopes::All => Ok(None),
        ClientScopes::Named(names) => json_text(names).map(Some),
    }
}

fn optional_word<T>(
    fields: &mut Fields<'_>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let word = fields.optional_text()?;
    word.map(|word| parse(&word).ok_or_else(|| fields.corrupt()))
        .transpose()
}

fn state(fields: &mut Fields<'_>) -> Result<ClientState, StoreError> {
    match (fields.optional_time()?, fields.optional_text()?) {
        (None, None) => Ok(ClientState::Active),
        (Some(at), Some(by)) => Ok(ClientState::Deleted { at, by }),
        _ => Err(fields.corrupt()),
    }
}

fn state_columns(state: &ClientState) -> (Option<UnixMillis>, Option<&str>) {
    match state {
        ClientState::Active => (None, None),
        ClientState::Deleted { at, by } => (Some(*at), Some(by)),
    }
}
