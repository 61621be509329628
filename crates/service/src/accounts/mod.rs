//! Accounts: the operator's customers.

mod create;
mod edit;
mod list;

use claviger_model::accounts::Account;
use serde_json::{Value, json};

pub use create::create;
pub use edit::{AccountEdit, edit};
pub use list::{AccountPage, Mine, find, list, mine, own, show};

/// The members of an account that an audit event tells of.
pub(crate) fn audited(account: &Account) -> Value {
    json!({ "name": account.name, "status": account.status.as_str() })
}
