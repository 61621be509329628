//! Clients that prove who they are by a JWT that they sign: `private_key_jwt` (RFC 7523 section 3
//! as its successor, draft-ietf-oauth-rfc7523bis, and FAPI 2.0 have it).
//!
//! 1. What can be seen without the client: `iss` and `sub` are the client, `aud` is this server
//!    alone, the times are sane, there is a `jti`. What is wrong of these is told.
//! 2. Whether one of the client's keys signed it. Whether it is the client, the key or the
//!    signature that is wrong is told to nobody.
//! 3. Only then its `jti` is used up.

use std::sync::Arc;

use claviger_model::{Reason, UnixMillis};
use claviger_verify::entries::ClientEntry;
use claviger_verify::jose::{SignedText, seconds};
use serde_json::{Map, Value};

use super::client::{Source, wrong};
use super::{ErrorCode, Refusal, client_keys, spent};
use crate::app::App;
use crate::error::Error;

/// How far ahead `exp` may be, in seconds, beside [`LEEWAY_SECONDS`]: an hour, as some libraries
/// have it when nobody says.
const LIFETIME_SECONDS_MAX: i64 = 3_600;
/// How far the clock of a client may be ahead of ours, in seconds. A client's end has no such
/// leeway.
const LEEWAY_SECONDS: i64 = 60;
/// The longest `jti` that is taken, in bytes.
const ID_LENGTH_MAX: usize = 256;
/// The types of an assertion, where it has one (RFC 7519 section 5.1, rfc7523bis section 4).
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// What an assertion says.
struct Said {
    client_id: String,
    id: String,
    expires_at: UnixMillis,
}

/// The client that signed `assertion`. `client_id` is what it calls itself beside it.
pub(super) async fn authenticate(
    app: &App,
    client_id: Option<&str>,
    assertion: &str,
    source: &Source,
) -> Result<Arc<ClientEntry>, Refusal> {
    if !app.settings().oauth.private_key_jwt {
        return Err(invalid(
            "client_assertion is not taken here. Send client_id and client_secret.",
        ));
    }
    let text = SignedText::parse(assertion)
        .map_err(|why| invalid(format!("The client_assertion cannot be read. {why}")))?;
    let is_of_type = |media_type: &String| TYPES.contains(&media_type.as_str());
    if !text.media_type.as_ref().is_none_or(is_of_type) || text.key.is_some() {
        return Err(invalid(
            "The header of the client_assertion has another typ than JWT, or a jwk.",
        ));
    }
    let unverified = text.unverified_claims();
    let unverified = unverified
        .ok_or_else(|| invalid("The client_assertion has no claims, or one of them twice."))?;
    let said = said(app, &unverified)?;
    if client_id.is_some_and(|client_id| client_id != said.client_id) {
        return Err(invalid(
            "The client_id of the body is not the iss of the client_assertion.",
        ));
    }
    let now = app.sources().both();
    let entry = match app.verifier().find_client(&said.client_id, now) {
        Ok(entry) => entry,
        Err(refusal) if refusal.reason == Reason::Stale => return Err(Error::stale().into()),
        Err(_) => return Err(unproven(app, source)),
    };
    if !client_keys::has_signed(app, &entry, &text).await {
        return Err(unproven(app, source));
    }
    let names = (&*said.client_id, &*said.id);
    if !spent::spend(app, "assertion", names, said.expires_at).await? {
        return Err(invalid(
            "This client_assertion was used before. Make a new one, with a jti of its own, for \
             each request.",
        ));
    }
    Ok(entry)
}

/// What it says, as far as that makes sense without the client.
fn said(app: &App, claims: &Map<String, Value>) -> Result<Said, Refusal> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let (issuer, subject) = (text("iss"), text("sub"));
    let Some(client_id) = issuer.filter(|issuer| subject == Some(issuer)) else {
        return Err(invalid(
            "iss and sub of the client_assertion both have to be the client_id.",
        ));
    };
    let own = &app.settings().public_url;
    if text("aud") != Some(own.as_str()) {
        return Err(invalid(format!(
            "aud of the client_assertion has to be the issuer, {own}, as a string: no endpoint, \
             and no array."
        )));
    }
    let now = app.sources().now();
    let expires_at = expiry(claims, now)?;
    let id = text("jti").filter(|id| !id.is_empty() && id.len() <= ID_LENGTH_MAX);
    let id = id.ok_or_else(|| {
        invalid("The client_assertion needs a jti of its own, of at most 256 characters.")
    })?;
    Ok(Said {
        client_id: client_id.to_owned(),
        id: id.to_owned(),
        expires_at,
    })
}

/// When it ends, if its times are sane.
fn expiry(claims: &Map<String, Value>, now: UnixMillis) -> Result<UnixMillis, Refusal> {
    let at = |name: &str| seconds(claims, name).map(|at| UnixMillis(0).plus_seconds(at));
    let latest = now.plus_seconds(LEEWAY_SECONDS);
    let is_begun = |name: &str| {
        let is_absent = !claims.contains_key(name);
        is_absent || at(name).is_some_and(|at| at <= latest)
    };
    if !is_begun("iat") || !is_begun("nbf") {
        return Err(invalid(
            "iat or nbf of the client_assertion is in the future, or no number. Check the clock.",
        ));
    }
    let expires_at = at("exp").filter(|end| *end > now);
    let expires_at = expires_at.ok_or_else(|| {
        invalid("exp of the client_assertion is missing, no number, or over. Check the clock.")
    })?;
    if expires_at > latest.plus_seconds(LIFETIME_SECONDS_MAX) {
        return Err(invalid(format!(
            "exp of the client_assertion is more than {LIFETIME_SECONDS_MAX} seconds ahead."
        )));
    }
    Ok(expires_at)
}

/// Nobody is told whether there is such a client, or whether it has keys.
fn unproven(app: &App, source: &Source) -> Refusal {
    let told = "No client with this client_id has a key that signed this client_assertion. Check \
                client_id, kid and key.";
    wrong(app, source, told)
}

fn invalid(description: impl Into<String>) -> Refusal {
    Refusal::because(ErrorCode::InvalidClient, description)
}
