//! What every way to an access token has in common: how long it lives, for whom it is, and how it
//! is signed.

use claviger_model::apis::SigningAlgorithm;
use claviger_model::tokens::{ACCESS_TOKEN_TYPE, Audience, Claims, Confirmation, TOKEN_LENGTH_MAX};
use claviger_verify::entries::ClientEntry;
use zeroize::Zeroizing;

use super::targets::Target;
use super::{ErrorCode, Refusal};
use crate::app::App;
use crate::signing_keys;

/// The client's, else the shortest of the APIs', else the instance's.
pub(super) fn lifetime_seconds(app: &App, client: &ClientEntry, target: &Target) -> u32 {
    let instance = app.settings().tokens.lifetime_seconds;
    let of_target = || match target {
        Target::Issuer => instance,
        Target::Apis(apis) => apis
            .iter()
            .map(|api| api.token_lifetime_seconds.unwrap_or(instance))
            .min()
            .unwrap_or(instance),
    };
    client.token_lifetime_seconds.unwrap_or_else(of_target)
}

/// The API's own where there is one; the instance's for several, and for the issuer.
pub(super) fn algorithm(app: &App, target: &Target) -> SigningAlgorithm {
    match target {
        Target::Apis(apis) if apis.len() == 1 => apis[0].signing_algorithm,
        _ => app.settings().tokens.signing_algorithm,
    }
}

/// What a token for `target` says of it.
pub(super) fn audience(app: &App, target: &Target) -> Audience {
    match target {
        Target::Issuer => Audience::One(app.settings().public_url.clone()),
        Target::Apis(apis) => {
            Audience::of(apis.iter().map(|api| api.audience.to_string()).collect())
        }
    }
}

/// How a token says that it is bound to the key with this thumbprint.
pub(super) fn confirmation(jkt: Option<&str>) -> Option<Confirmation> {
    jkt.map(|jkt| Confirmation {
        jkt: jkt.to_owned(),
    })
}

/// How a token with this confirmation is sent (RFC 6750, RFC 9449 section 5).
pub(super) const fn token_type(cnf: Option<&Confirmation>) -> &'static str {
    match cnf {
        Some(_) => "DPoP",
        None => "Bearer",
    }
}

/// The signed token.
pub(super) async fn sign(
    app: &App,
    algorithm: SigningAlgorithm,
    claims: &Claims,
) -> Result<Zeroizing<String>, Refusal> {
    // Usually there is a key; the first token of an algorithm makes one.
    signing_keys::ensure(app, algorithm).await?;
    sign_with_held_key(app, algorithm, claims)
}

/// The same where waiting is not allowed: the algorithm has a key, as something was signed with it.
pub(super) fn sign_with_held_key(
    app: &App,
    algorithm: SigningAlgorithm,
    claims: &Claims,
) -> Result<Zeroizing<String>, Refusal> {
    let now = app.sources().now();
    let signed = app
        .signer()
        .sign(algorithm, claims, ACCESS_TOKEN_TYPE, now)?;
    if signed.len() > TOKEN_LENGTH_MAX {
        return Err(Refusal::because(
            ErrorCode::InvalidTarget,
            "A token for all APIs of this client would be too long. Name one by audience.",
        ));
    }
    Ok(Zeroizing::new(signed))
}
