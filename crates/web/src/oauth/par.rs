//! `POST /oauth/par` (RFC 9126): an app leaves an authorization request here, ahead of its user's
//! browser.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_service::oauth::{ErrorCode, par};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::ClientRequest;
use super::device::switched_off;
use crate::error::OAuthFailure;
use crate::error::oauth::{OAuthError, not_stored};
use crate::state::Web;

/// Parameters by which a client proves who it is; they are no part of what it asks.
const OF_CLIENT: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// The parameter that binds a code to a key (RFC 9449 section 10).
const DPOP_JKT: &str = "dpop_jkt";

/// An authorization request (RFC 6749 section 4.1.1) with the client's own proof.
#[derive(ToSchema)]
#[schema(as = PushedAuthorizationRequest)]
pub struct PushedParameters {
    /// The client's id, unless `Authorization: Basic` carries it.
    pub client_id: Option<String>,
    /// One of the client's secrets, unless `Authorization: Basic` carries it or it has none.
    pub client_secret: Option<String>,
    /// A JWT that the client signed with its key, instead of a secret (RFC 7523 section 2.2).
    pub client_assertion: Option<String>,
    /// With `client_assertion`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    pub client_assertion_type: Option<String>,
    /// Always `code`.
    #[schema(example = "code")]
    pub response_type: String,
    /// Where the answer goes; registered.
    pub redirect_uri: Option<String>,
    /// The scopes, with a space between.
    #[schema(example = "read:leads")]
    pub scope: String,
    /// What goes back as it came.
    pub state: Option<String>,
    /// The SHA-256 of the code verifier in base64url.
    pub code_challenge: Option<String>,
    /// Always `S256`.
    #[schema(example = "S256")]
    pub code_challenge_method: Option<String>,
    /// What the token is for: an API's audience or base URL.
    pub audience: Option<String>,
    /// The same by RFC 8707; a form may repeat it.
    pub resource: Option<String>,
    /// What the user is to be asked: `none`, `login`, `consent`, `select_account`.
    pub prompt: Option<String>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 section 10).
    pub dpop_jkt: Option<String>,
}

/// The name of a pushed request (RFC 9126 section 2.2).
#[derive(Serialize, ToSchema)]
pub struct PushedResponse<'a> {
    /// What the browser brings to the authorization endpoint, with `client_id`.
    #[schema(example = "urn:ietf:params:oauth:request_uri:cpr_...")]
    request_uri: &'a str,
    /// How long it waits for the browser, in seconds.
    #[schema(example = 90)]
    expires_in: u32,
}

/// Push an authorization request
///
/// Takes what the authorization endpoint takes, and checks it at once. The browser is then sent to
/// `/oauth/authorize` with `client_id` and `request_uri` alone.
#[utoipa::path(post, path = "/oauth/par", operation_id = "push_authorization_request",
    tag = "oauth", security((), ("client" = [])), params(("DPoP" = Option<String>, Header,
        description = "A proof that the client holds the key that the code is to be bound to (RFC 9449)")),
    request_body(content(
        (PushedParameters = "application/x-www-form-urlencoded"),
        (PushedParameters = "application/json"))),
    responses((status = 201, description = "Its name", body = PushedResponse<'static>),
        (status = 400, description = "Refused, with the words of the authorization endpoint",
            body = OAuthError),
        (status = 401, description = "The client is not who it says", body = OAuthError),
        (status = 404, description = "Pushed requests are switched off", body = OAuthError),
        (status = 429, description = "Too many requests were begun", body = OAuthError),
        (status = 503, description = "Not now; see Retry-After", body = OAuthError)))]
pub async fn push(
    State(web): State<Web>,
    request: Result<ClientRequest, OAuthFailure>,
) -> Result<Response, OAuthFailure> {
    if !web.app().settings().oauth.pushed_authorization_requests {
        return Err(switched_off());
    }
    let request = request?;
    let client = request.client(&web).await?;
    let asked = request.parameters.pairs();
    let asked = asked.filter(|(name, _)| !OF_CLIENT.contains(name));
    let asked = asked.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut asked: Vec<(String, String)> = asked.collect();
    if let Some(key) = request.key(&web, &client).await? {
        bind(&mut asked, key)?;
    }
    let pushed = par::push(web.app(), &client, asked).await?;
    let body = PushedResponse {
        request_uri: &pushed.request_uri,
        expires_in: pushed.expires_in,
    };
    let mut response = (StatusCode::CREATED, axum::Json(body)).into_response();
    not_stored(response.headers_mut());
    Ok(response)
}

/// Binds the code of a request to the key that its client proved to hold, as `dpop_jkt` does, which
/// has to say the same where it is there (RFC 9449 section 10.1).
fn bind(asked: &mut Vec<(String, String)>, key: String) -> Result<(), OAuthFailure> {
    // An empty parameter counts as absent.
    asked.retain(|(name, value)| name != DPOP_JKT || !value.is_empty());
    let named = asked.iter().find(|(name, _)| name == DPOP_JKT);
    match named {
        None => asked.push((DPOP_JKT.to_owned(), key)),
        Some((_, named)) if *named == key => {}
        Some(_) => {
            return Err(OAuthFailure::because(
                ErrorCode::InvalidDpopProof,
                "dpop_jkt is not the thumbprint of the key that made the DPoP proof.",
            ));
        }
    }
    Ok(())
}
