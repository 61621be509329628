//! `POST /oauth/token` and `POST /connect/token`: an id and a secret become a token.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::secret::Plaintext;
use claviger_service::oauth::{
    self, ErrorCode, GrantRequest, GrantType, IssuedToken, TokenRequest,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ClientRequest, quota};
use crate::error::OAuthFailure;
use crate::error::oauth::{OAuthError, add_proof_nonce, not_stored};
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
    /// A JWT that the client signed with its key, instead of a secret (RFC 7523 section 2.2).
    pub client_assertion: Option<String>,
    /// With `client_assertion`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    pub client_assertion_type: Option<String>,
    /// What the token is for: an API's audience or base URL, or the issuer. Absent: every API on
    /// which the client holds scopes.
    #[schema(example = "https://api.acme.test")]
    pub audience: Option<String>,
    /// The same by RFC 8707; a form may repeat it.
    pub resource: Option<String>,
    /// The scopes, with a space between. Absent: all that the client holds for the audience, or all
    /// that the user allowed.
    #[schema(example = "read:leads write:leads")]
    pub scope: Option<String>,
    /// With `authorization_code`: the code.
    pub code: Option<String>,
    /// With `authorization_code`: where the code was sent, as the authorization request named it.
    #[schema(example = "https://app.example/callback")]
    pub redirect_uri: Option<String>,
    /// With `authorization_code`: what `code_challenge` was made from.
    pub code_verifier: Option<String>,
    /// With `refresh_token`: the refresh token.
    pub refresh_token: Option<String>,
    /// With `urn:ietf:params:oauth:grant-type:device_code`: the device code (RFC 8628).
    pub device_code: Option<String>,
}

/// A token (RFC 6749 section 5.1).
#[derive(Serialize, ToSchema)]
pub struct TokenResponse<'a> {
    /// The JWT, to be sent as `Authorization: Bearer`.
    access_token: &'a str,
    /// `Bearer`, or `DPoP` when it is bound to a key of the client.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// How long it lives, in seconds.
    #[schema(example = 3600)]
    expires_in: u32,
    /// What gives the next token, once, when this one acts for a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    /// Its scopes, with a space between; empty when it stands for all of them.
    #[schema(example = "read:leads write:leads")]
    scope: &'a str,
}

/// Get an access token
///
/// Takes a form, and JSON with the same members. The client authenticates by
/// `Authorization: Basic`, by `client_id` and `client_secret` in the body, or by a JWT that it
/// signed, `client_assertion`; a public client sends its `client_id` alone.
#[utoipa::path(post, path = "/oauth/token", operation_id = "token", tag = "oauth",
    security((), ("client" = [])), params(("DPoP" = Option<String>, Header,
        description = "A proof that the client holds the key that the token is to be bound to (RFC 9449)")),
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
    let grant_type = grant_type(&web, &request)?;
    let client = request.client(&web).await?;
    let parameters = &request.parameters;
    let grant = grant(grant_type, &request)?;
    let key = request.key(&web, &client).await?;
    let asked = TokenRequest {
        grant,
        audience: parameters.get("audience"),
        resources: parameters.all("resource").collect(),
        scope: parameters.get("scope"),
        jkt: key.as_deref(),
    };
    let issued = oauth::issue(web.app(), &client, &asked).await?;
    Ok(answer(&issued, oauth::proof_nonce(web.app()).as_deref()))
}

/// Get an access token
///
/// The same as `/oauth/token`.
#[utoipa::path(post, path = "/connect/token", operation_id = "connect_token", tag = "oauth",
    security((), ("client" = [])), params(("DPoP" = Option<String>, Header,
        description = "A proof that the client holds the key that the token is to be bound to (RFC 9449)")),
    request_body(content(
        (TokenParameters = "application/x-www-form-urlencoded"),
        (TokenParameters = "application/json"))),
    responses((status = 200, description = "The token", body = TokenResponse<'static>),
        (status = "4XX", description = "Refused", body = OAuthError),
        (status = 503, description = "Not now; see Retry-After", body = OAuthError)))]
pub async fn connect(web: State<Web>, request: ClientRequest) -> Result<Response, OAuthFailure> {
    issue(web, request).await
}

fn grant_type(web: &Web, request: &ClientRequest) -> Result<GrantType, OAuthFailure> {
    let word = request.required("grant_type")?;
    let supported = || oauth::grant_types(&web.app().settings().oauth);
    supported()
        .find(|grant| grant.as_str() == word)
        .ok_or_else(|| {
            let known: Vec<&str> = supported().map(GrantType::as_str).collect();
            let told = format!(
                "This grant_type is not supported. Send {}.",
                known.join(" or ")
            );
            OAuthFailure::because(ErrorCode::UnsupportedGrantType, told)
        })
}

/// What the client brings.
fn grant(grant_type: GrantType, request: &ClientRequest) -> Result<GrantRequest<'_>, OAuthFailure> {
    Ok(match grant_type {
        GrantType::ClientCredentials => GrantRequest::ClientCredentials,
        GrantType::AuthorizationCode => GrantRequest::AuthorizationCode {
            code: request.required("code")?,
            redirect_uri: request.parameters.get("redirect_uri"),
            verifier: request.parameters.get("code_verifier"),
        },
        GrantType::RefreshToken => GrantRequest::RefreshToken {
            token: request.required("refresh_token")?,
        },
        GrantType::DeviceCode => GrantRequest::DeviceCode {
            device_code: request.required("device_code")?,
        },
    })
}

fn answer(token: &IssuedToken, proof_nonce: Option<&str>) -> Response {
    let body = TokenResponse {
        access_token: &token.access_token,
        token_type: token.token_type,
        expires_in: token.expires_in,
        refresh_token: token.refresh_token.as_ref().map(Plaintext::expose),
        scope: &token.scope,
    };
    let mut response = axum::Json(body).into_response();
    not_stored(response.headers_mut());
    add_proof_nonce(response.headers_mut(), proof_nonce);
    if let Some(state) = &token.quota {
        quota::add_headers(response.headers_mut(), state);
    }
    response
}
