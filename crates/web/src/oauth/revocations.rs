//! `/.well-known/claviger-revocations`: what ended tokens before their time, signed, for those who
//! verify them with the JWKS alone.

use axum::extract::State;
use axum::response::Response;
use claviger_service::tokens::{FEED_MAX_AGE_SECONDS, feed};
use http::HeaderMap;

use super::kept::Kept;
use crate::error::Failure;
use crate::state::Web;

/// Show what ended access tokens early
///
/// A JWT of type `revocations+jwt`, signed by a key of the JWKS. Its claims: `revoked` (`jti` and
/// `exp` of tokens), `not_before` (by client or account: tokens with a lower `epoch` are dead),
/// `clients`, `secrets`, `accounts` and `keys` (whose tokens are all dead), `epoch`, `iss`, `iat`
/// and `exp`, after which the list is too old to be relied on.
#[utoipa::path(get, path = "/.well-known/claviger-revocations", operation_id = "revocations",
    tag = "oauth",
    params(("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "The list", body = String,
            content_type = "application/jwt"),
        (status = 304, description = "It has not changed")))]
pub async fn show(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Failure> {
    let feed = feed(web.app()).await?;
    let document = Kept {
        content_type: "application/jwt",
        body: feed.token.clone(),
        tag: feed.tag.clone(),
        max_age_seconds: FEED_MAX_AGE_SECONDS,
    };
    Ok(document.answer(&headers))
}
