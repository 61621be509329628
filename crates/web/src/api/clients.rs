//! `/v1/clients`: clients and their secrets, for people's sessions and for automation.

pub mod requests;
pub mod rotations;
pub mod scopes;
pub mod shapes;

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::{ClientId, SecretId};
use claviger_service::clients::{self, ClientWithSecrets};
use claviger_service::uses::SecretUses;
use claviger_service::{App, tokens, uses};
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};

use super::{Deleted, Nothing, Page, TimeCursor, accounts};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, Ids, IfMatch, Json, Paging, Principal, Query, etag};
use crate::state::Web;
use requests::{ClientPatch, NewClient, NewSecret};
pub use shapes::{AuthorizationFailure, Client, Secret};
use shapes::{ClientQuery, Within};

/// List clients
///
/// The account's clients that were not deleted, the newest first; secrets are never returned.
#[utoipa::path(get, path = "/v1/clients", operation_id = "list_clients",
    tag = "clients", params(ClientQuery, Paging),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = Page<Client>), (status = 401, body = Envelope),
        (status = 403, body = Envelope), (status = 422, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Principal(caller): Principal,
    Query(query): Query<ClientQuery>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<Page<Client>>, Failure> {
    let access = query.within().reading(&caller)?;
    accounts::require(&web, &caller, query.within().account()?).await?;
    let after = paging.after::<TimeCursor<ClientId>>()?;
    let filter = clients::ListFilter {
        with_deleted: query.with_deleted()?,
        kind: None,
        environment: None,
        after: after.map(|TimeCursor(at, id)| (at, id)),
        limit: paging.limit()?,
    };
    let page = clients::list(web.app(), &access, filter).await?;
    let next = page.next.map(|(at, id)| TimeCursor(at, id).to_string());
    Ok(axum::Json(Page::new(
        shown(&web, page.clients).await?,
        next,
    )))
}

/// Create a client
///
/// A machine client, which acts for its account, or an app, which acts for the users who allow it
/// to. The first secret is in this answer and never again; a public app gets none.
#[utoipa::path(post, path = "/v1/clients", operation_id = "create_client",
    tag = "clients", request_body = NewClient,
    security(("session" = []), ("management" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = Client), (status = 401, body = Envelope),
        (status = 403, body = Envelope), (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Principal(caller): Principal,
    idempotent: Idempotent,
    Json { value, bytes }: Json<NewClient>,
) -> Result<Response, Failure> {
    let access = value.within().writing(&caller)?;
    accounts::require(&web, &caller, value.within().account()?).await?;
    let replay = idempotent.key(&caller, &bytes)?;
    let input = value.input()?;
    let created = clients::create(web.app(), &access, input, replay.as_ref()).await?;
    let version = created.client.client.version;
    let mut body = made(&web, created.client).await;
    body.show_once(created.plaintext);
    let location = [(LOCATION, format!("/v1/clients/{}", body.id))];
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((
        StatusCode::CREATED,
        etag(version),
        location,
        no_store,
        axum::Json(body),
    )
        .into_response())
}

/// Show a client
#[utoipa::path(get, path = "/v1/clients/{id}", operation_id = "show_client",
    tag = "clients", params(("id" = String, Path), Within),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = Client), (status = 404, body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
) -> Result<Response, Failure> {
    let access = within.reading(&caller)?;
    let client = clients::show(web.app(), &access, id).await?;
    answer(&web, client).await
}

/// Change a client
///
/// A JSON merge patch. What it takes away is refused from the next request on, of tokens that the
/// client got before too.
#[utoipa::path(patch, path = "/v1/clients/{id}", operation_id = "edit_client",
    tag = "clients", request_body = ClientPatch,
    security(("session" = []), ("management" = [])),
    params(("id" = String, Path), Within, ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Client), (status = 404, body = Envelope),
        (status = 409, body = Envelope), (status = 412, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn edit(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
    IfMatch(version): IfMatch,
    Json { value, .. }: Json<ClientPatch>,
) -> Result<Response, Failure> {
    let access = within.writing(&caller)?;
    let client = clients::edit(web.app(), &access, id, value.input(version)).await?;
    answer(&web, client).await
}

/// Delete a client
///
/// When this answers, none of its secrets gets a token any more, and no node accepts a token that
/// one of them got.
#[utoipa::path(delete, path = "/v1/clients/{id}", operation_id = "delete_client",
    tag = "clients", params(("id" = String, Path), Within),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn delete(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = within.writing(&caller)?;
    clients::delete(web.app(), &access, id).await?;
    Ok(Deleted::done())
}

/// End all access tokens of a client
///
/// When this answers, no node accepts an access token that was issued before; its secrets get new
/// ones at once, and so do the refresh tokens of an app: those end with their grants.
#[utoipa::path(post, path = "/v1/clients/{id}/revoke-tokens",
    operation_id = "revoke_tokens_of_client", tag = "clients", request_body = Nothing,
    security(("session" = []), ("management" = [])),
    params(("id" = String, Path), Within),
    responses((status = 200, body = Deleted), (status = 403, body = Envelope),
        (status = 404, body = Envelope)))]
pub async fn revoke_tokens(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
    Json { .. }: Json<Nothing>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = within.writing(&caller)?;
    tokens::end_of_client(web.app(), &access, id).await?;
    Ok(Deleted::done())
}

