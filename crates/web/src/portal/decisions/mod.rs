//! Decisions: "why was I refused?"

pub mod list;
pub mod show;

use claviger_model::credentials::CredentialKind;
use claviger_service::decisions::{self, DecisionFilter, Trace, TracedCredential};

use super::Portal;
use super::parts::Status;
use crate::error::Failure;

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

/// The newest decisions about one credential, or about all of the account's, for whoever may read
/// them; none otherwise.
pub(super) async fn newest(
    portal: &Portal,
    credential: Option<&str>,
    limit: u32,
) -> Result<Vec<list::DecisionRow>, Failure> {
    let Ok(access) = portal.caller().evidence() else {
        return Ok(Vec::new());
    };
    let app = portal.web.app();
    let filter = DecisionFilter {
        credential_id: credential.map(str::to_owned),
        ..DecisionFilter::default()
    };
    let found = decisions::page(app, &access, &filter, None, limit).await?;
    let now = app.sources().now();
    let traces = found.decisions.into_iter().map(Trace::read);
    let traces: Vec<Trace> = traces.collect::<Result<_, _>>()?;
    Ok(traces
        .iter()
        .map(|trace| list::row(portal, trace, now))
        .collect())
}

/// The decisions about one credential, newest first, with the issuer's path.
pub(super) fn of_credential(portal: &Portal, id: &str) -> String {
    portal.href(format!("{PATH}?credential={id}"))
}
