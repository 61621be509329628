//! API keys and their secrets.

mod count;
mod find;
mod load;

pub use count::{KeyCounts, active_ids, counts};
pub use find::find;
pub use load::{by_ids, parts, resident_page, resident_range, secrets_of};

use claviger_model::credentials::KeySecret;
use claviger_model::ids::{AccountId, KeyId};
use claviger_model::keys::{ApiKey, KeySettings, KeyState};
use claviger_model::limits::RateLimit;
use claviger_model::seal::Sealed as _;
use claviger_model::{Environment, UnixMillis};

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{self, Fields, Stored, json_text, one_row, open_one};

/// Which keys of an account a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeyFilter {
    /// Those of one environment, or of both.
    pub environment: Option<Environment>,
    /// Those of which status.
    pub statuses: KeyStatuses,
}

/// Which statuses a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum KeyStatuses {
    /// Every one.
    #[default]
    All,
    /// What works at this moment: neither inactive, revoked nor expired.
    ActiveAt(UnixMillis),
    /// What works at the first moment and not at the second any more.
    ActiveBetween(UnixMillis, UnixMillis),
    /// What is past its expiry at this moment.
    ExpiredAt(UnixMillis),
    /// What is switched off.
    Inactive,
    /// What was revoked.
    Revoked,
}

impl KeyStatuses {
    /// The state, and after and until when the key ends; a key that never does ends last of all.
    fn columns(self) -> (Option<&'static str>, i64, i64) {
        match self {
            Self::All => (None, i64::MIN, i64::MAX),
            Self::ActiveAt(now) => (Some("active"), now.0, i64::MAX),
            Self::ActiveBetween(now, then) => (Some("active"), now.0, then.0),
            Self::ExpiredAt(now) => (Some("active"), i64::MIN, now.0),
            Self::Inactive => (Some("inactive"), i64::MIN, i64::MAX),
            Self::Revoked => (Some("revoked"), i64::MIN, i64::MAX),
        }
    }
}

