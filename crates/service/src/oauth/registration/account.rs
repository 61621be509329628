//! The account of the apps that no account made: they registered themselves, or are described by a
//! document. Operators list and suspend it like all others.

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::AccountId;
use claviger_store::{Tx, accounts, settings};

use crate::access::Signature;
use crate::accounts::audited;
use crate::app::App;
use crate::error::Error;

const NAME: &str = "Registered apps";
/// The fact that says which account it is.
const FACT: &str = "registered_apps_account";

/// The account; made when it is needed for the first time.
pub(crate) async fn of_registered_apps(
    tx: &mut Tx,
    app: &App,
    signature: &Signature,
) -> Result<AccountId, Error> {
    if let Some(id) = settings::get(tx, FACT).await? {
        return read(&id);
    }
    let now = app.sources().now();
    let account = Account {
        id: AccountId::new(now, &app.sources().id()?),
        name: NAME.to_owned(),
        status: AccountStatus::Active,
        created_at: now,
        version: 1,
    };
    let id = account.id;
    let held = read(&settings::keep_first(tx, FACT, &id.to_string()).await?)?;
    if held != id {
        return Ok(held);
    }
    accounts::insert(tx, &account).await?;
    tx.change(Change::new(ChangeKind::Account, id));
    let changes = (None, Some(audited(&account)));
    let event = signature.event(app.sources(), Some(id), Action::AccountCreated, id, changes)?;
    tx.outbox(&event.action, Some(id), audited(&account));
    tx.audit(event);
    Ok(id)
}

fn read(text: &str) -> Result<AccountId, Error> {
    text.parse()
        .map_err(|_| Error::Internal(format!("{FACT} is no account's id").into()))
}
