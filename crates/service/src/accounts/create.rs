//! Making an account. It makes nobody a member of it.

use std::sync::Arc;

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::AccountId;
use claviger_model::text;
use claviger_store::{Tx, accounts};

use super::{audited, show};
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};

/// Makes an active account with this name.
pub async fn create(
    app: &App,
    access: &OperatorAccess,
    name: &str,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Account, Error> {
    let name = text::name(name).map_err(|error| Error::invalid("name", error.to_string()))?;
    let now = app.sources().now();
    let account = Account {
        id: AccountId::new(now, &app.sources().id()?),
        name,
        status: AccountStatus::Active,
        created_at: now,
        version: 1,
    };
    let id = account.id;
    let changes = (None, Some(audited(&account)));
    let event =
        access
            .signature()
            .event(app.sources(), Some(id), Action::AccountCreated, id, changes)?;
    let (keyring, fresh, key) = (
        Arc::clone(app.keyring()),
        account.clone(),
        idempotency.cloned(),
    );
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (keyring, account, key) = (keyring.clone(), fresh.clone(), key.clone());
            let event = event.clone();
            Box::pin(async move {
                let made = replay(key.as_ref(), tx, &keyring, (id, None), now).await?;
                if made.is_some() {
                    return Ok(made);
                }
                accounts::insert(tx, &account).await?;
                tx.change(Change::new(ChangeKind::Account, id));
                tx.outbox(&event.action, Some(id), audited(&account));
                tx.audit(event);
                Ok(None)
            })
        })
        .await?;
    match before {
        None => Ok(account),
        Some(before) => show(app, access, replayed_id(&before)?).await,
    }
}
