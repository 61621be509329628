//! Accounts: the operator's customers.

mod create;
mod edit;
mod list;
mod rename;

use claviger_model::accounts::Account;
use serde_json::{Value, json};

pub use create::create;
pub use edit::{AccountEdit, edit};
pub use list::{AccountPage, Mine, find, has_several, list, mine, own, show};
pub use rename::rename;

/// The members of an account that an audit event tells of.
pub(crate) fn audited(account: &Account) -> Value {
    json!({ "name": account.name, "status": account.status.as_str() })
}
