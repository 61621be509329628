//! Adding somebody to an account: with an invitation, or, by an operator, with a password at once.

use std::sync::Arc;

use claviger_model::audit::{Action, Event};
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::{AccountId, UserId};
use claviger_model::members::{Member, User};
use claviger_model::{Problems, Reason, UnixMillis, passwords, text};
use claviger_store::{Tx, accounts, members, users};
use serde_json::json;
use zeroize::Zeroizing;

use super::{NamedMember, audited, show};
use crate::access::{OperatorAccess, TeamAccess};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};
use crate::invitations::{Invited, create as invite};
use crate::roles::resolve;

/// Who is to become a member.
#[derive(Clone)]
pub struct NewMember {
    /// The address.
    pub email: String,
    /// The role, by id or name.
    pub role: String,
    /// A password, which only an operator sets, and only for an address that is new.
    pub password: Option<Zeroizing<String>>,
}

/// What became of it.
pub enum Added {
    /// A member.
    Member(NamedMember),
    /// An invitation.
    Invited(Invited),
}

/// A user with a membership, about to be written.
#[derive(Clone)]
struct Fresh {
    user: User,
    account_id: AccountId,
    role: String,
    user_created: Event,
    member_added: Event,
}

/// Adds a member, or invites somebody to become one.
///
/// # Errors
/// Members that are not acceptable, a role that holds more than the caller, somebody who is a
/// member already; with a password also a caller who is no operator, and an address that is known.
pub async fn add(
    app: &App,
    access: &TeamAccess,
    operator: Option<&OperatorAccess>,
    input: NewMember,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Added, Error> {
    let Some(password) = input.password else {
        let invited = invite(app, access, &input.email, &input.role, idempotency).await?;
        return Ok(Added::Invited(invited));
    };
    if operator.is_none() {
        let message = "Only an operator sets a password for somebody. Leave it out to invite.";
        return Err(Error::because(Reason::PermissionRequired, message));
    }
    let email = check(&input.email, &password)?;
    // Before the hashing, which costs; the transaction asks again.
    let mut reader = app.read().await?;
    access.covers(
        &resolve(&mut reader, access.account_id(), &input.role)
            .await?
            .powers,
    )?;
    drop(reader);
    let password_hash = app.passwords().hash(app.sources(), password).await?;

    let now = app.sources().now();
    let id = UserId::new(now, &app.sources().id()?);
    let user = User {
        id,
        email,
        password_hash,
        suspended_at: None,
        created_at: now,
        version: 1,
    };
    let account_id = access.account_id();
    let event = |action| {
        let after = Some(json!({ "user_id": id, "email": user.email }));
        let signature = access.signature();
        signature.event(app.sources(), Some(account_id), action, id, (None, after))
    };
    let (user_created, member_added) = (event(Action::UserCreated)?, event(Action::MemberAdded)?);
    let fresh = Fresh {
        user,
        account_id,
        role: input.role,
        user_created,
        member_added,
    };
    write(app, access, fresh, idempotency)
        .await
        .map(Added::Member)
}

fn check(email: &str, password: &str) -> Result<String, Error> {
    let mut problems = Problems::default();
    let email = problems
        .check("email", text::email(email))
        .unwrap_or_default();
    problems.check("password", passwords::check(password, &email));
    problems.into_result()?;
    Ok(email)
}

async fn write(
    app: &App,
    access: &TeamAccess,
    fresh: Fresh,
    idempotency: Option<&IdempotencyKey>,
) -> Result<NamedMember, Error> {
    let (keyring, inside) = (Arc::clone(app.keyring()), access.clone());
    let (now, key) = (fresh.user.created_at, idempotency.cloned());
    let user_id = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (keyring, access, key) = (keyring.clone(), inside.clone(), key.clone());
            let fresh = fresh.clone();
            Box::pin(async move {
                let user_id = fresh.user.id;
                match replay(key.as_ref(), tx, &keyring, (user_id, None), now).await? {
                    Some(before) => replayed_id(&before),
                    None => insert(tx, &access, fresh).await.map(|()| user_id),
                }
            })
        })
        .await?;
    show(app, access, user_id).await
}

async fn insert(tx: &mut Tx, access: &TeamAccess, fresh: Fresh) -> Result<(), Error> {
    let Fresh {
        user,
        account_id,
        role,
        user_created,
        member_added,
    } = fresh;
    accounts::lock(tx, account_id).await?;
    let role = resolve(tx, account_id, &role).await?;
    access.covers(&role.powers)?;
    if users::by_email(tx, &user.email).await?.is_some() {
        let message = "Somebody has this address already. Leave the password out to invite them.";
        return Err(Error::conflict(message));
    }
    users::insert(tx, &user).await?;
    tx.audit(user_created);
    join(
        tx,
        &user,
        (account_id, role.role),
        user.created_at,
        member_added,
    )
    .await
}

/// Writes a membership and what there is to tell about it.
pub(crate) async fn join(
    tx: &mut Tx,
    user: &User,
    (account_id, role): (AccountId, claviger_model::roles::RoleRef),
    now: UnixMillis,
    event: Event,
) -> Result<(), Error> {
    let member = Member {
        account_id,
        user_id: user.id,
        role,
        created_at: now,
        version: 1,
    };
    members::insert(tx, &member).await?;
    // An operator who entered before has the powers of the membership from now on.
    tx.change(Change::new(ChangeKind::User, user.id));
    let after = audited(&member, &user.email);
    tx.outbox(&event.action, Some(account_id), after.clone());
    tx.audit(Event {
        after: Some(after),
        ..event
    });
    Ok(())
}
