//! `/.well-known/jwks.json`: the public halves of the signing keys (RFC 7517 section 5).

use axum::extract::State;
use axum::response::Response;
use claviger_service::signing_keys;
use http::header::{ACCEPT, VARY};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use super::kept::Kept;
use crate::error::Failure;
use crate::state::Web;

/// The type of RFC 7517 section 8.5.
const JWK_SET: &str = "application/jwk-set+json";

/// A set of public keys.
#[derive(Serialize, ToSchema)]
pub struct JwkSet {
    /// The keys: those that sign, those that will, and those whose tokens have not expired.
    keys: Vec<Jwk>,
}

/// A public key (RFC 7517 section 4), with the members of its kind.
#[derive(Serialize, ToSchema)]
pub struct Jwk {
    /// `EC`, `RSA` or `OKP`.
    #[schema(example = "EC")]
    kty: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: String,
    /// The only algorithm that it is for.
    #[schema(example = "ES256")]
    alg: String,
    /// What tokens name it by.
    #[schema(example = "sgn_01jnwz3c8k0000000000000000")]
    kid: String,
}

/// Show the keys that verify access tokens
///
/// Keep them for as long as `Cache-Control` says, and ask again when a token names a key that is
/// not there. A new key is here for at least that long before it signs.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "jwks", tag = "oauth",
    params(("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "The keys", body = JwkSet),
        (status = 304, description = "They have not changed")))]
pub async fn show(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Failure> {
    let jwks = signing_keys::published(web.app()).await?;
    let document = Kept {
        content_type: if asks_for_jwk_set(&headers) {
            JWK_SET
        } else {
            "application/json"
        },
        body: jwks.json.clone(),
        tag: jwks.tag.clone(),
        max_age_seconds: web.app().settings().tokens.jwks_cache_seconds,
    };
    let mut response = document.answer(&headers);
    let vary = HeaderValue::from_static("accept");
    response.headers_mut().insert(VARY, vary);
    Ok(response)
}

fn asks_for_jwk_set(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    let mut texts = values.filter_map(|value| value.to_str().ok());
    texts.any(|text| text.to_ascii_lowercase().contains(JWK_SET))
}
