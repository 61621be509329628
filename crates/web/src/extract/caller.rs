//! Who asks: the extractors that authenticate.

use axum::extract::FromRequestParts;
use claviger_model::Reason;
use claviger_service::actor::Actor;
use claviger_service::{Caller, sessions};
use claviger_verify::possession::RequestUrl;
use http::request::Parts;

use super::bearer::{credential, refuse_in_query};
use super::origin::Origin;
use crate::error::Failure;
use crate::state::Web;

/// A caller with a session token.
pub struct Session(pub Caller);

/// A caller with a session token, or an access token for the issuer.
pub struct Principal(pub Caller);

/// A caller at `/v1/keys`, which takes access tokens for the issuer and is off unless the operator
/// allows it.
pub struct KeyManager(pub Caller);

impl FromRequestParts<Web> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let caller = authenticated(parts, web).await?;
        match caller.actor {
            Actor::User(_) => Ok(Self(caller)),
            _ => Err(Failure::new(Reason::SessionRequired)),
        }
    }
}

impl FromRequestParts<Web> for Principal {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let caller = authenticated(parts, web).await;
        caller.map(Self).map_err(|failure| told_where(failure, web))
    }
}

impl FromRequestParts<Web> for KeyManager {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let caller = manager(parts, web).await;
        caller.map(Self).map_err(|failure| told_where(failure, web))
    }
}

/// The failure with the place where a client reads which tokens are taken.
fn told_where(failure: Failure, web: &Web) -> Failure {
    Failure {
        resource_metadata: web.management_metadata_url(),
        ..failure
    }
}

async fn manager(parts: &Parts, web: &Web) -> Result<Caller, Failure> {
    let caller = authenticated(parts, web).await?;
    if !web.app().settings().management_enabled {
        let message = "The management API is switched off. The operator can allow it with \
                       management.enabled in the configuration.";
        return Err(Failure::because(Reason::PermissionRequired, message));
    }
    Ok(caller)
}

/// Whoever sent the request, by the one credential in it.
async fn authenticated(parts: &Parts, web: &Web) -> Result<Caller, Failure> {
    refuse_in_query(&parts.uri)?;
    let credential = credential(&parts.headers)?;
    let credential = credential.ok_or_else(|| Failure::new(Reason::CredentialMissing))?;
    let origin = Origin::of(&parts.extensions, &parts.headers, web);
    let sent = credential.sent_to(RequestUrl::Below {
        base: &web.app().settings().public_url,
        path: parts.uri.path(),
    });
    let sent = (&sent, Some(parts.method.as_str()));
    let caller = sessions::authenticate_sent(web.app(), credential.text, sent, origin.into());
    Ok(caller.await?)
}
