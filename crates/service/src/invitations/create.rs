//! Inviting an address to an account.

use std::sync::Arc;

use claviger_model::audit::Action;
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::InvitationId;
use claviger_model::members::{INVITATION_LIFETIME_MILLIS, Invitation};
use claviger_model::secret::Plaintext;
use claviger_model::text;
use claviger_store::{Tx, accounts, invitations, members, users};

use super::{Invited, NamedInvitation, audited, letter};
use crate::access::TeamAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};
use crate::roles::{NamedRole, named, resolve};
use crate::settings::INVITATION_PREFIX;

/// Invites an address to the role that `role` names.
///
/// # Errors
/// An address or role that is none, a role that holds more than the caller, somebody who is a
/// member already.
pub async fn create(
    app: &App,
    access: &TeamAccess,
    email: &str,
    role: &str,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Invited, Error> {
    let email = text::email(email).map_err(|error| Error::invalid("email", error.to_string()))?;
    let role = resolve(&mut *app.read().await?, access.account_id(), role).await?;
    access.covers(&role.powers)?;

    let now = app.sources().now();
    let token = app.sources().mint(INVITATION_PREFIX)?;
    let invitation = Invitation {
        id: InvitationId::new(now, &app.sources().id()?),
        account_id: access.account_id(),
        email,
        role: role.role,
        stored: StoredSecret::of(&token, app.keyring()),
        created_at: now,
        expires_at: now.plus_millis(INVITATION_LIFETIME_MILLIS),
        version: 1,
    };
    write(app, access, invitation, role, token, idempotency).await
}

async fn write(
    app: &App,
    access: &TeamAccess,
    fresh: Invitation,
    role: NamedRole,
    token: Plaintext,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Invited, Error> {
    let account_id = fresh.account_id;
    let event = access.signature().event(
        app.sources(),
        Some(account_id),
        Action::InvitationCreated,
        fresh.id,
        (None, Some(audited(&fresh))),
    )?;
    let key = idempotency.cloned();
    let seal = |key: &IdempotencyKey| key.seal_secret(app.keyring(), app.sources(), &token);
    let sealed = key.as_ref().map(seal).transpose()?;
    let (keyring, row, inside) = (Arc::clone(app.keyring()), fresh.clone(), access.clone());
    let (app_inside, told) = (app.clone(), token.clone());
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (keyring, row, event) = (keyring.clone(), row.clone(), event.clone());
            let (key, sealed, access) = (key.clone(), sealed.clone(), inside.clone());
            let (app, token) = (app_inside.clone(), told.clone());
            Box::pin(async move {
                let made = (row.id, sealed.as_deref());
                let before = replay(key.as_ref(), tx, &keyring, made, row.created_at).await?;
                if before.is_some() {
                    return Ok(before);
                }
                accounts::lock(tx, account_id).await?;
                check(tx, &access, &row).await?;
                invitations::insert(tx, &row).await?;
                tx.outbox(&event.action, Some(account_id), audited(&row));
                tx.audit(event);
                letter::leave(tx, &app, &row, &token).await?;
                Ok(None)
            })
        })
        .await?;
    let Some(before) = before else {
        let invitation = NamedInvitation::new(&fresh, role.name);
        return Ok(Invited {
            invitation,
            token: Some(token),
        });
    };
    let id: InvitationId = replayed_id(&before)?;
    let mut reader = app.read().await?;
    let made = invitations::get(&mut reader, account_id, id).await?;
    // An accepted or withdrawn one is gone.
    let made = made.ok_or_else(|| Error::not_found("invitation"))?;
    let invitation = NamedInvitation::new(&made, role.name);
    Ok(Invited {
        invitation,
        token: before.secret,
    })
}

/// The questions whose answers may have changed since the request came.
async fn check(tx: &mut Tx, access: &TeamAccess, invitation: &Invitation) -> Result<(), Error> {
    let role = named(tx, invitation.account_id, invitation.role).await?;
    access.covers(
        &role
            .ok_or_else(|| Error::conflict("The role was deleted."))?
            .powers,
    )?;
    let user = users::by_email(tx, &invitation.email).await?;
    if let Some(user) = user
        && members::get(tx, invitation.account_id, user.id)
            .await?
            .is_some()
    {
        return Err(Error::conflict(
            "Somebody with this address is a member already.",
        ));
    }
    Ok(())
}
