//! Accepting an invitation. Of many at once, one becomes the member.

use claviger_model::accounts::AccountStatus;
use claviger_model::audit::{Action, Event};
use claviger_model::ids::{AccountId, UserId};
use claviger_model::keyring::macs_equal;
use claviger_model::members::{Invitation, User};
use claviger_model::{Reason, UnixMillis, passwords, secret};
use claviger_store::{Conn, Tx, accounts, invitations, members, users};
use serde_json::json;
use zeroize::Zeroizing;

use super::audited;
use crate::access::Signature;
use crate::actor::Caller;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::members::join;
use crate::passwords::Guess;
use crate::roles::named;
use crate::sessions::Origin;

/// What an invitation offers, for the page that asks whether to accept it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Whom it is for.
    pub email: String,
    /// The account.
    pub account_name: String,
    /// The role.
    pub role_name: String,
    /// Until when.
    pub expires_at: UnixMillis,
    /// Whether a new password is to be chosen; else the address has one already.
    pub is_new_user: bool,
}

/// Who became a member of what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The user.
    pub user_id: UserId,
    /// The user's address.
    pub email: String,
    /// The account.
    pub account_id: AccountId,
}

/// Somebody who is about to join.
#[derive(Clone)]
struct Joining {
    invitation: Invitation,
    user: User,
    is_new: bool,
    now: UnixMillis,
    user_created: Event,
    accepted: Event,
    member_added: Event,
}

/// What the invitation with this token offers.
///
/// # Errors
/// `not_found` for every token that cannot be accepted: unknown, used, withdrawn or expired.
pub async fn look(app: &App, token: &str) -> Result<Offer, Error> {
    let mut reader = app.read().await?;
    let invitation = find(app, &mut reader, token).await?;
    let account = accounts::get(&mut reader, invitation.account_id).await?;
    let account = account.ok_or_else(gone)?;
    let role = named(&mut reader, invitation.account_id, invitation.role).await?;
    let user = users::by_email(&mut reader, &invitation.email).await?;
    Ok(Offer {
        email: invitation.email,
        account_name: account.name,
        role_name: role.ok_or_else(gone)?.name,
        expires_at: invitation.expires_at,
        is_new_user: user.is_none(),
    })
}

/// Accepts the invitation with this token: with a new password when the address is new, else with
/// the one that it has.
///
/// # Errors
/// As [`look`]; a new password that is too weak, a wrong one, a suspended account, somebody who
/// is a member already.
pub async fn accept(
    app: &App,
    token: &str,
    password: Zeroizing<String>,
    origin: Origin,
) -> Result<Accepted, Error> {
    let mut reader = app.read().await?;
    let invitation = find(app, &mut reader, token).await?;
    let known = users::by_email(&mut reader, &invitation.email).await?;
    drop(reader);
    let now = app.sources().now();
    let is_new = known.is_none();
    let user = match known {
        None => make_user(app, &invitation.email, password, now).await?,
        Some(user) => check_password(app, user, password, origin).await?,
    };
    join_now(app, invitation, (user, is_new), origin).await
}

/// Accepts an invitation as somebody who is signed in already, with the address that it is for.
///
/// # Errors
/// As [`look`]; an invitation for another address, a suspended account, somebody who is a member
/// already; `session_required` for somebody who is no user.
pub async fn accept_as(app: &App, token: &str, caller: &Caller) -> Result<Accepted, Error> {
    let signed_in = caller.signed_in()?;
    let mut reader = app.read().await?;
    let invitation = find(app, &mut reader, token).await?;
    if invitation.email != signed_in.email {
        let message = format!(
            "This invitation is for {}, and you are signed in as {}. Sign out, then open its \
             link again.",
            invitation.email, signed_in.email
        );
        return Err(Error::because(Reason::PermissionRequired, message));
    }
    let user = users::get(&mut reader, signed_in.user_id).await?;
    let user = user.ok_or_else(gone)?;
    drop(reader);
    let origin = Origin {
        ip: caller.ip,
        request_id: caller.request_id,
    };
    join_now(app, invitation, (user, false), origin).await
}

async fn join_now(
    app: &App,
    invitation: Invitation,
    user: (User, bool),
    origin: Origin,
) -> Result<Accepted, Error> {
    let now = app.sources().now();
    let joining = prepare(app, invitation, user, now, origin)?;
    let outcome = Accepted {
        user_id: joining.user.id,
        email: joining.user.email.clone(),
        account_id: joining.invitation.account_id,
    };
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let joining = joining.clone();
        Box::pin(write(tx, joining))
    })
    .await?;
    Ok(outcome)
}

