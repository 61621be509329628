//! `/oauth/register`: apps that register themselves (RFC 7591) and manage that (RFC 7592).

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use claviger_model::clients::{ClientAuthMethod, ClientKeys, ClientKind, GrantType};
use claviger_model::secret::Plaintext;
use claviger_service::oauth::registration::{self, Registered};
use claviger_service::oauth::{ErrorCode, Source};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::device::switched_off;
use crate::api::ShownOnce;
use crate::error::oauth::{OAuthError, not_stored};
use crate::error::{Failure, OAuthFailure};
use crate::extract::bearer::credential;
use crate::extract::{Json, Origin};
use crate::state::Web;

const CODE: [&str; 1] = ["code"];

/// What an app says of itself (RFC 7591 section 2). Members that are not here are ignored.
#[derive(ToSchema)]
#[schema(as = ClientRegistration)]
pub struct RegistrationParameters {
    /// Where browsers may be sent with a code.
    #[schema(example = json!(["https://app.example.com/callback"]))]
    pub redirect_uris: Vec<String>,
    /// What people call it.
    #[schema(example = "Calendar")]
    pub client_name: Option<String>,
    /// `authorization_code` when absent; what is not had here is left out of the answer.
    pub grant_types: Option<Vec<String>>,
    /// `code`.
    pub response_types: Option<Vec<String>>,
    /// `client_secret_basic` when absent; `none` for an app that can keep no secret.
    #[schema(example = "none")]
    pub token_endpoint_auth_method: Option<String>,
    /// Its home page.
    pub client_uri: Option<String>,
    /// Its logo.
    pub logo_uri: Option<String>,
    /// What it does with data.
    pub policy_uri: Option<String>,
    /// Its terms.
    pub tos_uri: Option<String>,
    /// For `private_key_jwt`: the public keys.
    #[schema(value_type = Option<Object>)]
    pub jwks: Option<Value>,
    /// For `private_key_jwt`: where they are.
    pub jwks_uri: Option<String>,
    /// Whether its tokens have to be bound to a key.
    pub dpop_bound_access_tokens: Option<bool>,
    /// Whether its authorization requests have to be pushed.
    pub require_pushed_authorization_requests: Option<bool>,
}

/// A registered app (RFC 7591 section 3.2.1, RFC 7592 section 3).
#[derive(Serialize, ToSchema)]
pub struct RegistrationAnswer {
    /// What it calls itself from now on.
    #[schema(example = "cli_01jnwz3c8k0000000000000000")]
    client_id: String,
    /// When it was registered, in Unix seconds.
    client_id_issued_at: i64,
    /// Its secret; only in the answer that registers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    client_secret: Option<ShownOnce>,
    /// 0: the secret does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    /// What manages the registration.
    #[schema(value_type = String, example = "crr_…")]
    registration_access_token: ShownOnce,
    /// Where it is managed.
    registration_client_uri: String,
    redirect_uris: Vec<String>,
    client_name: String,
    grant_types: Vec<&'static str>,
    response_types: [&'static str; 1],
    token_endpoint_auth_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    dpop_bound_access_tokens: bool,
    require_pushed_authorization_requests: bool,
}

/// Register an app
///
/// The app acts for users who allow it to; they are told that nobody has verified what it says.
/// Secret and registration access token are in this answer and never again.
#[utoipa::path(post, path = "/oauth/register", operation_id = "register_client", tag = "oauth",
    security((), ("initial" = [])), request_body = RegistrationParameters,
    responses((status = 201, description = "Registered", body = RegistrationAnswer),
        (status = 400, description = "Refused", body = OAuthError),
        (status = 401, description = "An initial access token is needed", body = OAuthError),
        (status = 404, description = "Registration is switched off", body = OAuthError),
        (status = 429, description = "Too many were registered", body = OAuthError),
        (status = 503, description = "Not now; see Retry-After", body = OAuthError)))]
pub async fn register(
    State(web): State<Web>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Json<Map<String, Value>>, Failure>,
) -> Result<Response, OAuthFailure> {
    check_switch(&web)?;
    if let Some(initial) = &web.options().registration_token {
        let sent = token(&headers)?;
        let is_same: bool =
            subtle::ConstantTimeEq::ct_eq(sent.as_bytes(), initial.as_bytes()).into();
        if !is_same {
            let told = "This is not the initial access token of this instance.";
            return Err(OAuthFailure::because(ErrorCode::InvalidToken, told));
        }
    }
    let members = members(body)?;
    let registered = registration::register(web.app(), &members, &source(origin)).await?;
    let token = registered.access_token.clone();
    let token = token.ok_or_else(|| OAuthFailure::because(ErrorCode::ServerError, ""))?;
    Ok(answer(&web, StatusCode::CREATED, registered, token))
}

/// Show a registration
#[utoipa::path(get, path = "/oauth/register/{client_id}", operation_id = "show_registration",
    tag = "oauth", security(("registration" = [])), params(("client_id" = String, Path)),
    responses((status = 200, description = "As it is registered", body = RegistrationAnswer),
        (status = 401, description = "Another token, or no such app", body = OAuthError),
        (status = 404, description = "Registration is switched off", body = OAuthError)))]
pub async fn show(
    State(web): State<Web>,
    Path(client_id): Path<String>,
    origin: Origin,
    headers: HeaderMap,
) -> Result<Response, OAuthFailure> {
    check_switch(&web)?;
    let token = token(&headers)?;
    let source = source(origin);
    let registered = registration::show(web.app(), &client_id, &token, &source).await?;
    Ok(answer(&web, StatusCode::OK, registered, again(&token)))
}

