//! What a reported text is.

use std::net::IpAddr;

use claviger_model::Reason;
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::{AccountId, FamilyId};
use claviger_verify::entries::{Credential, EntryState, Identity};

use crate::app::App;
use crate::error::Error;
use crate::imports::{self, Tried};
use crate::oauth;

/// A credential that was reported.
pub(super) enum Found {
    /// One that the index has.
    Known(Credential),
    /// A refresh token, with all that came of the same authorization.
    Refresh {
        family_id: FamilyId,
        client_id: String,
        account_id: Option<AccountId>,
        is_ended: bool,
    },
}

/// Finds what a text is, in whatever state.
///
/// # Errors
/// Nobody can say now.
pub(super) async fn find(
    app: &App,
    credential: &str,
    ip: Option<IpAddr>,
) -> Result<Option<Found>, Error> {
    if app.readiness().await.is_err() {
        return Err(Error::stale());
    }
    let known = || app.verifier().whose(credential, app.sources().both());
    if let Some(entry) = known() {
        return Ok(Some(Found::Known(entry)));
    }
    match imports::try_slow(app, credential, ip).await {
        Tried::Right => return Ok(known().map(Found::Known)),
        Tried::Busy => return Err(Error::stale()),
        Tried::Wrong => {}
    }
    let found = oauth::leaked_refresh_token(app, credential).await?;
    Ok(found.map(|(family, account_id)| Found::Refresh {
        family_id: family.id,
        client_id: family.client_id.to_string(),
        account_id,
        is_ended: family.ended_at.is_some(),
    }))
}

impl Found {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Known(entry) => entry.identity().kind().as_str(),
            Self::Refresh { .. } => "refresh_token",
        }
    }

    /// What the audit log names as the thing that was leaked: what has a page.
    pub(super) fn target(&self) -> String {
        match self {
            Self::Known(entry) => match entry.identity() {
                Identity::Token(token) => token.client_id.to_string(),
                _ => entry.identity().id(),
            },
            Self::Refresh { client_id, .. } => client_id.clone(),
        }
    }

    /// Which secret, token or family of it.
    pub(super) fn exactly(&self) -> String {
        match self {
            Self::Known(entry) => match entry.identity() {
                Identity::Key(_, secret) | Identity::Client(_, secret) => secret.to_string(),
                Identity::Session(id, _) => id.to_string(),
                Identity::LegacyKey(id) => id.to_string(),
                Identity::Token(token) => token.id.to_string(),
            },
            Self::Refresh { family_id, .. } => family_id.to_string(),
        }
    }

    pub(super) fn account_id(&self) -> Option<AccountId> {
        match self {
            Self::Known(entry) => entry.account_id(),
            Self::Refresh { account_id, .. } => *account_id,
        }
    }

    /// Whether it can do no harm any more, and never will.
    pub(super) fn is_over(&self, now: claviger_model::UnixMillis) -> bool {
        match self {
            Self::Known(entry) => {
                let is_revoked = entry.state() == EntryState::Refused(Reason::Revoked);
                // The end of a key can be moved; that of a token and of a session cannot.
                let ends = entry.identity().kind() != CredentialKind::ApiKey;
                is_revoked || ends && entry.expires_at().is_some_and(|end| end <= now)
            }
            Self::Refresh { is_ended, .. } => *is_ended,
        }
    }
}
