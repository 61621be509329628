//! Renaming, suspending and activating an account. When suspending returns, no credential of the
//! account works on any node; what users allowed apps to do in it has ended for good.

use claviger_model::Reason;
use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::grants::GrantEnd;
use claviger_model::ids::AccountId;
use claviger_model::{Problems, text};
use claviger_store::grants::Whose;
use claviger_store::{Tx, accounts};

use super::audited;
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::grants::end_where;
use crate::keys::difference;

/// What is to change; what is absent stays.
#[derive(Clone, Default, Debug)]
pub struct AccountEdit {
    /// Another name.
    pub name: Option<String>,
    /// `active` or `suspended`.
    pub status: Option<String>,
}

/// Changes an account.
///
/// # Errors
/// Unknown account, a stale `expected_version`, members that are not acceptable.
pub async fn edit(
    app: &App,
    access: &OperatorAccess,
    id: AccountId,
    input: &AccountEdit,
    expected_version: Option<i64>,
) -> Result<Account, Error> {
    let (name, suspend) = check(input)?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access, name) = (app_inside.clone(), access.clone(), name.clone());
        Box::pin(async move {
            let before = accounts::get(tx, id).await?;
            let before = before.ok_or_else(|| Error::not_found("account"))?;
            if expected_version.is_some_and(|expected| expected != before.version) {
                return Err(Error::refused(Reason::PreconditionFailed));
            }
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::Account, id));
            let mut edited = before.clone();
            if let Some(name) = name {
                edited = edited.rename(name);
            }
            edited = match suspend {
                Some(true) => edited.suspend(app.sources().now()),
                Some(false) => edited.activate(),
                None => edited,
            };
            if edited.version == before.version {
                return Ok(edited);
            }
            // One write, one version, whatever it changes.
            edited.version = before.version + 1;
            accounts::update(tx, &edited).await?;
            let (old, new) = difference(&audited(&before), &audited(&edited));
            for action in actions(&before, &edited) {
                let changes = (old.clone(), new.clone());
                let signature = access.signature();
                let event = signature.event(app.sources(), Some(id), action, id, changes)?;
                tx.outbox(&event.action, Some(id), audited(&edited));
                tx.audit(event);
                if action == Action::AccountSuspended {
                    let cause = GrantEnd::AccountSuspended;
                    end_where(tx, &app, Whose::Account(id), cause, signature).await?;
                }
            }
            Ok(edited)
        })
    })
    .await
}

fn check(input: &AccountEdit) -> Result<(Option<String>, Option<bool>), Error> {
    let mut problems = Problems::default();
    let name = input
        .name
        .as_deref()
        .and_then(|name| problems.check("name", text::name(name)));
    let suspend = match input.status.as_deref() {
        None => None,
        Some("active") => Some(false),
        Some("suspended") => Some(true),
        Some(_) => {
            problems.add("status", "must be active or suspended");
            None
        }
    };
    problems.into_result()?;
    Ok((name, suspend))
}

fn actions(before: &Account, after: &Account) -> Vec<Action> {
    let renamed = (before.name != after.name).then_some(Action::AccountRenamed);
    let changed = (before.status != after.status).then_some(match after.status {
        AccountStatus::Active => Action::AccountActivated,
        AccountStatus::Suspended { .. } => Action::AccountSuspended,
    });
    renamed.into_iter().chain(changed).collect()
}
