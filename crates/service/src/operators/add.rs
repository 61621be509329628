//! Making somebody an operator of the instance.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::UserId;
use claviger_model::members::{Operator, User};
use claviger_model::{Problems, passwords, text};
use claviger_store::{Tx, operators, users};
use serde_json::json;
use zeroize::Zeroizing;

use super::NamedOperator;
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;

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
) -> Result<NamedOperator, Error> {
    let email =
        text::email(&input.email).map_err(|error| Error::invalid("email", error.to_string()))?;
    let known = users::by_email(&mut *app.read().await?, &email).await?;
    let is_new = known.is_none();
    let user = match (known, input.password) {
        (Some(user), None) => user,
        (None, Some(password)) => make_user(app, email, password).await?,
        (Some(_), Some(_)) => {
            let message = "Somebody has this address already. Leave the password out.";
            return Err(Error::conflict(message));
        }
        (None, None) => return Err(Error::invalid("password", "is needed for a new address")),
    };
    write(app, access, user, is_new).await
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
    user: User,
    is_new: bool,
) -> Result<NamedOperator, Error> {
    let now = app.sources().now();
    let event = |action| {
        let after = Some(json!({ "user_id": user.id, "email": user.email }));
        access
            .signature()
            .event(app.sources(), None, action, user.id, (None, after))
    };
    let (user_created, operator_added) =
        (event(Action::UserCreated)?, event(Action::OperatorAdded)?);
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (user, user_created) = (user.clone(), user_created.clone());
        let operator_added = operator_added.clone();
        Box::pin(async move {
            if is_new {
                users::insert(tx, &user).await?;
                tx.audit(user_created);
            }
            if operators::get(tx, user.id).await?.is_some() {
                return Err(Error::conflict("This user is an operator already."));
            }
            let operator = Operator {
                user_id: user.id,
                created_at: now,
                version: 1,
            };
            operators::insert(tx, &operator).await?;
            tx.change(Change::new(ChangeKind::User, user.id));
            tx.audit(operator_added);
            Ok(NamedOperator {
                user_id: user.id,
                email: user.email,
                suspended_at: user.suspended_at,
                created_at: now,
            })
        })
    })
    .await
}