/// List failed authorization requests of an app
///
/// What was wrong with the latest requests that ended on an error page instead of with the app:
/// a stranger there is told the request's id alone.
#[utoipa::path(get, path = "/v1/clients/{id}/authorization-failures",
    operation_id = "list_authorization_failures", tag = "clients",
    params(("id" = String, Path), Within),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = Page<AuthorizationFailure>),
        (status = 404, body = Envelope)))]
pub async fn authorization_failures(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
) -> Result<axum::Json<Page<AuthorizationFailure>>, Failure> {
    let access = within.reading(&caller)?;
    let found = clients::authorization_failures(web.app(), &access, id).await?;
    let shapes = found.into_iter().map(AuthorizationFailure::from).collect();
    Ok(axum::Json(Page::new(shapes, None)))
}

/// List the secrets of a client
///
/// The oldest first; expired and revoked ones too. The secrets themselves are never returned.
#[utoipa::path(get, path = "/v1/clients/{id}/secrets", operation_id = "list_client_secrets",
    tag = "clients", params(("id" = String, Path), Within),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = Page<Secret>), (status = 404, body = Envelope)))]
pub async fn list_secrets(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
) -> Result<axum::Json<Page<Secret>>, Failure> {
    let access = within.reading(&caller)?;
    let client = clients::show(web.app(), &access, id).await?;
    let body = one(&web, client).await?;
    Ok(axum::Json(Page::new(body.secrets, None)))
}

/// Add a secret to a client
///
/// The secret is in this answer and never again. The others go on working.
#[utoipa::path(post, path = "/v1/clients/{id}/secrets", operation_id = "add_client_secret",
    tag = "clients", request_body = NewSecret,
    security(("session" = []), ("management" = [])),
    params(("id" = String, Path), Within,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = Secret), (status = 404, body = Envelope),
        (status = 409, body = Envelope), (status = 422, body = Envelope)))]
pub async fn add_secret(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
    idempotent: Idempotent,
    Json { value, bytes }: Json<NewSecret>,
) -> Result<Response, Failure> {
    let access = within.writing(&caller)?;
    let replay = idempotent.key(&caller, &bytes)?;
    let input = value.into();
    let added = clients::add_secret(web.app(), &access, id, &input, replay.as_ref()).await?;
    let uses = uses::of_made(web.app(), &[added.secret.id]).await;
    let mut body = Secret::of(added.secret, &uses, web.app().sources().now());
    body.show_once(added.plaintext);
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_store, axum::Json(body)).into_response())
}

/// Revoke a secret of a client
///
/// When this answers, it gets no token any more, and no node accepts a token that it got. The
/// client's other secrets go on working.
#[utoipa::path(delete, path = "/v1/clients/{id}/secrets/{secret_id}",
    operation_id = "revoke_client_secret", tag = "clients",
    security(("session" = []), ("management" = [])),
    params(("id" = String, Path), ("secret_id" = String, Path), Within),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn revoke_secret(
    State(web): State<Web>,
    Principal(caller): Principal,
    Ids(id, secret_id): Ids<ClientId, SecretId>,
    Query(within): Query<Within>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = within.writing(&caller)?;
    clients::revoke_secret(web.app(), &access, id, secret_id).await?;
    Ok(Deleted::done())
}

async fn answer(web: &Web, client: ClientWithSecrets) -> Result<Response, Failure> {
    let version = client.client.version;
    let body = one(web, client).await?;
    Ok((etag(version), axum::Json(body)).into_response())
}

async fn one(web: &Web, client: ClientWithSecrets) -> Result<Client, Failure> {
    let mut shapes = shown(web, vec![client]).await?;
    shapes
        .pop()
        .ok_or_else(|| Failure::new(claviger_model::Reason::Internal))
}

/// Clients as they are shown, with what became of their secrets.
pub(crate) async fn shown(
    web: &Web,
    found: Vec<ClientWithSecrets>,
) -> Result<Vec<Client>, Failure> {
    let app = web.app();
    let secrets = found.iter().flat_map(|client| &client.secrets);
    let ids: Vec<SecretId> = secrets.map(|secret| secret.id).collect();
    let uses = uses::of(app, &ids).await?;
    let ids: Vec<ClientId> = found.iter().map(|found| found.client.id).collect();
    let today = tokens::used_today(app, &ids).await?;
    let shape = |client: ClientWithSecrets| {
        let got = today.get(&client.client.id).copied().unwrap_or_default();
        shape(app, client, &uses, got)
    };
    Ok(found.into_iter().map(shape).collect())
}

/// The shape of a client that was made: nothing that cannot be read now keeps its secret from being
/// shown.
async fn made(web: &Web, client: ClientWithSecrets) -> Client {
    let app = web.app();
    let ids: Vec<SecretId> = client.secrets.iter().map(|secret| secret.id).collect();
    let uses = uses::of_made(app, &ids).await;
    let today = tokens::used_today(app, &[client.client.id]).await;
    let got = today
        .ok()
        .and_then(|today| today.get(&client.client.id).copied());
    shape(app, client, &uses, got.unwrap_or_default())
}

/// The shape of a client that got so many tokens today.
fn shape(
    app: &App,
    client: ClientWithSecrets,
    uses: &HashMap<SecretId, SecretUses>,
    got: i64,
) -> Client {
    let now = app.sources().now();
    let quota = tokens::quota_facts(app, &client.client, got, now);
    let audience = clients::audience_of(app, &client.client);
    let verdicts = clients::rotations::verdicts(app, &client, uses, now);
    Client::of(client, audience, uses, &verdicts, now).with_quota(quota)
}
