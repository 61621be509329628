//! Finding who acted by an address.

use claviger_store::{audit, users};

use crate::access::EvidenceAccess;
use crate::app::App;
use crate::error::Error;

/// How the audit log names the user with this address, if the log has anything by that user that
/// `access` may see. Of everybody else nothing is told.
///
/// # Errors
/// The store's.
pub async fn actor_of(
    app: &App,
    access: &EvidenceAccess,
    email: &str,
) -> Result<Option<String>, Error> {
    let mut reader = app.read().await?;
    let Some(user) = users::by_email(&mut reader, &email.trim().to_lowercase()).await? else {
        return Ok(None);
    };
    let actor = user.id.to_string();
    let filter = audit::AuditFilter {
        account_id: access.account_id(),
        actor: Some(actor.clone()),
        ..audit::AuditFilter::default()
    };
    let found = audit::page(&mut reader, &filter, None, 1).await?;
    Ok((!found.is_empty()).then_some(actor))
}
