//! Looking at roles.

use claviger_model::Reason;
use claviger_model::roles::BuiltInRole;
use claviger_store::roles;

use super::{NamedRole, resolve};
use crate::access::TeamAccess;
use crate::app::App;
use crate::error::Error;

/// Every role of an account, the built-in ones first.
pub async fn list(app: &App, access: &TeamAccess) -> Result<Vec<NamedRole>, Error> {
    let made = roles::of_account(&mut *app.read().await?, access.account_id()).await?;
    let built_in = BuiltInRole::ALL.into_iter().map(NamedRole::from);
    Ok(built_in
        .chain(made.into_iter().map(NamedRole::from))
        .collect())
}

/// One role, by id or name.
pub async fn show(app: &App, access: &TeamAccess, role: &str) -> Result<NamedRole, Error> {
    let found = resolve(&mut *app.read().await?, access.account_id(), role).await;
    found.map_err(|error| match error.reason() {
        Reason::Validation => Error::not_found("role"),
        _ => error,
    })
}
