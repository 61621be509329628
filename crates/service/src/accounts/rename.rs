//! Renaming one's own account.

use claviger_model::accounts::Account;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::{Reason, text};
use claviger_store::{Tx, accounts};

use super::audited;
use crate::access::AccountAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;

/// Gives the account another name.
///
/// # Errors
/// A name that is none, a stale `expected_version`.
pub async fn rename(
    app: &App,
    access: &AccountAccess,
    name: &str,
    expected_version: Option<i64>,
) -> Result<Account, Error> {
    let name = text::name(name).map_err(|error| Error::invalid("name", error.to_string()))?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, access, name) = (app_inside.clone(), access.clone(), name.clone());
        Box::pin(async move {
            let id = access.account_id();
            let before = accounts::get(tx, id).await?;
            let before = before.ok_or_else(|| Error::not_found("account"))?;
            if expected_version.is_some_and(|expected| expected != before.version) {
                return Err(Error::refused(Reason::PreconditionFailed));
            }
            let edited = before.clone().rename(name);
            if edited.version == before.version {
                return Ok(edited);
            }
            accounts::update(tx, &edited).await?;
            tx.change(Change::new(ChangeKind::Account, id));
            let changes = difference(&audited(&before), &audited(&edited));
            let action = Action::AccountRenamed;
            let signature = access.signature();
            let event = signature.event(app.sources(), Some(id), action, id, changes)?;
            tx.outbox(&event.action, Some(id), audited(&edited));
            tx.audit(event);
            Ok(edited)
        })
    })
    .await
}
