//! Making somebody an operator of the instance.

use std::sync::Arc;

use claviger_model::audit::{Action, Event};
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::UserId;
use claviger_model::members::{Operator, User};
use claviger_model::{Problems, UnixMillis, passwords, text};
use claviger_store::{Tx, operators, users};
use serde_json::json;
use zeroize::Zeroizing;

use super::NamedOperator;
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};

/// Who is to become an operator.
#[derive(Clone)]
pub struct NewOperator {
    /// The address.
    pub email: String,
    /// The password; for an address that is new, and only then.
    pub password: Option<Zeroizing<String>>,
}

/// Makes a user an operator, and the user first when the address is new.
///
/// # Errors
/// Members that are not acceptable, a password for an address that is known, a new address
/// without one, somebody who is an operator already.
pub async fn add(
    app: &App,
    access: &OperatorAccess,
    input: NewOperator,
    idempotency: Option<&IdempotencyKey>,
) -> Result<NamedOperator, Error> {
    let email =
        text::email(&input.email).map_err(|error| Error::invalid("email", error.to_string()))?;
    let known = users::by_email(&mut *app.read().await?, &email).await?;
    let user = match (known, input.password) {
        (Some(user), password) => Candidate::Known(user, password.is_some()),
        (None, Some(password)) => Candidate::New(make_user(app, email, password).await?),
        (None, None) => return Err(Error::invalid("password", "is needed for a new address")),
    };
    write(app, access, user, idempotency).await
}

/// Who becomes an operator.
#[derive(Clone)]
enum Candidate {
    /// Somebody who has to be made first.
    New(User),
    /// Somebody there is, and whether a password was sent along.
    Known(User, bool),
}

async fn make_user(app: &App, email: String, password: Zeroizing<String>) -> Result<User, Error> {
    let mut problems = Problems::default();
    problems.check("password", passwords::check(&password, &email));
    problems.into_result()?;
    let password_hash = app.passwords().hash(app.sources(), password).await?;
    let created_at = app.sources().now();
    let id = UserId::new(created_at, &app.sources().id()?);
    Ok(User {
        id,
        email,
        password_hash,
        suspended_at: None,
        created_at,
        version: 1,
    })
}

async fn write(
    app: &App,
    access: &OperatorAccess,
    candidate: Candidate,
    idempotency: Option<&IdempotencyKey>,
) -> Result<NamedOperator, Error> {
    let now = app.sources().now();
    let (Candidate::New(user) | Candidate::Known(user, _)) = &candidate;
    let event = |action| {
        let after = Some(json!({ "user_id": user.id, "email": user.email }));
        access
            .signature()
            .event(app.sources(), None, action, user.id, (None, after))
    };
    let events = (event(Action::UserCreated)?, event(Action::OperatorAdded)?);
    let user = user.clone();
    let (keyring, key) = (Arc::clone(app.keyring()), idempotency.cloned());
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (candidate, events) = (candidate.clone(), events.clone());
            let (keyring, key, id) = (keyring.clone(), key.clone(), user.id);
            Box::pin(async move {
                let made = replay(key.as_ref(), tx, &keyring, (id, None), now).await?;
                if made.is_none() {
                    insert(tx, candidate, events, now).await?;
                }
                Ok::<_, Error>((made, id))
            })
        })
        .await?;
    let id = match before {
        (Some(before), _) => replayed_id(&before)?,
        (None, id) => id,
    };
    let found = super::list(app, access).await?;
    let mut named = found.into_iter().filter(|operator| operator.user_id == id);
    named.next().ok_or_else(|| Error::not_found("operator"))
}

async fn insert(
    tx: &mut Tx,
    candidate: Candidate,
    (user_created, operator_added): (Event, Event),
    now: UnixMillis,
) -> Result<(), Error> {
    let user_id = match candidate {
        Candidate::New(user) => {
            users::insert(tx, &user).await?;
            tx.audit(user_created);
            user.id
        }
        Candidate::Known(_, true) => {
            let message = "Somebody has this address already. Leave the password out.";
            return Err(Error::conflict(message));
        }
        Candidate::Known(user, false) => user.id,
    };
    if operators::get(tx, user_id).await?.is_some() {
        return Err(Error::conflict("This user is an operator already."));
    }
    let operator = Operator {
        user_id,
        created_at: now,
        version: 1,
    };
    operators::insert(tx, &operator).await?;
    tx.change(Change::new(ChangeKind::User, user_id));
    tx.audit(operator_added);
    Ok(())
}