impl Stored for ApiKey {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            account_id: fields.parsed()?,
            environment: fields.word(Environment::parse)?,
            settings: KeySettings {
                name: fields.text()?,
                description: fields.text()?,
                scopes: fields.json()?,
                expires_at: fields.optional_time()?,
                allowed_ips: networks(fields)?,
                rate_limit: rate_limit(fields)?,
            },
            rate_ceiling: rate_limit(fields)?,
            state: state(fields)?,
            created_by: fields.text()?,
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

impl Stored for KeySecret {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            key_id: fields.parsed()?,
            stored: fields.stored_secret()?,
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// The statements that add a key and its secret, whose parameters are counted on from the key's.
macro_rules! insert_key {
    () => {
        "INSERT INTO keys (id, account_id, environment, name, description, scopes, expires_at,
             allowed_ips, rate_limit, rate_window_seconds, rate_ceiling,
             rate_ceiling_window_seconds, state, state_at, revoked_by, created_by, created_at,
             row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19)"
    };
}
macro_rules! insert_secret {
    () => {
        "INSERT INTO key_secrets
             (id, key_id, lookup, hash, pepper_version, hint, created_at, row_version, seal)
         VALUES ($20, $1, $21, $22, $23, $24, $25, $26, $27)"
    };
}

/// Adds a key with its secret, in one go: this is what is created most.
pub async fn insert(tx: &mut Tx, key: &ApiKey, secret: &KeySecret) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(key);
    let secret_seal = tx.keyring().seal(secret);
    let settings = &key.settings;
    let (state, state_at, revoked_by) = state_columns(&key.state);
    tx.query2(
        concat!(insert_key!(), "; ", insert_secret!()),
        // The statement outside comes first; references are checked at the end of all of it.
        concat!("WITH secret AS (", insert_secret!(), ") ", insert_key!()),
    )
    .shown(key.id)
    .shown(key.account_id)
    .bind(key.environment.as_str())
    .bind(settings.name.as_str())
    .bind(settings.description.as_str())
    .bind(json_text(&settings.scopes)?)
    .time_option(settings.expires_at)
    .bind(networks_text(settings)?)
    .bind(settings.rate_limit.map(limit_column))
    .bind(settings.rate_limit.map(window_column))
    .bind(key.rate_ceiling.map(limit_column))
    .bind(key.rate_ceiling.map(window_column))
    .bind(state)
    .time_option(state_at)
    .bind(revoked_by)
    .bind(key.created_by.as_str())
    .time(key.created_at)
    .bind(key.version)
    .bind(seal)
    .shown(secret.id)
    .bind(secret.stored.lookup.to_text())
    .bind(secret.stored.hash.as_slice())
    .bind(i64::from(secret.stored.pepper_version))
    .bind(secret.stored.hint.as_str())
    .time(secret.created_at)
    .bind(secret.version)
    .bind(secret_seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed key over the version before it.
pub async fn update(tx: &mut Tx, key: &ApiKey) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(key);
    let settings = &key.settings;
    let (state, state_at, revoked_by) = state_columns(&key.state);
    let touched = tx
        .query(
            "UPDATE keys SET name = $2, description = $3, scopes = $4, expires_at = $5,
                 allowed_ips = $6, rate_limit = $7, rate_window_seconds = $8, rate_ceiling = $9,
                 rate_ceiling_window_seconds = $10, state = $11, state_at = $12, revoked_by = $13,
                 row_version = $14, seal = $15
             WHERE id = $1 AND row_version = $14 - 1",
        )
        .shown(key.id)
        .bind(settings.name.as_str())
        .bind(settings.description.as_str())
        .bind(json_text(&settings.scopes)?)
        .time_option(settings.expires_at)
        .bind(networks_text(settings)?)
        .bind(settings.rate_limit.map(limit_column))
        .bind(settings.rate_limit.map(window_column))
        .bind(key.rate_ceiling.map(limit_column))
        .bind(key.rate_ceiling.map(window_column))
        .bind(state)
        .time_option(state_at)
        .bind(revoked_by)
        .bind(key.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, ApiKey::TABLE)
}

/// Writes a secret that took the place of a placeholder over the version before it.
/// `key_secrets.lookup` conflicts where the same text is another key already.
pub async fn update_secret(tx: &mut Tx, secret: &KeySecret) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(secret);
    let touched = tx
        .query(
            "UPDATE key_secrets SET lookup = $2, hash = $3, pepper_version = $4, hint = $5,
                 row_version = $6, seal = $7
             WHERE id = $1 AND row_version = $6 - 1",
        )
        .shown(secret.id)
        .bind(secret.stored.lookup.to_text())
        .bind(secret.stored.hash.as_slice())
        .bind(i64::from(secret.stored.pepper_version))
        .bind(secret.stored.hint.as_str())
        .bind(secret.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, KeySecret::TABLE)
}

/// Takes the key's row, so that whoever else wants to change it waits until this transaction ends.
pub async fn lock(tx: &mut Tx, id: KeyId) -> Result<(), StoreError> {
    let query = tx.query("UPDATE keys SET row_version = row_version WHERE id = $1");
    query.shown(id).execute().await.map(drop)
}

/// The key, when it belongs to the account; of whichever account without one.
pub async fn get(
    conn: &mut Conn,
    account: Option<AccountId>,
    id: KeyId,
) -> Result<Option<ApiKey>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, environment, name, description, scopes, expires_at,
                 allowed_ips, rate_limit, rate_window_seconds, rate_ceiling,
                 rate_ceiling_window_seconds, state, state_at, revoked_by, created_by, created_at,
                 row_version, seal
             FROM keys WHERE id = $1 AND account_id = COALESCE($2, account_id)",
        )
        .shown(id)
        .shown_option(account)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The secrets of a key, the oldest first.
