//! Taking a member out of an account. The user stays, with other memberships.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::grants::GrantEnd;
use claviger_model::ids::UserId;
use claviger_store::grants::Whose;
use claviger_store::{Tx, accounts, members};

use super::{audited, find, keep_an_owner};
use crate::access::TeamAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::grants::end_where;
use crate::sessions::{Ending, end_of_user};

/// Removes a member, and ends the user's sessions in the account and what the user allowed apps to
/// do there.
///
/// # Errors
/// Unknown member, a role that holds more than the caller, the last owner.
pub async fn remove(app: &App, access: &TeamAccess, user_id: UserId) -> Result<(), Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let account_id = access.account_id();
            accounts::lock(tx, account_id).await?;
            let (member, user, role) = find(tx, account_id, user_id).await?;
            if let Some(role) = role {
                access.covers(&role.powers)?;
            }
            keep_an_owner(tx, &member).await?;
            members::delete(tx, account_id, user_id).await?;
            end_of_user(tx, user_id, Ending::In(account_id), app.sources().now()).await?;
            let whose = Whose::Member(account_id, user_id);
            let cause = GrantEnd::MemberRemoved;
            end_where(tx, &app, whose, cause, access.signature()).await?;
            tx.change(Change::new(ChangeKind::User, user_id));
            let event = access.signature().event(
                app.sources(),
                Some(account_id),
                Action::MemberRemoved,
                user_id,
                (Some(audited(&member, &user.email)), None),
            )?;
            tx.outbox(
                &event.action,
                Some(account_id),
                audited(&member, &user.email),
            );
            tx.audit(event);
            Ok(())
        })
    })
    .await
}