/// The open invitation of a token. Unknown and wrong look the same.
async fn find(app: &App, conn: &mut Conn, token: &str) -> Result<Invitation, Error> {
    let lookup = secret::parse(token).map_err(|_| gone())?;
    let found = invitations::by_lookup(conn, lookup).await?;
    let version = found
        .as_ref()
        .map_or(app.keyring().current_version(), |found| {
            found.stored.pepper_version
        });
    let hash = app.keyring().hash_secret(version, token).ok_or_else(gone)?;
    let now = app.sources().now();
    found
        .filter(|found| macs_equal(&hash, &found.stored.hash) && found.expires_at > now)
        .ok_or_else(gone)
}

async fn make_user(
    app: &App,
    email: &str,
    password: Zeroizing<String>,
    now: UnixMillis,
) -> Result<User, Error> {
    passwords::check(&password, email)
        .map_err(|weak| Error::invalid("password", weak.to_string()))?;
    let password_hash = app.passwords().hash(app.sources(), password).await?;
    Ok(User {
        id: UserId::new(now, &app.sources().id()?),
        email: email.to_owned(),
        password_hash,
        suspended_at: None,
        created_at: now,
        version: 1,
    })
}

async fn check_password(
    app: &App,
    user: User,
    password: Zeroizing<String>,
    origin: Origin,
) -> Result<User, Error> {
    let stored = user
        .suspended_at
        .is_none()
        .then(|| user.password_hash.clone());
    let guess = Guess {
        email: &user.email,
        ip: origin.ip,
        stored,
        password,
    };
    if app.passwords().check(app.sources(), guess).await? {
        return Ok(user);
    }
    Err(Error::because(Reason::InvalidCredential, "Wrong password."))
}

fn prepare(
    app: &App,
    invitation: Invitation,
    (user, is_new): (User, bool),
    now: UnixMillis,
    origin: Origin,
) -> Result<Joining, Error> {
    let signature = Signature::of(user.id.to_string(), origin.ip, origin.request_id);
    let account_id = Some(invitation.account_id);
    let event = |action, target: &str, after| {
        signature.event(app.sources(), account_id, action, target, (None, after))
    };
    let user_id = user.id.to_string();
    let created = Some(json!({ "user_id": user.id, "email": user.email }));
    let taken = Some(audited(&invitation));
    Ok(Joining {
        user_created: event(Action::UserCreated, &user_id, created)?,
        accepted: event(
            Action::InvitationAccepted,
            &invitation.id.to_string(),
            taken,
        )?,
        member_added: event(Action::MemberAdded, &user_id, None)?,
        invitation,
        user,
        is_new,
        now,
    })
}

async fn write(tx: &mut Tx, joining: Joining) -> Result<(), Error> {
    let Joining {
        invitation,
        user,
        is_new,
        now,
        ..
    } = joining;
    let account_id = invitation.account_id;
    accounts::lock(tx, account_id).await?;
    if !invitations::take(tx, invitation.id).await? {
        return Err(gone());
    }
    let account = accounts::get(tx, account_id).await?.ok_or_else(gone)?;
    if account.status != AccountStatus::Active {
        return Err(Error::refused(Reason::AccountInactive));
    }
    if named(tx, account_id, invitation.role).await?.is_none() {
        return Err(gone());
    }
    // What the password was checked against may be over.
    let present = users::by_email(tx, &user.email).await?;
    if is_new {
        if present.is_some() {
            return Err(Error::conflict(
                "This address was taken in the meantime. Try again.",
            ));
        }
        users::insert(tx, &user).await?;
        tx.audit(joining.user_created);
    } else if present.as_ref() != Some(&user) {
        return Err(Error::conflict(
            "Your password was changed in the meantime. Try again.",
        ));
    }
    if members::get(tx, account_id, user.id).await?.is_some() {
        return Err(Error::conflict("You are a member of this account already."));
    }
    tx.outbox(
        &joining.accepted.action,
        Some(account_id),
        audited(&invitation),
    );
    tx.audit(joining.accepted);
    join(
        tx,
        &user,
        (account_id, invitation.role),
        now,
        joining.member_added,
    )
    .await
}

fn gone() -> Error {
    let message = "This invitation does not hold: it was used, withdrawn, or is past its end.";
    Error::because(Reason::NotFound, message)
}
