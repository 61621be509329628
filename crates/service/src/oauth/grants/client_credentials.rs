//! `client_credentials` (RFC 6749 section 4.4): a client gets a token for itself. Without a quota
//! this touches no database.
//!
//! 1. What the token is for, and which scopes it has.
//! 2. How long it lives and how it is signed.
//! 3. Only then, when nothing can be refused any more, a token of the day is taken.

use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::subject;
use claviger_model::ids::TokenId;
use claviger_model::tokens::{ACCESS_TOKEN_TYPE, Audience, Claims, TOKEN_LENGTH_MAX, TokenGrant};
use zeroize::Zeroizing;

use super::super::scopes::{self, Granted};
use super::super::targets::{self, Target};
use super::super::{Client, ErrorCode, IssuedToken, Refusal, TokenRequest, quota};
use crate::app::App;
use crate::error::Error;
use crate::signing_keys;

/// A token of `client` for itself.
pub(in super::super) async fn issue(
    app: &App,
    client: &Client,
    request: &TokenRequest<'_>,
) -> Result<IssuedToken, Refusal> {
    let target = targets::of(app, &client.entry, request)?;
    let granted = scopes::granted(&client.entry, &target, request.scope)?;
    let lifetime_seconds = lifetime_seconds(app, client, &target);
    let now = app.sources().now();
    let issued_at = now.0.div_euclid(1_000);
    let entry = &client.entry;
    let claims = Claims {
        iss: app.settings().public_url.clone(),
        sub: subject(entry.id),
        aud: audience(app, &target),
        iat: issued_at,
        exp: issued_at.saturating_add(i64::from(lifetime_seconds)),
        nbf: None,
        jti: TokenId::new(now, &app.sources().id().map_err(Error::from)?),
        client_id: entry.public_id.to_string(),
        azp: entry.id,
        scope: granted.text(),
        gty: TokenGrant::ClientCredentials,
        env: entry.environment,
        account: entry.account.id(),
        epoch: client.epoch,
        secret: client.secret_id,
        all_scopes: granted == Granted::All,
        grant: None,
        family: None,
        generation: None,
        cnf: None,
    };
    let signed = sign(app, algorithm(app, &target), &claims).await?;
    let quota = quota::take(app, entry, now).await?;
    Ok(IssuedToken {
        access_token: Zeroizing::new(signed),
        expires_in: lifetime_seconds,
        scope: claims.scope,
        quota,
    })
}

/// The client's, else the shortest of the APIs', else the instance's.
fn lifetime_seconds(app: &App, client: &Client, target: &Target) -> u32 {
    let instance = app.settings().tokens.lifetime_seconds;
    let of_target = || match target {
        Target::Issuer => instance,
        Target::Apis(apis) => apis
            .iter()
            .map(|api| api.token_lifetime_seconds.unwrap_or(instance))
            .min()
            .unwrap_or(instance),
    };
    client
        .entry
        .token_lifetime_seconds
        .unwrap_or_else(of_target)
}

/// The API's own where there is one; the instance's for several, and for the issuer.
fn algorithm(app: &App, target: &Target) -> SigningAlgorithm {
    match target {
        Target::Apis(apis) if apis.len() == 1 => apis[0].signing_algorithm,
        _ => app.settings().tokens.signing_algorithm,
    }
}

fn audience(app: &App, target: &Target) -> Audience {
    match target {
        Target::Issuer => Audience::One(app.settings().public_url.clone()),
        Target::Apis(apis) => {
            Audience::of(apis.iter().map(|api| api.audience.to_string()).collect())
        }
    }
}

async fn sign(app: &App, algorithm: SigningAlgorithm, claims: &Claims) -> Result<String, Refusal> {
    // Usually there is a key; the first token of an algorithm makes one.
    signing_keys::ensure(app, algorithm).await?;
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
    Ok(signed)
}
