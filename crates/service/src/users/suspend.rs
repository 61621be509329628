//! Suspending a user: no sign-in and no session, in any account, until made active again. What the
//! user allowed apps to do ends for good.

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::grants::GrantEnd;
use claviger_model::ids::UserId;
use claviger_model::members::User;
use claviger_store::grants::Whose;
use claviger_store::{Tx, users};
use serde_json::json;

use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::grants::end_where;
use crate::sessions::{Ending, end_of_user};

/// Suspends a user; a second time changes nothing and succeeds too. The sessions end for good.
///
/// # Errors
/// An unknown user; oneself.
pub async fn suspend(app: &App, access: &OperatorAccess, id: UserId) -> Result<User, Error> {
    if access.signature().actor() == id.to_string() {
        return Err(Error::conflict("You cannot suspend yourself."));
    }
    set(app, access, id, Some(app.sources().now())).await
}

/// Lets a user sign in again.
///
/// # Errors
/// An unknown user.
pub async fn activate(app: &App, access: &OperatorAccess, id: UserId) -> Result<User, Error> {
    set(app, access, id, None).await
}

async fn set(
    app: &App,
    access: &OperatorAccess,
    id: UserId,
    suspended_at: Option<UnixMillis>,
) -> Result<User, Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let before = users::get(tx, id).await?;
            let before = before.ok_or_else(|| Error::not_found("user"))?;
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::User, id));
            if before.suspended_at.is_some() == suspended_at.is_some() {
                return Ok(before);
            }
            let difference = (
                Some(json!({ "suspended_at": before.suspended_at })),
                Some(json!({ "suspended_at": suspended_at })),
            );
            let changed = User {
                suspended_at,
                version: before.version + 1,
                ..before
            };
            users::update(tx, &changed).await?;
            let action = match suspended_at {
                Some(now) => {
                    end_of_user(tx, id, Ending::All, now).await?;
                    let cause = GrantEnd::UserSuspended;
                    end_where(tx, &app, Whose::User(id), cause, access.signature()).await?;
                    Action::UserSuspended
                }
                None => Action::UserActivated,
            };
            let signature = access.signature();
            tx.audit(signature.event(app.sources(), None, action, id, difference)?);
            Ok(changed)
        })
    })
    .await
}
