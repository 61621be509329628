//! Looking at the open invitations of an account.

use claviger_store::invitations;

use super::NamedInvitation;
use crate::access::TeamAccess;
use crate::app::App;
use crate::error::Error;
use crate::roles::RoleNames;

/// The invitations that can still be accepted, the newest first.
pub async fn list(app: &App, access: &TeamAccess) -> Result<Vec<NamedInvitation>, Error> {
    let mut reader = app.read().await?;
    let names = RoleNames::load(&mut reader, access.account_id()).await?;
    let mut found = invitations::of_account(&mut reader, access.account_id()).await?;
    let now = app.sources().now();
    found.retain(|invitation| invitation.expires_at > now);
    found.sort_by_key(|invitation| std::cmp::Reverse((invitation.created_at, invitation.id)));
    let shown = found
        .iter()
        .map(|one| NamedInvitation::new(one, names.of(one.role)));
    Ok(shown.collect())
}
