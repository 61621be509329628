//! What one wants to be called. It gives no power: nobody is recognised by it.

use claviger_model::audit::Action;
use claviger_model::text;
use claviger_store::{Tx, user_profiles};
use serde_json::json;

use crate::actor::Caller;
use crate::app::{App, Effect};
use crate::error::Error;

/// Gives the caller a name, or takes it away where nothing but white space is sent. What the
/// caller is called from now on, if not by the address.
///
/// # Errors
/// A name that is none; `session_required` for somebody who is no user.
pub async fn rename(app: &App, caller: &Caller, name: &str) -> Result<Option<String>, Error> {
    let (id, now) = (caller.signed_in()?.user_id, app.sources().now());
    let name = match name.trim() {
        "" => None,
        name => Some(text::name(name).map_err(|error| Error::invalid("name", error.to_string()))?),
    };
    let (app_inside, signature) = (app.clone(), caller.signature());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        let name = name.clone();
        Box::pin(async move {
            let before = user_profiles::name(tx, id).await?;
            if before == name {
                return Ok(name);
            }
            match &name {
                Some(name) => user_profiles::set(tx, id, name, now).await?,
                None => user_profiles::delete(tx, id).await?,
            }
            let difference = (
                Some(json!({ "name": before })),
                Some(json!({ "name": name })),
            );
            let action = Action::UserRenamed;
            tx.audit(signature.event(app.sources(), None, action, id, difference)?);
            Ok(name)
        })
    })
    .await
}
