//! Changing one's own password. Every other session of the user ends with it, and all that the user
//! allowed apps to do.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::grants::GrantEnd;
use claviger_model::members::User;
use claviger_model::passwords;
use claviger_store::grants::Whose;
use claviger_store::{Tx, users};
use zeroize::Zeroizing;

use crate::actor::Caller;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::grants::end_where;
use crate::passwords::Guess;
use crate::sessions::{Ending, end_of_user};

/// Gives the caller another password.
///
/// # Errors
/// A wrong old password, a new one that is too weak, no session.
pub async fn change_password(
    app: &App,
    caller: &Caller,
    old: Zeroizing<String>,
    new: Zeroizing<String>,
) -> Result<(), Error> {
    let signed_in = caller.signed_in()?;
    let user = users::get(&mut *app.read().await?, signed_in.user_id).await?;
    let user = user.ok_or_else(|| Error::not_found("user"))?;
    passwords::check(&new, &user.email)
        .map_err(|weak| Error::invalid("new_password", weak.to_string()))?;
    let stored = Some(user.password_hash.clone());
    let guess = Guess {
        email: &user.email,
        ip: caller.ip,
        stored,
        password: old,
    };
    if !app.passwords().check(app.sources(), guess).await? {
        return Err(Error::invalid("old_password", "is not your password"));
    }
    let password_hash = app.passwords().hash(app.sources(), new).await?;
    let changed = User {
        password_hash,
        version: user.version + 1,
        ..user
    };

    let (id, now, kept) = (changed.id, app.sources().now(), signed_in.session_id);
    let event = caller.signature().event(
        app.sources(),
        None,
        Action::UserPasswordChanged,
        id,
        (None, None),
    )?;
    let (app_inside, signature) = (app.clone(), caller.signature());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (changed, event) = (changed.clone(), event.clone());
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            users::update(tx, &changed).await?;
            end_of_user(tx, id, Ending::AllBut(kept), now).await?;
            let cause = GrantEnd::PasswordChanged;
            end_where(tx, &app, Whose::User(id), cause, &signature).await?;
            tx.change(Change::new(ChangeKind::User, id));
            tx.audit(event);
            Ok(())
        })
    })
    .await
}
