//! Resource servers.

use claviger_model::apis::{Api, ApiSpec, BaseUrl, SigningAlgorithm, Unmatched};
use claviger_model::ids::ApiId;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for Api {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            spec: ApiSpec {
                name: fields.text()?,
                audience: fields.text()?,
                scopes: fields.json()?,
                routes: fields.json()?,
                accepts: fields.json()?,
                token_lifetime_seconds: fields.optional_small()?,
                signing_algorithm: fields.word(SigningAlgorithm::parse)?,
                live_url: base_url(fields)?,
                sandbox_url: base_url(fields)?,
                unmatched: fields.word(Unmatched::parse)?,
            },
            is_default: fields.flag()?,
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

fn base_url(fields: &mut Fields<'_>) -> Result<Option<BaseUrl>, StoreError> {
    let url = fields.optional_text()?.map(|text| BaseUrl::new(&text));
    url.transpose().map_err(|_| fields.corrupt())
}

/// Adds an API; an audience that is taken conflicts with `apis.audience`, a second default with
/// `apis.is_default`.
pub async fn insert(tx: &mut Tx, api: &Api) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(api);
    let spec = &api.spec;
    tx.query(
        "INSERT INTO apis (id, name, audience, scopes, routes, accepts, token_lifetime_seconds,
             signing_algorithm, live_url, sandbox_url, unmatched, is_default, created_at,
             row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .shown(api.id)
    .bind(spec.name.as_str())
    .bind(spec.audience.as_str())
    .bind(json_text(&spec.scopes)?)
    .bind(json_text(&spec.routes)?)
    .bind(json_text(&spec.accepts)?)
    .bind(spec.token_lifetime_seconds.map(i64::from))
    .bind(spec.signing_algorithm.as_str())
    .shown_option(spec.live_url.as_ref())
    .shown_option(spec.sandbox_url.as_ref())
    .bind(spec.unmatched.as_str())
    .bind(api.is_default)
    .time(api.created_at)
    .bind(api.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed API over the version before it.
pub async fn update(tx: &mut Tx, api: &Api) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(api);
    let spec = &api.spec;
    let touched = tx
        .query(
            "UPDATE apis SET name = $2, audience = $3, scopes = $4, routes = $5, accepts = $6,
                 token_lifetime_seconds = $7, signing_algorithm = $8, live_url = $9,
                 sandbox_url = $10, unmatched = $11, is_default = $12, row_version = $13,
                 seal = $14
             WHERE id = $1 AND row_version = $13 - 1",
        )
        .shown(api.id)
        .bind(spec.name.as_str())
        .bind(spec.audience.as_str())
        .bind(json_text(&spec.scopes)?)
        .bind(json_text(&spec.routes)?)
        .bind(json_text(&spec.accepts)?)
        .bind(spec.token_lifetime_seconds.map(i64::from))
        .bind(spec.signing_algorithm.as_str())
        .shown_option(spec.live_url.as_ref())
        .shown_option(spec.sandbox_url.as_ref())
        .bind(spec.unmatched.as_str())
        .bind(api.is_default)
        .bind(api.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Api::TABLE)
}

/// Removes an API; whether it was there.
pub async fn delete(tx: &mut Tx, id: ApiId) -> Result<bool, StoreError> {
    let query = tx.query("DELETE FROM apis WHERE id = $1");
    Ok(query.shown(id).execute().await? == 1)
}

/// The API.
pub async fn get(conn: &mut Conn, id: ApiId) -> Result<Option<Api>, StoreError> {
    let row = conn
        .query(
            "SELECT id, name, audience, scopes, routes, accepts, token_lifetime_seconds,
                 signing_algorithm, live_url, sandbox_url, unmatched, is_default, created_at,
                 row_version, seal
             FROM apis WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The API whose tokens carry this `aud`.
pub async fn get_by_audience(conn: &mut Conn, audience: &str) -> Result<Option<Api>, StoreError> {
    let row = conn
        .query(
            "SELECT id, name, audience, scopes, routes, accepts, token_lifetime_seconds,
                 signing_algorithm, live_url, sandbox_url, unmatched, is_default, created_at,
                 row_version, seal
             FROM apis WHERE audience = $1",
        )
        .bind(audience)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Every API, the oldest first.
pub async fn list(conn: &mut Conn) -> Result<Vec<Api>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, name, audience, scopes, routes, accepts, token_lifetime_seconds,
                 signing_algorithm, live_url, sandbox_url, unmatched, is_default, created_at,
                 row_version, seal
             FROM apis ORDER BY created_at, id",
        )
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// How many there are.
pub async fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    conn.query("SELECT COUNT(*) FROM apis")
        .fetch_one()
        .await?
        .get(0)
}
