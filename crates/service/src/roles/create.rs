//! Making a role of an account's own.

use std::sync::Arc;

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::RoleId;
use claviger_model::roles::{Powers, Role};
use claviger_model::scopes::ScopePatterns;
use claviger_store::{Tx, accounts, roles};

use super::{NamedRole, RoleDraft, audited, check_name};
use crate::access::TeamAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};

/// Makes a role.
///
/// # Errors
/// A draft without name or with problems, a name that is taken, more powers than the caller has.
pub async fn create(
    app: &App,
    access: &TeamAccess,
    draft: &RoleDraft,
    idempotency: Option<&IdempotencyKey>,
) -> Result<NamedRole, Error> {
    let named = RoleDraft {
        name: Some(draft.name.clone().unwrap_or_default()),
        ..draft.clone()
    };
    let nothing = Powers {
        permissions: Vec::new(),
        scopes: ScopePatterns(Vec::new()),
    };
    let (name, powers) = named.apply(("", &nothing))?;
    access.covers(&powers)?;

    let (account_id, now) = (access.account_id(), app.sources().now());
    let id = RoleId::new(now, &app.sources().id()?);
    let role = Role {
        id,
        account_id,
        name,
        powers,
        created_at: now,
        version: 1,
    };
    let changes = (None, Some(audited(&role)));
    let event = access.signature().event(
        app.sources(),
        Some(account_id),
        Action::RoleCreated,
        role.id,
        changes,
    )?;
    let (keyring, fresh, key) = (
        Arc::clone(app.keyring()),
        role.clone(),
        idempotency.cloned(),
    );
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (keyring, role, key) = (keyring.clone(), fresh.clone(), key.clone());
            let event = event.clone();
            Box::pin(async move {
                let made = replay(key.as_ref(), tx, &keyring, (role.id, None), now).await?;
                if made.is_some() {
                    return Ok(made);
                }
                accounts::lock(tx, account_id).await?;
                check_name(tx, account_id, &role.name, None).await?;
                roles::insert(tx, &role).await?;
                tx.change(Change::new(ChangeKind::Role, role.id));
                tx.outbox(&event.action, Some(account_id), audited(&role));
                tx.audit(event);
                Ok(None)
            })
        })
        .await?;
    let Some(before) = before else {
        return Ok(role.into());
    };
    super::show(app, access, &replayed_id::<RoleId>(&before)?.to_string()).await
}