pub async fn secrets(conn: &mut Conn, key: KeyId) -> Result<Vec<KeySecret>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, key_id, lookup, hash, pepper_version, hint, created_at, row_version, seal
             FROM key_secrets WHERE key_id = $1 ORDER BY id",
        )
        .shown(key)
        .fetch_all()
        .await?;
    Ok(rows::open_good(conn, &rows))
}

/// A page of an account's keys, the newest first, after the one that was made at that time with
/// that id. A short page is the last one.
pub async fn page(
    conn: &mut Conn,
    account: AccountId,
    filter: &KeyFilter,
    after: Option<(UnixMillis, KeyId)>,
    limit: u32,
) -> Result<Vec<ApiKey>, StoreError> {
    let sql = "SELECT id, account_id, environment, name, description, scopes, expires_at,
             allowed_ips, rate_limit, rate_window_seconds, rate_ceiling,
             rate_ceiling_window_seconds, state, state_at, revoked_by, created_by, created_at,
             row_version, seal
         FROM keys WHERE account_id = $1 AND environment = COALESCE($2, environment)
             AND state = COALESCE($3, state)
             AND COALESCE(expires_at, 9223372036854775807) > $4
             AND COALESCE(expires_at, 9223372036854775807) <= $5
             AND (created_at, id) < ($6, $7)
         ORDER BY created_at DESC, id DESC LIMIT $8";
    let environment = filter.environment.map(Environment::as_str);
    let (state, ends_after, ends_by) = filter.statuses.columns();
    let after = after.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
    rows::page(
        conn,
        sql,
        after,
        limit,
        |query, (at, id)| {
            let query = query.shown(account).bind(environment).bind(state);
            let query = query.bind(ends_after).bind(ends_by);
            query.bind(*at).bind(id.as_str())
        },
        |row| Ok((row.get(16)?, row.get(0)?)),
    )
    .await
}

fn networks<T: std::str::FromStr>(fields: &mut Fields<'_>) -> Result<Vec<T>, StoreError> {
    let texts: Vec<String> = fields.json()?;
    let networks: Result<Vec<T>, T::Err> = texts.iter().map(|text| text.parse()).collect();
    networks.map_err(|_| fields.corrupt())
}

fn networks_text(settings: &KeySettings) -> Result<String, StoreError> {
    let texts: Vec<String> = settings
        .allowed_ips
        .iter()
        .map(ToString::to_string)
        .collect();
    json_text(&texts)
}

fn rate_limit(fields: &mut Fields<'_>) -> Result<Option<RateLimit>, StoreError> {
    match (fields.optional_small()?, fields.optional_small()?) {
        (Some(limit), Some(window_seconds)) => Ok(Some(RateLimit {
            limit,
            window_seconds,
        })),
        (None, None) => Ok(None),
        _ => Err(fields.corrupt()),
    }
}

fn limit_column(rate: RateLimit) -> i64 {
    rate.limit.into()
}

fn window_column(rate: RateLimit) -> i64 {
    rate.window_seconds.into()
}

fn state(fields: &mut Fields<'_>) -> Result<KeyState, StoreError> {
    let word = fields.text()?;
    let at = fields.optional_time()?;
    let by = fields.optional_text()?;
    match (word.as_str(), at, by) {
        ("active", None, None) => Ok(KeyState::Active),
        ("inactive", Some(at), None) => Ok(KeyState::Inactive { at }),
        ("revoked", Some(at), Some(by)) => Ok(KeyState::Revoked { at, by }),
        _ => Err(fields.corrupt()),
    }
}

fn state_columns(state: &KeyState) -> (&'static str, Option<UnixMillis>, Option<&str>) {
    match state {
        KeyState::Active => ("active", None, None),
        KeyState::Inactive { at } => ("inactive", Some(*at), None),
        KeyState::Revoked { at, by } => ("revoked", Some(*at), Some(by)),
    }
}
