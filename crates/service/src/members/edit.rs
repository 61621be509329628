//! Giving a member another role. The member's sessions follow with the next request.

use claviger_model::Reason;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::UserId;
use claviger_model::members::Member;
use claviger_store::{Tx, accounts, members, user_profiles};

use super::{NamedMember, audited, find, keep_an_owner};
use crate::access::TeamAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;
use crate::roles::resolve;

/// Gives a member the role that `role` names.
///
/// # Errors
/// Unknown member or role, a stale `expected_version`, an old or new role that holds more than the
/// caller, the last owner.
pub async fn edit(
    app: &App,
    access: &TeamAccess,
    user_id: UserId,
    role: String,
    expected_version: Option<i64>,
) -> Result<NamedMember, Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access, role) = (app_inside.clone(), access.clone(), role.clone());
        Box::pin(async move {
            let account_id = access.account_id();
            accounts::lock(tx, account_id).await?;
            let (before, user, old) = find(tx, account_id, user_id).await?;
            if expected_version.is_some_and(|expected| expected != before.version) {
                return Err(Error::refused(Reason::PreconditionFailed));
            }
            let name = user_profiles::name(tx, user_id).await?;
            let new = resolve(tx, account_id, &role).await?;
            if let Some(old) = &old {
                access.covers(&old.powers)?;
            }
            access.covers(&new.powers)?;
            if new.role == before.role {
                return Ok(NamedMember::new(&before, &user, new.name, name));
            }
            keep_an_owner(tx, &before).await?;
            let edited = Member {
                role: new.role,
                version: before.version + 1,
                ..before
            };
            members::update(tx, &edited).await?;
            tx.change(Change::new(ChangeKind::User, user_id));
            let event = access.signature().event(
                app.sources(),
                Some(account_id),
                Action::MemberChanged,
                user_id,
                difference(
                    &audited(&before, &user.email),
                    &audited(&edited, &user.email),
                ),
            )?;
            tx.outbox(
                &event.action,
                Some(account_id),
                audited(&edited, &user.email),
            );
            tx.audit(event);
            Ok(NamedMember::new(&edited, &user, new.name, name))
        })
    })
    .await
}
