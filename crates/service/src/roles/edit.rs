//! Changing a role. Its members' sessions follow with the next request.

use claviger_model::Reason;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::roles::{Role, RoleRef};
use claviger_store::{Tx, accounts, roles};

use super::{NamedRole, RoleDraft, audited, check_name, find};
use crate::access::TeamAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;

/// Changes a role; what the draft leaves out stays.
///
/// # Errors
/// A built-in or unknown role, a stale `expected_version`, a draft with problems, a name that is
/// taken, a role that holds or would hold more than the caller.
pub async fn edit(
    app: &App,
    access: &TeamAccess,
    role: RoleRef,
    draft: RoleDraft,
    expected_version: Option<i64>,
) -> Result<NamedRole, Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access, draft) = (app_inside.clone(), access.clone(), draft.clone());
        Box::pin(async move {
            let account_id = access.account_id();
            accounts::lock(tx, account_id).await?;
            let before = find(tx, account_id, role).await?;
            if expected_version.is_some_and(|expected| expected != before.version) {
                return Err(Error::refused(Reason::PreconditionFailed));
            }
            let (name, powers) = draft.apply((&before.name, &before.powers))?;
            access.covers(&before.powers)?;
            access.covers(&powers)?;
            check_name(tx, account_id, &name, Some(before.id)).await?;
            if name == before.name && powers == before.powers {
                return Ok(before.into());
            }
            let changes_from = audited(&before);
            let edited = Role {
                name,
                powers,
                version: before.version + 1,
                ..before
            };
            roles::update(tx, &edited).await?;
            tx.change(Change::new(ChangeKind::Role, edited.id));
            let event = access.signature().event(
                app.sources(),
                Some(account_id),
                Action::RoleChanged,
                edited.id,
                difference(&changes_from, &audited(&edited)),
            )?;
            tx.outbox(&event.action, Some(account_id), audited(&edited));
            tx.audit(event);
            Ok(edited.into())
        })
    })
    .await
}
