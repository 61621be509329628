//! `POST /oauth/introspect` (RFC 7662).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::Environment;
use claviger_model::ids::{AccountId, ClientId, TokenId};
use claviger_model::tokens::{Audience, TokenGrant};
use claviger_service::oauth::{self, Introspection};
use serde::Serialize;
use utoipa::ToSchema;

use super::ClientRequest;
use crate::error::OAuthFailure;
use crate::error::oauth::{OAuthError, not_stored};
use crate::state::Web;

/// A token that somebody asks about, or gives back.
#[derive(ToSchema)]
#[schema(as = TokenReference)]
pub struct TokenParameter {
    /// The token.
    pub token: String,
    /// What it may be; any word, as everything is looked for anyway.
    pub token_type_hint: Option<String>,
    /// The client's id, unless `Authorization: Basic` carries it.
    pub client_id: Option<String>,
    /// One of the client's secrets, unless `Authorization: Basic` carries it.
    pub client_secret: Option<String>,
}

/// What a token is worth. Of a token that is not live, or not the client's business, nothing but
/// `active` is told.
#[derive(Serialize, ToSchema)]
pub struct IntrospectionResponse<'a> {
    /// Whether it is live.
    active: bool,
    #[serde(flatten)]
    facts: Option<Facts<'a>>,
}

/// What a live token says.
#[derive(Serialize, ToSchema)]
struct Facts<'a> {
    /// What it may do now: its scopes as far as its client still holds them.
    scope: String,
    /// Whether it stands for all that its client may do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    all_scopes: bool,
    /// The client that it was issued to.
    client_id: &'a str,
    /// Always `Bearer`.
    token_type: &'static str,
    /// When it ends, in seconds since 1970.
    exp: i64,
    /// When it was issued, in seconds since 1970.
    iat: i64,
    /// For whom it acts.
    sub: &'a str,
    /// For which APIs: one audience, or an array of several.
    #[schema(value_type = Object)]
    aud: &'a Audience,
    /// The issuer.
    iss: &'a str,
    /// Its id.
    #[schema(value_type = String)]
    jti: TokenId,
    /// The client that it was issued to, once more.
    #[schema(value_type = String)]
    azp: ClientId,
    /// How it was obtained.
    #[schema(value_type = String)]
    gty: TokenGrant,
    /// `live` or `test`.
    #[schema(value_type = String)]
    env: Environment,
    /// The account.
    #[schema(value_type = String)]
    account: AccountId,
}

/// Ask what a token is worth
///
/// For the client that the token was issued to, and for clients of the same account that hold
/// scopes on an API that it is for. Everybody else gets `{"active":false}`.
#[utoipa::path(post, path = "/oauth/introspect", operation_id = "introspect", tag = "oauth",
    security((), ("client" = [])),
    request_body(content(
        (TokenParameter = "application/x-www-form-urlencoded"),
        (TokenParameter = "application/json"))),
    responses(
        (status = 200, description = "What it is worth", body = IntrospectionResponse<'static>),
        (status = 400, description = "Refused", body = OAuthError),
        (status = 401, description = "The client is not who it says", body = OAuthError),
        (status = 503, description = "Not now; see Retry-After", body = OAuthError)))]
pub async fn introspect(
    State(web): State<Web>,
    request: ClientRequest,
) -> Result<Response, OAuthFailure> {
    let client = request.client(&web).await?;
    let token = request.required("token")?;
    let found = oauth::introspect(web.app(), &client, token)?;
    let body = IntrospectionResponse {
        active: found.is_some(),
        facts: found.as_ref().map(facts),
    };
    let mut response = axum::Json(body).into_response();
    not_stored(response.headers_mut());
    Ok(response)
}

fn facts(found: &Introspection) -> Facts<'_> {
    let claims = found.claims();
    Facts {
        scope: found.scopes.join(" "),
        all_scopes: claims.all_scopes,
        client_id: &claims.client_id,
        token_type: "Bearer",
        exp: claims.exp,
        iat: claims.iat,
        sub: &claims.sub,
        aud: &claims.aud,
        iss: &claims.iss,
        jti: claims.jti,
        azp: claims.azp,
        gty: claims.gty,
        env: claims.env,
        account: claims.account,
    }
}
