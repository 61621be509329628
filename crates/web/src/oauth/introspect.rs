//! `POST /oauth/introspect` (RFC 7662).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::Environment;
use claviger_model::ids::{AccountId, ClientId, TokenId};
use claviger_model::tokens::{Audience, Confirmation, TokenGrant};
use claviger_service::oauth::{self, AccessToken, Introspection, RefreshTokenFacts};
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
    /// A JWT that the client signed with its key, instead of a secret (RFC 7523 section 2.2).
    pub client_assertion: Option<String>,
    /// With `client_assertion`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    pub client_assertion_type: Option<String>,
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
#[serde(untagged)]
enum Facts<'a> {
    Access(AccessFacts<'a>),
    Refresh(RefreshFacts<'a>),
}

/// What a live refresh token says. Only its own client is told.
#[derive(Serialize, ToSchema)]
struct RefreshFacts<'a> {
    /// What the access tokens that come of it may do.
    scope: String,
    /// The client that it was issued to.
    client_id: &'a str,
    /// When it ends, in seconds since 1970.
    exp: i64,
    /// When it was issued, in seconds since 1970.
    iat: i64,
    /// The user.
    sub: String,
    /// The issuer.
    iss: &'a str,
    /// Always `refresh_token`.
    token_type: &'static str,
}

/// What a live access token says.
#[derive(Serialize, ToSchema)]
struct AccessFacts<'a> {
    /// What it may do now: its scopes as far as its client and its user still hold them.
    scope: String,
    /// Whether it stands for all that its client may do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    all_scopes: bool,
    /// The client that it was issued to.
    client_id: &'a str,
    /// `Bearer`, or `DPoP` when it is bound to a key of its client.
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
    /// The key that it is bound to (RFC 9449 section 6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    cnf: Option<&'a Confirmation>,
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
    let found = oauth::introspect(web.app(), &client, token).await?;
    let body = IntrospectionResponse {
        active: found.is_some(),
        facts: found.as_ref().map(|found| facts(&web, found)),
    };
    let mut response = axum::Json(body).into_response();
    not_stored(response.headers_mut());
    Ok(response)
}

fn facts<'a>(web: &'a Web, found: &'a Introspection) -> Facts<'a> {
    match found {
        Introspection::Access(token) => Facts::Access(access(token)),
        Introspection::Refresh(token) => {
            Facts::Refresh(refresh(token, &web.app().settings().public_url))
        }
    }
}

fn refresh<'a>(token: &'a RefreshTokenFacts, issuer: &'a str) -> RefreshFacts<'a> {
    RefreshFacts {
        scope: token.scopes.join(" "),
        client_id: &token.client_id,
        exp: token.expires_at.0.div_euclid(1_000),
        iat: token.created_at.0.div_euclid(1_000),
        sub: token.user_id.to_string(),
        iss: issuer,
        token_type: "refresh_token",
    }
}

fn access(found: &AccessToken) -> AccessFacts<'_> {
    let claims = found.claims();
    AccessFacts {
        scope: found.scopes.join(" "),
        all_scopes: claims.all_scopes,
        client_id: &claims.client_id,
        token_type: if claims.cnf.is_some() {
            "DPoP"
        } else {
            "Bearer"
        },
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
        cnf: claims.cnf.as_ref(),
    }
}
