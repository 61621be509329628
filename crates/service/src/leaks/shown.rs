//! That a credential was reported, for its page.

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_store::audit;
use serde_json::Value;

use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;

/// The newest report of a credential.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeakReport {
    /// When.
    pub at: UnixMillis,
    /// Whether it was GitHub's scanner.
    pub is_from_github: bool,
    /// Where it was found, as whoever reported it says.
    pub url: Option<String>,
}

/// The newest report of a credential of the caller's account, by the id of the key or client.
///
/// # Errors
/// The store's.
pub async fn last_report(
    app: &App,
    access: &KeyAccess,
    id: impl std::fmt::Display,
) -> Result<Option<LeakReport>, Error> {
    let filter = audit::AuditFilter {
        account_id: Some(access.account_id()),
        action: Some(Action::CredentialLeaked.as_str().to_owned()),
        target: Some(id.to_string()),
        ..audit::AuditFilter::default()
    };
    let mut reader = app.read().await?;
    let found = audit::page(&mut reader, &filter, None, 1).await?;
    Ok(found.into_iter().next().map(|chained| {
        let event = chained.event;
        let url = event.after.as_ref().and_then(|after| after.get("url"));
        LeakReport {
            at: event.at,
            is_from_github: event.actor == "github",
            url: url.and_then(Value::as_str).map(str::to_owned),
        }
    }))
}
