//! `POST /oauth/token` and `POST /connect/token`: an id and a secret become a token.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_service::oauth::{self, ErrorCode, GrantType, IssuedToken, TokenRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ClientRequest, quota};
use crate::error::OAuthFailure;
use crate::error::oauth::{OAuthError, not_stored};
use crate::state::Web;

/// The parameters of a token request, as the strict parser reads them; for the documentation.
#[derive(ToSchema)]
#[schema(as = TokenRequest)]
pub struct TokenParameters {
    /// How the token is obtained.
    #[schema(example = "client_credentials")]
    pub grant_type: String,
    /// The client's id, unless `Authorization: Basic` carries it.
    pub client_id: Option<String>,
    /// One of the client's secrets, unless `Authorization: Basic` carries it.
    pub client_secret: Option<String>,
    /// What the token is for: an API's audience or base URL, or the issuer. Absent: every API on
    /// which the client holds scopes.
    #[schema(example = "https://api.acme.test")]
    pub audience: Option<String>,
    /// The same by RFC 8707; a form may repeat it.
    pub resource: Option<String>,
    /// The scopes, with a space between. Absent: all that the client holds for the audience.
    #[schema(example = "read:leads write:leads")]
    pub scope: Option<String>,
}

/// A token (RFC 6749 section 5.1).
#[derive(Serialize, ToSchema)]
pub struct TokenResponse<'a> {
    /// The JWT, to be sent as `Authorization: Bearer`.
    access_token: &'a str,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// How long it lives, in seconds.
    #[schema(example = 3600)]
    expires_in: u32,
    /// Its scopes, with a space between; empty when it stands for all of them.
    #[schema(example = "read:leads write:leads")]
    scope: &'a str,
}

/// Get an access token
///
/// Takes a form, and JSON with the same members. The client authenticates by
/// `Authorization: Basic` or by `client_id` and `client_secret` in the body.
#[utoipa::path(post, path = "/oauth/token", operation_id = "token", tag = "oauth",
    security((), ("client" = [])),
    request_body(content(
        (TokenParameters = "application/x-www-form-urlencoded"),
        (TokenParameters = "application/json"))),
    responses((status = 200, description = "The token", body = TokenResponse<'static>),
        (status = 400, description = "Refused", body = OAuthError),
        (status = 401, description = "The client is not who it says", body = OAuthError),
        (status = 415, description = "Neither a form nor JSON", body = OAuthError),
        (status = 429, description = "The quota of the day is used up, or too many wrong secrets",
            body = OAuthError),
        (status = 503, description = "Not now; see Retry-After", body = OAuthError)))]
pub async fn issue(
    State(web): State<Web>,
    request: ClientRequest,
) -> Result<Response, OAuthFailure> {
    let grant = grant_type(&request)?;
    let client = request.client(&web).await?;
    let parameters = &request.parameters;
    let asked = TokenRequest {
        audience: parameters.get("audience"),
        resources: parameters.all("resource").collect(),
        scope: parameters.get("scope"),
    };
    Ok(answer(
        &oauth::issue(web.app(), &client, grant, &asked).await?,
    ))
}

/// Get an access token
///
/// The same as `/oauth/token`.
#[utoipa::path(post, path = "/connect/token", operation_id = "connect_token", tag = "oauth",
    security((), ("client" = [])),
    request_body(content(
        (TokenParameters = "application/x-www-form-urlencoded"),
        (TokenParameters = "application/json"))),
    responses((status = 200, description = "The token", body = TokenResponse<'static>),
        (status = "4XX", description = "Refused", body = OAuthError),
        (status = 503, description = "Not now; see Retry-After", body = OAuthError)))]
pub async fn connect(web: State<Web>, request: ClientRequest) -> Result<Response, OAuthFailure> {
    issue(web, request).await
}

fn grant_type(request: &ClientRequest) -> Result<GrantType, OAuthFailure> {
    let word = request.required("grant_type")?;
    GrantType::parse(word).ok_or_else(|| {
        let known: Vec<&str> = GrantType::ALL.iter().map(|grant| grant.as_str()).collect();
        let told = format!(
            "This grant_type is not supported. Send {}.",
            known.join(" or ")
        );
        OAuthFailure::because(ErrorCode::UnsupportedGrantType, told)
    })
}

fn answer(token: &IssuedToken) -> Response {
    let body = TokenResponse {
        access_token: &token.access_token,
        token_type: "Bearer",
        expires_in: token.expires_in,
        scope: &token.scope,
    };
    let mut response = axum::Json(body).into_response();
    not_stored(response.headers_mut());
    if let Some(state) = &token.quota {
        quota::add_headers(response.headers_mut(), state);
    }
    response
}
