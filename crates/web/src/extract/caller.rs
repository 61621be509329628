//! Who asks: the extractors that authenticate.

use axum::extract::FromRequestParts;
use claviger_model::Reason;
use claviger_service::{Caller, sessions};
use http::request::Parts;

use super::bearer::{bearer, refuse_in_query};
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
        let (credential, origin) = presented(parts, web)?;
        Ok(Self(
            sessions::authenticate_session(web.app(), credential, origin.into()).await?,
        ))
    }
}

impl FromRequestParts<Web> for Principal {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let caller = principal(parts, web).await;
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

async fn principal(parts: &Parts, web: &Web) -> Result<Caller, Failure> {
    let (credential, origin) = presented(parts, web)?;
    Ok(sessions::authenticate(web.app(), credential, origin.into()).await?)
}

async fn manager(parts: &Parts, web: &Web) -> Result<Caller, Failure> {
    let caller = principal(parts, web).await?;
    if !web.app().settings().management_enabled {
        let message = "The management API is switched off. The operator can allow it with \
                       management.enabled in the configuration.";
        return Err(Failure::because(Reason::PermissionRequired, message));
    }
    Ok(caller)
}

fn presented<'a>(parts: &'a Parts, web: &Web) -> Result<(&'a str, Origin), Failure> {
    refuse_in_query(&parts.uri)?;
    let credential =
        bearer(&parts.headers)?.ok_or_else(|| Failure::new(Reason::CredentialMissing))?;
    Ok((
        credential,
        Origin::of(&parts.extensions, &parts.headers, web),
    ))
}