/// Replace a registration
///
/// All of it: what is absent goes back to its default. Secret and registration access token stay.
#[utoipa::path(put, path = "/oauth/register/{client_id}", operation_id = "replace_registration",
    tag = "oauth", security(("registration" = [])), params(("client_id" = String, Path)),
    request_body = RegistrationParameters,
    responses((status = 200, description = "Replaced", body = RegistrationAnswer),
        (status = 400, description = "Refused", body = OAuthError),
        (status = 401, description = "Another token, or no such app", body = OAuthError),
        (status = 404, description = "Registration is switched off", body = OAuthError)))]
pub async fn replace(
    State(web): State<Web>,
    Path(client_id): Path<String>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Json<Map<String, Value>>, Failure>,
) -> Result<Response, OAuthFailure> {
    check_switch(&web)?;
    let token = token(&headers)?;
    let (members, source) = (members(body)?, source(origin));
    let replaced = registration::replace(web.app(), &client_id, &token, &members, &source).await?;
    Ok(answer(&web, StatusCode::OK, replaced, again(&token)))
}

/// End a registration
///
/// When this answers, no node accepts a token of the app.
#[utoipa::path(delete, path = "/oauth/register/{client_id}", operation_id = "end_registration",
    tag = "oauth", security(("registration" = [])), params(("client_id" = String, Path)),
    responses((status = 204, description = "It is over"),
        (status = 401, description = "Another token, or no such app", body = OAuthError),
        (status = 404, description = "Registration is switched off", body = OAuthError)))]
pub async fn end(
    State(web): State<Web>,
    Path(client_id): Path<String>,
    origin: Origin,
    headers: HeaderMap,
) -> Result<Response, OAuthFailure> {
    check_switch(&web)?;
    let token = token(&headers)?;
    registration::delete(web.app(), &client_id, &token, &source(origin)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    not_stored(response.headers_mut());
    Ok(response)
}

fn check_switch(web: &Web) -> Result<(), OAuthFailure> {
    if web.app().settings().oauth.dynamic_registration {
        return Ok(());
    }
    Err(switched_off())
}

/// The bearer token of the request.
fn token(headers: &HeaderMap) -> Result<Zeroizing<String>, OAuthFailure> {
    let sent = credential(headers).ok().flatten();
    sent.map(|sent| Zeroizing::new(sent.text.to_owned()))
        .ok_or_else(|| {
            let told = "A token is needed: Authorization: Bearer <token>.";
            OAuthFailure::because(ErrorCode::InvalidToken, told)
        })
}

/// The token that the caller has, for the answer, which needs it (RFC 7592 section 3).
fn again(token: &str) -> Plaintext {
    Plaintext::restore(token.to_owned())
}

fn members(
    body: Result<Json<Map<String, Value>>, Failure>,
) -> Result<Map<String, Value>, OAuthFailure> {
    match body {
        Ok(body) => Ok(body.value),
        Err(failure) if failure.status().is_server_error() => Err((&failure).into()),
        Err(failure) if failure.status() == StatusCode::PAYLOAD_TOO_LARGE => Err((&failure).into()),
        Err(_) => Err(OAuthFailure::because(
            ErrorCode::InvalidClientMetadata,
            "The body must be a JSON object, with Content-Type: application/json.",
        )),
    }
}

fn source(origin: Origin) -> Source {
    Source {
        ip: origin.ip,
        request_id: Some(origin.request_id),
        user_agent: None,
    }
}

fn answer(web: &Web, status: StatusCode, registered: Registered, token: Plaintext) -> Response {
    let (client, metadata) = (registered.client.client, registered.client.metadata);
    let issuer = &web.app().settings().public_url;
    let method = client
        .settings
        .auth_method
        .unwrap_or(ClientAuthMethod::Basic);
    let takes_secrets = client.settings.takes_secrets();
    let (jwks, jwks_uri) = match metadata.keys.clone() {
        Some(ClientKeys::Inline(set)) => (serde_json::from_str(&set).ok(), None),
        Some(ClientKeys::At(address)) => (None, Some(address)),
        None => (None, None),
    };
    let grants = metadata.grant_types(ClientKind::App).iter();
    let uris = metadata.redirect_uris.iter();
    let body = RegistrationAnswer {
        registration_client_uri: format!("{issuer}/oauth/register/{}", client.id),
        client_id: client.id.to_string(),
        client_id_issued_at: client.created_at.0.div_euclid(1_000),
        client_secret: registered.secret.map(ShownOnce),
        client_secret_expires_at: takes_secrets.then_some(0),
        registration_access_token: ShownOnce(token),
        redirect_uris: uris.map(|uri| uri.as_str().to_owned()).collect(),
        client_name: client.settings.name,
        grant_types: grants.copied().map(GrantType::as_str).collect(),
        response_types: CODE,
        token_endpoint_auth_method: method.as_str(),
        client_uri: metadata.links.client_uri,
        logo_uri: metadata.links.logo_uri,
        policy_uri: metadata.links.policy_uri,
        tos_uri: metadata.links.tos_uri,
        jwks,
        jwks_uri,
        dpop_bound_access_tokens: metadata.dpop_bound_access_tokens,
        require_pushed_authorization_requests: metadata.require_pushed_authorization_requests,
    };
    let mut response = (status, axum::Json(body)).into_response();
    not_stored(response.headers_mut());
    response
}
