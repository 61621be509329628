//! `client_credentials` (RFC 6749 section 4.4): a client gets a token for itself. Without a quota
//! this touches no database.
//!
//! 1. What the token is for, and which scopes it has.
//! 2. How long it lives and how it is signed.
//! 3. Only then, when nothing can be refused any more, a token of the day is taken.

use claviger_model::clients::subject;
use claviger_model::ids::TokenId;
use claviger_model::tokens::{Claims, TokenGrant};

use super::super::access_tokens::{
    algorithm, audience, confirmation, lifetime_seconds, sign, token_type,
};
use super::super::scopes::{self, Granted};
use super::super::{Client, ErrorCode, IssuedToken, Refusal, TokenRequest, quota, targets};
use crate::app::App;
use crate::error::Error;

/// A token of `client` for itself.
pub(in super::super) async fn issue(
    app: &App,
    client: &Client,
    request: &TokenRequest<'_>,
) -> Result<IssuedToken, Refusal> {
    if client.entry.is_public() {
        return Err(Refusal::because(
            ErrorCode::UnauthorizedClient,
            "This client keeps no secret, so it gets no token for itself (RFC 6749 section 4.4).",
        ));
    }
    let target = targets::of(app, &client.entry, request)?;
    let granted = scopes::granted(&client.entry, &target, request.scope)?;
    let lifetime_seconds = lifetime_seconds(app, &client.entry, &target);
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
        cnf: confirmation(request.jkt),
    };
    let signed = sign(app, algorithm(app, &target), &claims).await?;
    let quota = quota::take(app, entry, now).await?;
    Ok(IssuedToken {
        access_token: signed,
        token_type: token_type(claims.cnf.as_ref()),
        expires_in: lifetime_seconds,
        refresh_token: None,
        scope: claims.scope,
        quota,
    })
}
