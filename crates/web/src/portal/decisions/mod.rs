//! Decisions: "why was I refused?"

pub mod list;
pub mod show;

use claviger_model::credentials::CredentialKind;
use claviger_service::decisions::{Trace, TracedCredential};

use super::Portal;
use super::parts::Status;

/// The path of the list, without the issuer's.
pub(super) const PATH: &str = "/decisions";

/// The outcome of a decision.
fn outcome(trace: &Trace) -> Status {
    if trace.is_allowed() {
        Status {
            word: "ALLOWED",
            look: "active",
        }
    } else {
        Status {
            word: "REFUSED",
            look: "revoked",
        }
    }
}

/// What the caller of a request used, in words.
fn kind(credential: &TracedCredential) -> &str {
    let kinds = [
        CredentialKind::ApiKey,
        CredentialKind::AccessToken,
        CredentialKind::Session,
        CredentialKind::LegacyKey,
    ];
    let known = kinds.iter().find(|kind| kind.as_str() == credential.kind);
    known.map_or(credential.kind.as_str(), |kind| kind.noun())
}

/// The decisions about one credential, newest first, with the issuer's path.
pub(super) fn of_credential(portal: &Portal, id: &str) -> String {
    portal.href(format!("{PATH}?credential={id}"))
}
